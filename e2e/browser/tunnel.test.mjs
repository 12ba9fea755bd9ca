/** An app at localhost that uses a server with another name, through `zelus tunnel`. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { freePort, startServer } from "../lib/server.mjs";
import { enter, launch, newcomer, visit } from "./visitor.mjs";

const repository = resolve(import.meta.dirname, "../..");
const binary = process.env.ZELUS_BIN ?? join(repository, "target/debug/zelus");

/** The app: one page that asks the server by `fetch`, with cookies. */
const appPage = (tunnelUrl) => `<!doctype html>
<html lang="en">
  <head><title>App</title><link rel="icon" href="data:," /></head>
  <body>
    <p id="state"></p>
    <a id="sign-up">Sign up</a>
    <button id="log-out">Log out</button>
    <script type="module">
      const options = { credentials: "include", headers: { accept: "application/json" } };
      const get = async (url) => {
        const answer = await fetch(url, options);
        return answer.ok && answer.status !== 204 ? answer.json() : null;
      };
      const show = async () => {
        const session = await get("${tunnelUrl}/sessions/whoami");
        state.textContent = session ? "Signed in as " + session.identity.traits.email : "Signed out";
      };
      const [state, signUp, logOut] = ["state", "sign-up", "log-out"].map((id) => document.getElementById(id));
      signUp.href = "${tunnelUrl}/self-service/registration/browser?return_to=" + encodeURIComponent(location.href);
      logOut.onclick = async () => {
        await get((await get("${tunnelUrl}/self-service/logout/browser")).logout_url);
        await show();
      };
      await show();
    </script>
  </body>
</html>`;

/** Opens a tunnel and gives back how to close it, once it has said that it is open. */
async function openTunnel(args) {
  const tunnel = spawn(binary, ["tunnel", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(tunnel, "exit");
  let said = "";
  for await (const text of tunnel.stdout.iterator({ destroyOnReturn: false })) {
    said += text;
    if (said.includes("Stop with Ctrl+C.")) break;
  }
  assert.match(said, /is now/, "the tunnel did not open");
  return async () => {
    tunnel.kill("SIGTERM");
    await ended;
  };
}

describe("Tunnel", () => {
  let browser, server, app, appUrl, closeTunnel;
  before(async () => {
    browser = await launch();
    const [appPort, tunnelPort] = await Promise.all([freePort(), freePort()]);
    appUrl = `http://localhost:${appPort}`;
    server = await startServer("elsewhere", { appOrigin: appUrl });
    closeTunnel = await openTunnel(["--url", server.publicUrl, "--port", tunnelPort, appUrl]);
    const page = appPage(`http://localhost:${tunnelPort}`);
    app = createServer((request, response) => response.setHeader("content-type", "text/html").end(page));
    await once(app.listen(appPort, "localhost"), "listening");
  });
  after(async () => {
    app?.closeAllConnections();
    app?.close();
    await closeTunnel?.();
    await server?.stop();
    await browser?.close();
  });

  test("an app at localhost signs up by the server's pages, and out by script", () =>
    visit(browser, { expected: [401] }, async (page) => {
      const person = newcomer();
      await page.goto(appUrl);
      await page.getByText("Signed out").waitFor();
      await page.getByRole("link", { name: "Sign up" }).click();
      await enter(page, person);
      await page.getByText(`Signed in as ${person.email}`).waitFor();
      assert.equal(page.url(), `${appUrl}/`);
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByText("Signed out").waitFor();
      await page.reload();
      await page.getByText("Signed out").waitFor();
    }));
});
