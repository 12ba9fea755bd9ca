/** Every way to sign in that needs no JavaScript, by people who have none: the built-in pages are plain HTML. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { codeIn, linkIn, mailbox, totp } from "../lib/codes.mjs";
import { startProvider } from "../lib/provider.mjs";
import { startServer } from "../lib/server.mjs";
import { enter, launch, newcomer, visit, whoami } from "./visitor.mjs";

const visitor = { javaScriptEnabled: false };

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** What people do on the pages of one server. */
function pagesOf(server) {
  const ui = (name) => `${server.publicUrl}/ui/${name}`;
  const shows = (page, name) => page.waitForURL((url) => url.href.split("?")[0] === ui(name));
  const open = async (page, kind, query = "") => {
    await page.goto(`${server.publicUrl}/self-service/${kind}/browser${query}`);
  };
  const press = (page, value, name = "method") => page.locator(`button[name="${name}"][value="${value}"]`).click();
  const fill = (page, name, text) => page.locator(`input[name="${name}"]:visible`).fill(text);
  return {
    ui,
    shows,
    open,
    press,
    fill,
    async signUp(page, person = newcomer()) {
      await open(page, "registration");
      await enter(page, person);
      await page.waitForURL(/\/ui\/(welcome|verification)/);
      return person;
    },
    async logOut(page) {
      await page.goto(ui("welcome"));
      await page.getByRole("button", { name: "Log out", exact: true }).click();
      await shows(page, "signed-out");
    },
    async enterCode(page, code) {
      await fill(page, "code", code);
      // Enter is how most people send a code, so it must not ask for another one.
      await page.locator('input[name="code"]').press("Enter");
    },
    async session(context) {
      const headers = { Accept: "application/json" };
      return (await context.request.get(`${server.publicUrl}/sessions/whoami`, { headers })).json();
    },
  };
}

describe("codes, second factors and social sign-in", () => {
  let server, provider, mail, people;
  before(async () => {
    provider = await startProvider();
    server = await startServer("methods", { providerUrl: provider.url });
    mail = mailbox(server.adminUrl);
    people = pagesOf(server);
  });
  after(async () => {
    await server?.stop();
    provider?.stop();
  });

  test("a sign-up leads to confirming the address", () =>
    visit(browser, visitor, async (page, context) => {
      const { email } = await people.signUp(page);
      await people.shows(page, "verification");
      await people.enterCode(page, "000000");
      await page.getByRole("alert").first().waitFor();
      await people.enterCode(page, codeIn(await mail(email, "verification_code_valid")));
      await page.getByRole("heading", { name: "Thank you" }).waitFor();
      const { identity } = await people.session(context);
      assert.equal(identity.verifiable_addresses[0].verified, true);
    }));

  test("a code signs up, and in after a wrong one", () =>
    visit(browser, visitor, async (page, context) => {
      const { email } = newcomer();
      await people.open(page, "registration");
      await people.fill(page, "traits.email", email);
      await people.press(page, "profile");
      await people.press(page, "code");
      await people.enterCode(page, codeIn(await mail(email, "registration_code_valid")));
      await people.shows(page, "welcome");
      await people.logOut(page);

      await people.open(page, "login");
      await people.fill(page, "identifier", email);
      await people.press(page, "code");
      await people.enterCode(page, "000000");
      await page.getByRole("alert").first().waitFor();
      assert.equal(await whoami(context, server.publicUrl), 401);
      await people.enterCode(page, codeIn(await mail(email, "login_code_valid")));
      await people.shows(page, "welcome");
      assert.equal(await whoami(context, server.publicUrl), 200);
    }));

  test("settings change the profile and the password", () =>
    visit(browser, visitor, async (page, context) => {
      const person = await people.signUp(page);
      await page.goto(people.ui("welcome"));
      await page.getByRole("link", { name: "Your account" }).click();
      await people.shows(page, "settings");
      await people.fill(page, "traits.nickname", "Ada");
      await people.press(page, "profile");
      await page.getByRole("status").getByText("Saved.").waitFor();
      assert.equal((await people.session(context)).identity.traits.nickname, "Ada");
      const changed = { ...person, password: newcomer().password };
      await people.fill(page, "password", changed.password);
      await people.press(page, "password");
      await page.getByRole("status").getByText("Saved.").waitFor();
      await page.getByRole("link", { name: "Done" }).click();
      await people.shows(page, "welcome");

      await people.logOut(page);
      await people.open(page, "login");
      await enter(page, person);
      await page.getByRole("alert").first().waitFor();
      await enter(page, changed);
      await people.shows(page, "welcome");
    }));

  test("an authenticator app and backup codes are second factors", () =>
    visit(browser, visitor, async (page, context) => {
      const person = await people.signUp(page);
      await people.open(page, "settings");
      assert.ok(await page.locator('img[src^="data:image/png"]').isVisible(), "there is a code to scan");
      const secret = (await page.locator("#totp_secret_key, pre").first().textContent()).trim();
      await people.fill(page, "totp_code", "000000");
      await people.press(page, "totp");
      await page.getByRole("alert").first().waitFor();
      await people.fill(page, "totp_code", totp(secret));
      await people.press(page, "totp");
      await page.getByRole("status").getByText("Saved.").waitFor();
      assert.equal((await people.session(context)).authenticator_assurance_level, "aal2");

      await page.locator('button[name="lookup_secret_regenerate"]').click();
      const codes = await page.locator(".codes li").allTextContents();
      assert.equal(codes.length, 12);
      await page.locator('button[name="lookup_secret_confirm"]').click();
      await page.getByRole("status").getByText("Saved.").waitFor();

      const comeBack = async () => {
        await people.logOut(page);
        await people.open(page, "login");
        await enter(page, person);
        await page.getByRole("heading", { name: "One more step" }).waitFor();
        assert.equal(await whoami(context, server.publicUrl), 403, "one factor is not enough");
      };
      await comeBack();
      // The code that linked the app is used up, so this is the next one.
      await people.fill(page, "totp_code", totp(secret, 1));
      await people.press(page, "totp");
      await people.shows(page, "welcome");
      await comeBack();
      await people.fill(page, "lookup_secret", codes[0]);
      await people.press(page, "lookup_secret");
      await people.shows(page, "welcome");
      await comeBack();
      await people.fill(page, "lookup_secret", codes[0]);
      await people.press(page, "lookup_secret");
      await page.getByRole("alert").first().waitFor();
      assert.equal(await whoami(context, server.publicUrl), 403, "each code is good once");
      await page.getByRole("link", { name: "Log out" }).click();
      await people.shows(page, "welcome");
    }));

  test("a fresh sign-in is asked for where an app wants one", () =>
    visit(browser, visitor, async (page, context) => {
      const person = await people.signUp(page);
      const { authenticated_at: before } = await people.session(context);
      await people.open(page, "login", "?refresh=true");
      await page.getByRole("heading", { name: "Is it still you?" }).waitFor();
      await enter(page, person);
      await people.shows(page, "welcome");
      assert.ok((await people.session(context)).authenticated_at > before);
    }));

  test("another service signs up and in, is disconnected and connected", () =>
    visit(browser, visitor, async (page, context) => {
      const name = newcomer().email.split("@")[0];
      const letIn = async () => {
        await page.getByLabel("Name").fill(name);
        await page.getByRole("button", { name: "Let me in" }).click();
      };
      for (const kind of ["registration", "login"]) {
        await people.open(page, kind);
        await people.press(page, "acme", "provider");
        await letIn();
        await people.shows(page, "welcome");
        await page.getByText(`${name}@acme.example.org`).waitFor();
        if (kind === "registration") await people.logOut(page);
      }
      await people.open(page, "settings");
      await people.fill(page, "password", newcomer().password);
      await people.press(page, "password");
      await page.getByRole("status").getByText("Saved.").waitFor();
      await people.press(page, "acme", "unlink");
      await page.locator('button[name="link"][value="acme"]').waitFor();
      await people.press(page, "acme", "link");
      await letIn();
      await page.locator('button[name="unlink"][value="acme"]').waitFor();
      assert.equal(await whoami(context, server.publicUrl), 200);
    }));

  test("a forgotten password is replaced after a code", () =>
    visit(browser, visitor, async (page, context) => {
      const { email } = await people.signUp(page);
      await people.logOut(page);
      await people.open(page, "login");
      await page.getByRole("link", { name: "Forgot how to sign in?" }).click();
      await people.fill(page, "email", email);
      await people.press(page, "code");
      await people.enterCode(page, "000000");
      await page.getByRole("alert").first().waitFor();
      await people.enterCode(page, codeIn(await mail(email, "recovery_code_valid")));
      await people.shows(page, "settings");
      const changed = { email, password: newcomer().password };
      await people.fill(page, "password", changed.password);
      await people.press(page, "password");
      await page.waitForURL(/\/ui\/(settings|welcome)/);
      await people.logOut(page);
      await people.open(page, "login");
      await enter(page, changed);
      await people.shows(page, "welcome");
      assert.equal(await whoami(context, server.publicUrl), 200);
    }));
});

