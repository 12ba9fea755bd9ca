/** Accounts of a certified OpenID provider: people sign up and in with them, link them, and use them in native apps. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort, startServer } from "../lib/server.mjs";
import { startProvider } from "./openid-provider.mjs";
import { enter, launch, newcomer, visit, whoami } from "./visitor.mjs";

const mapper = readFileSync(join(import.meta.dirname, "../config/provider.mapper.jsonnet"), "base64");

let browser, server, provider, app, issuer;
before(async () => {
  browser = await launch();
  // Another host than the server's, as in life: what browsers keep back between sites is kept back here too.
  issuer = `http://localhost:${await freePort()}`;
  server = await startServer("provider", { issuer, mapper });
  const callback = `${server.publicUrl}/self-service/methods/oidc/callback`;
  provider = await startProvider(issuer, [
    { client_id: "club-client", client_secret: "club-secret", redirect_uris: [`${callback}/club`] },
    {
      client_id: "guild-client",
      client_secret: "guild-secret",
      redirect_uris: [callback],
      id_token_signed_response_alg: "ES256",
    },
  ]);
  const blank = `<!doctype html><link rel="icon" href="data:,">`;
  app = createServer((_, response) => response.setHeader("Content-Type", "text/html").end(blank));
  app.listen(new URL(server.appUrl).port, "127.0.0.1");
  await once(app, "listening");
});
after(async () => {
  await browser?.close();
  app?.closeAllConnections();
  app?.close();
  provider?.stop();
  await server?.stop();
});

const open = (kind, query = "") => `${server.publicUrl}/self-service/${kind}/browser${query}`;
const shows = (page, name) => page.waitForURL((url) => url.href.split("?")[0] === `${server.publicUrl}/ui/${name}`);
const json = { Accept: "application/json", "Content-Type": "application/json" };

/** Presses a button of the built-in pages that leads to the provider or away from it. */
const press = (page, name, value) => page.locator(`button[name="${name}"][value="${value}"]`).click();

/** Says at the provider who one is. */
async function tell(page, name) {
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function logOut(page) {
  await page.goto(`${server.publicUrl}/ui/welcome`);
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await shows(page, "signed-out");
}

async function session(context) {
  const answer = await context.request.get(`${server.publicUrl}/sessions/whoami`, { headers: json });
  assert.equal(answer.status(), 200, await answer.text());
  return answer.json();
}

for (const [id, nickname] of [["club", "ann"], ["guild", undefined]]) {
  test(`signs up with the ${id}, out, and in again`, () =>
    visit(browser, {}, async (page, context) => {
      const name = `${id}-ann`;
      await page.goto(open("registration"));
      await press(page, "provider", id);
      await tell(page, name);
      await shows(page, "welcome");
      const { identity, authentication_methods: methods } = await session(context);
      const traits = { email: `${name}@club.example`, ...(nickname && { nickname: name }) };
      assert.deepEqual(identity.traits, traits);
      assert.deepEqual(identity.metadata_public, { issuer });
      assert.equal(methods[0].provider, id);
      const asked = provider.asked.at(-1);
      assert.equal(asked.code_challenge_method, "S256");
      assert.ok(asked.scope.split(" ").includes("openid"), asked.scope);

      await logOut(page);
      assert.equal(await whoami(context, server.publicUrl), 401);
      // The provider still knows who it is.
      await page.goto(open("login"));
      await press(page, "provider", id);
      await shows(page, "welcome");
      assert.equal((await session(context)).identity.id, identity.id);
    }));
}

test("whoever changes their mind at the provider can sign in another way", () =>
  visit(browser, {}, async (page, context) => {
    await page.goto(open("login"));
    await press(page, "provider", "club");
    await page.getByRole("button", { name: "Cancel" }).click();
    await shows(page, "login");
    await page.getByRole("alert").first().waitFor();
    assert.equal(await whoami(context, server.publicUrl), 401);
    await press(page, "provider", "guild");
    await tell(page, "undecided");
    await shows(page, "welcome");
  }));

test("an account is linked in the settings, signs in, and is unlinked", () =>
  visit(browser, {}, async (page, context) => {
    const someone = newcomer();
    await page.goto(open("registration"));
    await enter(page, someone);
    await shows(page, "welcome");
    const { identity } = await session(context);
    await page.goto(open("settings"));
    await press(page, "link", "club");
    await tell(page, "linked");
    await shows(page, "settings");
    await page.locator('button[name="unlink"][value="club"]').waitFor();

    await logOut(page);
    await page.goto(open("login"));
    await press(page, "provider", "club");
    await shows(page, "welcome");
    assert.equal((await session(context)).identity.id, identity.id);

    await page.goto(open("settings"));
    await press(page, "unlink", "club");
    await page.locator('button[name="link"][value="club"]').waitFor();
    await logOut(page);
    await page.goto(open("login"));
    await press(page, "provider", "club");
    await shows(page, "welcome");
    assert.notEqual((await session(context)).identity.id, identity.id, "somebody new");
  }));

test("an address that has an account is linked by whoever knows its password", () =>
  visit(browser, { expected: [400] }, async (page, context) => {
    const owner = { ...newcomer(), email: "owner@club.example" };
    await page.goto(open("registration"));
    await enter(page, owner);
    await shows(page, "welcome");
    const { identity } = await session(context);
    await logOut(page);
    await page.goto(open("login"));
    await press(page, "provider", "guild");
    await tell(page, "owner");
    await shows(page, "login");
    assert.equal(await whoami(context, server.publicUrl), 401);
    await enter(page, owner);
    await shows(page, "welcome");
    const linked = await session(context);
    assert.equal(linked.identity.id, identity.id);
    assert.deepEqual(linked.authentication_methods.map(({ method }) => method), ["password", "oidc"]);
  }));

test("a native app trades two codes for the session of its browser", () =>
  visit(browser, {}, async (page, context) => {
    const query = `return_session_token_exchange_code=true&return_to=${server.appUrl}/signed-in`;
    const form = await (await fetch(`${server.publicUrl}/self-service/login/api?${query}`)).json();
    const body = JSON.stringify({ method: "oidc", provider: "club" });
    const sent = await fetch(form.ui.action, { method: "POST", headers: json, body });
    assert.equal(sent.status, 422);
    await page.goto((await sent.json()).redirect_browser_to);
    await tell(page, "native");
    await page.waitForURL(`${server.appUrl}/signed-in?**`);
    assert.equal(await whoami(context, server.publicUrl), 401, "the session is the app's alone");

    const codes = new URLSearchParams({
      init_code: form.session_token_exchange_code,
      return_to_code: new URL(page.url()).searchParams.get("code"),
    });
    const trade = () => fetch(`${server.publicUrl}/sessions/token-exchange?${codes}`);
    const { session_token: token } = await (await trade()).json();
    const mine = await fetch(`${server.publicUrl}/sessions/whoami`, { headers: { "X-Session-Token": token } });
    assert.equal((await mine.json()).identity.traits.email, "native@club.example");
    assert.equal((await trade()).status, 404, "the codes are good once");
  }));
