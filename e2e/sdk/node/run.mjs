/** Takes every SDK of the npm registry through its journeys, and prints one line for each SDK and way. */
import { startServer } from "../../lib/server.mjs";
import * as shells from "./app-shells.mjs";
import { cookieStyles } from "./express-app.mjs";
import { browserLike, express, native } from "./journeys.mjs";
import { sdks } from "./sdks.mjs";

let failed = 0;

async function check(title, journey) {
  try {
    await journey();
    console.log(`ok - ${title}`);
  } catch (error) {
    failed += 1;
    const answer = error.response?.data ? ` ${JSON.stringify(error.response.data).slice(0, 400)}` : "";
    console.log(`not ok - ${title}: ${error.message.split("\n").join(" ")}${answer}`);
  }
}

const server = await startServer("apps");
try {
  for (const sdk of sdks) {
    await check(`${sdk.title}, native token`, () => native(sdk, server));
    await check(`${sdk.title}, cookies in a browser`, () => browserLike(sdk, server));
    for (const [style, cookieOf] of Object.entries(cookieStyles)) {
      if (style === "bare cookie value" && !sdk.bareCookie) continue;
      await check(`${sdk.title}, Express route, ${style}`, () => express(cookieOf)(sdk, server));
    }
  }
  for (const origin of shells.origins) {
    await check(`app shell ${origin}, native routes`, () => shells.nativeRoutes(origin, server));
    await check(`app shell ${origin}, browser routes`, () => shells.browserRoutes(origin, server));
    await check(`app shell ${origin}, preflight`, () => shells.preflight(origin, server));
  }
} finally {
  await server.stop();
}
process.exitCode = failed > 0 ? 1 : 0;