describe("links, and the address first", () => {
  let server, mail, people;
  before(async () => {
    server = await startServer("links");
    mail = mailbox(server.adminUrl);
    people = pagesOf(server);
  });
  after(() => server?.stop());

  test("the address is asked for before the password", () =>
    visit(browser, visitor, async (page, context) => {
      const { email, password } = await people.signUp(page);
      await people.logOut(page);
      await people.open(page, "login");
      assert.equal(await page.locator('input[name="password"]').count(), 0);
      await people.fill(page, "identifier", email);
      await people.press(page, "identifier_first");
      await people.fill(page, "password", password);
      await people.press(page, "password");
      await people.shows(page, "welcome");
      assert.equal(await whoami(context, server.publicUrl), 200);
    }));

  test("a link confirms the address, and another one is a way back in, once", () =>
    visit(browser, visitor, async (page, context) => {
      const { email } = await people.signUp(page);
      await page.goto(linkIn(await mail(email, "verification_valid")));
      await page.getByRole("heading", { name: "Thank you" }).waitFor();
      await people.logOut(page);

      await people.open(page, "recovery");
      await people.fill(page, "email", email);
      await people.press(page, "link");
      await page.getByRole("status").first().waitFor();
      const link = linkIn(await mail(email, "recovery_valid"));
      await page.goto(link);
      await people.shows(page, "settings");
      assert.equal(await whoami(context, server.publicUrl), 200);
      await people.logOut(page);
      await page.goto(link);
      await people.shows(page, "recovery");
      assert.equal(await whoami(context, server.publicUrl), 401, "a link is good once");
    }));

  test("a form that was open too long is replaced, and says so", () =>
    visit(browser, visitor, async (page) => {
      await people.signUp(page);
      await people.open(page, "settings");
      const old = page.url();
      await sleep(1_200);
      await people.press(page, "profile");
      await people.shows(page, "settings");
      assert.notEqual(page.url(), old);
      await page.locator(".note").first().waitFor();
    }));
});
