/** Security keys and passkeys on the built-in pages, with Chromium's virtual authenticator. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startServer } from "../lib/server.mjs";
import { enter, launch, newcomer, visit, whoami } from "./visitor.mjs";

let browser, server, publicUrl;
before(async () => {
  browser = await launch();
  server = await startServer("keys");
  publicUrl = server.publicUrl.replace("127.0.0.1", "localhost");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (kind, query = "") => `${publicUrl}/self-service/${kind}/browser${query}`;
const shows = (page, name) => page.waitForURL((url) => url.href.split("?")[0] === `${publicUrl}/ui/${name}`);

/** Gives a page an authenticator (Chrome DevTools Protocol, WebAuthn domain). */
async function plugIn(page, options) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const defaults = { protocol: "ctap2", isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: { ...defaults, ...options },
  });
  return {
    credentials: async () => (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    refuses: () => session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false }),
  };
}

const passkeys = { transport: "internal", hasResidentKey: true, hasUserVerification: true };
const securityKey = { transport: "usb", hasResidentKey: false, hasUserVerification: false };

async function logOut(page) {
  await page.goto(`${publicUrl}/ui/welcome`);
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await shows(page, "signed-out");
}

const session = async (context) => {
  const answer = await context.request.get(`${publicUrl}/sessions/whoami`, { headers: { Accept: "application/json" } });
  return answer.json();
};

test("a passkey signs up, and in by the button and where the address is typed", () =>
  visit(browser, { expected: [400] }, async (page, context) => {
    const authenticator = await plugIn(page, passkeys);
    const { email } = newcomer();
    await page.goto(open("registration"));
    await page.getByLabel(/e-mail/i).fill(email);
    await page.locator('button[name="method"][value="profile"]').click();
    await page.getByRole("button", { name: "Sign up with a passkey" }).click();
    await shows(page, "welcome");
    await page.getByText(email).waitFor();
    const [credential] = await authenticator.credentials();
    assert.equal(credential.isResidentCredential, true);
    assert.equal(credential.userName, email, "the passkey is called by the address");
    assert.equal((await session(context)).authentication_methods[0].method, "passkey");

    // Browsers offer passkeys in the field for the address: this one accepts at once.
    await logOut(page);
    await page.goto(open("login"));
    await shows(page, "welcome");
    assert.equal(await whoami(context, publicUrl), 200);

    // A browser that offers nothing by itself has the button.
    await logOut(page);
    await page.addInitScript(() => delete window.PublicKeyCredential.isConditionalMediationAvailable);
    await page.goto(open("login"));
    await shows(page, "login");
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await shows(page, "welcome");
    assert.equal(await whoami(context, publicUrl), 200);
  }));

test("a passkey signs up where a front end repeats the address in hidden fields", () =>
  visit(browser, { expected: [400] }, async (page) => {
    const authenticator = await plugIn(page, passkeys);
    const { email } = newcomer();
    await page.goto(open("registration"));
    await page.getByLabel(/e-mail/i).fill(email);
    await page.locator('button[name="method"][value="profile"]').click();
    const button = page.getByRole("button", { name: "Sign up with a passkey" });
    await button.evaluate(({ form }) => {
      const [address] = document.getElementsByName("traits.email");
      for (let copy = 0; copy < 2; copy++) form.append(address.cloneNode());
    });
    await button.click();
    await shows(page, "welcome");
    assert.equal((await authenticator.credentials())[0].userName, email);
  }));

test("a passkey is added in the settings, and removed", () =>
  visit(browser, { expected: [400] }, async (page) => {
    await plugIn(page, passkeys);
    await page.goto(open("registration"));
    await enter(page, newcomer());
    await shows(page, "welcome");
    await page.goto(open("settings"));
    await page.getByRole("button", { name: "Add a passkey" }).click();
    const remove = page.getByRole("button", { name: /Remove the passkey/ });
    await remove.waitFor();
    await page.getByText("Saved.").waitFor();
    await remove.click();
    await page.getByText("Saved.").waitFor();
    assert.equal(await remove.count(), 0);
  }));

test("a security key is a second factor", () =>
  visit(browser, { expected: [400, 403] }, async (page, context) => {
    await plugIn(page, securityKey);
    const person = newcomer();
    await page.goto(open("registration"));
    await enter(page, person);
    await shows(page, "welcome");
    await page.goto(open("settings"));
    await page.getByRole("button", { name: "Add a security key" }).click();
    // A key needs a name, says the server.
    await page.locator('input[name="webauthn_register_displayname"][aria-invalid="true"]').waitFor();
    assert.equal(await page.getByText("Saved.").count(), 0);
    await page.getByLabel("Name for this key").fill("Blue key");
    await page.getByRole("button", { name: "Add a security key" }).click();
    await page.getByRole("button", { name: /Remove the security key.*Blue key/ }).waitFor();
    assert.equal((await session(context)).authenticator_assurance_level, "aal2");

    await logOut(page);
    await page.goto(open("login"));
    await enter(page, person);
    const button = page.getByRole("button", { name: "Sign in with a security key" });
    await button.waitFor();
    assert.equal(await whoami(context, publicUrl), 403, "one factor is not enough");
    await button.click();
    await shows(page, "welcome");
    assert.equal((await session(context)).authenticator_assurance_level, "aal2");
  }));

test("somebody without a key is told so beside the button", () =>
  visit(browser, { expected: [400] }, async (page) => {
    const authenticator = await plugIn(page, { ...passkeys, isUserVerified: false });
    await authenticator.refuses();
    await page.goto(open("registration"));
    await page.getByLabel(/e-mail/i).fill(newcomer().email);
    await page.locator('button[name="method"][value="profile"]').click();
    await page.getByRole("button", { name: "Sign up with a passkey" }).click();
    await page.getByRole("alert").getByText("No key was used").waitFor();
  }));
