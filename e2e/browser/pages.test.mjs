/** The built-in pages under {public}/ui, used by people with and without JavaScript, at a desk and on a phone. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { startServer } from "../lib/server.mjs";
import { enter, launch, newcomer, phone, visit, whoami } from "./visitor.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const elsewhere = "http://elsewhere.example.org/";

let browser, server, app;
before(async () => {
  browser = await launch();
  server = await startServer("pages");
  // The app that people may be sent back to: it shows where they arrived.
  app = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(`<!doctype html><link rel="icon" href="data:,"><title>App</title><h1>App ${request.url}</h1>`);
  }).listen(new URL(server.appUrl).port, "127.0.0.1");
  await once(app, "listening");
});
after(async () => {
  await browser?.close();
  app?.closeAllConnections();
  app?.close();
  await server?.stop();
});

const ui = (name) => `${server.publicUrl}/ui/${name}`;
const open = (kind, query = "") => `${server.publicUrl}/self-service/${kind}/browser${query}`;

/** Waits until the browser shows the built-in page `name`, whatever its query. */
const shows = (page, name) => page.waitForURL((url) => url.href.split("?")[0] === ui(name));

async function signUp(page, person = newcomer()) {
  await page.goto(open("registration"));
  await shows(page, "registration");
  await enter(page, person);
  await shows(page, "welcome");
  return person;
}

async function logOutByButton(page) {
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await shows(page, "signed-out");
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
}

/** The logout URL of this visitor's session, as an app caches it. */
async function logoutUrl(context, query = "") {
  const headers = { Accept: "application/json" };
  const answer = await context.request.get(open("logout", query), { headers });
  assert.equal(answer.status(), 200, await answer.text());
  return (await answer.json()).logout_url;
}

for (const javaScriptEnabled of [true, false]) {
  describe(`JavaScript ${javaScriptEnabled ? "on" : "off"}`, () => {
    const visitor = { javaScriptEnabled };

    test("signs up, logs out by the button, and Back does not sign in again", () =>
      visit(browser, visitor, async (page, context) => {
        const { email } = await signUp(page);
        await page.getByText(email).waitFor();
        await logOutByButton(page);
        assert.equal(await whoami(context, server.publicUrl), 401);
        await page.goBack();
        await page.waitForLoadState();
        assert.equal(await page.getByText(email).count(), 0);
        assert.equal(await page.getByRole("button", { name: "Log out", exact: true }).count(), 0);
        await page.goto(ui("welcome"));
        assert.equal(await page.getByText(email).count(), 0);
        assert.equal(await whoami(context, server.publicUrl), 401);
      }));

    test("signs in after a wrong password", () =>
      visit(browser, visitor, async (page, context) => {
        const person = await signUp(page);
        await logOutByButton(page);
        await page.goto(open("login"));
        await enter(page, { ...person, password: "not the password" });
        await page.getByRole("alert").first().waitFor();
        await shows(page, "login");
        assert.equal(await whoami(context, server.publicUrl), 401);
        await enter(page, person);
        await shows(page, "welcome");
        assert.equal(await whoami(context, server.publicUrl), 200);
      }));

    test("logs out by a logout link made earlier", () =>
      visit(browser, visitor, async (page, context) => {
        await signUp(page);
        const link = await logoutUrl(context);
        await page.goto(ui("welcome"));
        await page.goto(link);
        await shows(page, "signed-out");
        await page.getByRole("heading", { name: "You are signed out" }).waitFor();
        assert.equal(await whoami(context, server.publicUrl), 401);

        await page.goto(link);
        await shows(page, "signed-out");
        await page.getByRole("heading", { name: "You are signed out already" }).waitFor();
      }));

    test("sees where it is signed in, and logs out there", () =>
      visit(browser, visitor, async (page, context) => {
        const person = await signUp(page);
        await visit(browser, visitor, async (elsewhere, there) => {
          await elsewhere.goto(open("login"));
          await enter(elsewhere, person);
          await shows(elsewhere, "welcome");
          await page.goto(ui("welcome"));
          await page.getByRole("link", { name: "Where you are signed in" }).click();
          await page.getByText("(this device)").waitFor();
          await page.getByRole("button", { name: /^Log out of / }).click();
          await page.getByText("You are logged out there.").waitFor();
          assert.equal(await whoami(there, server.publicUrl), 401);
        });
        assert.equal(await whoami(context, server.publicUrl), 200);
        await page.getByRole("button", { name: "Log out here" }).click();
        await shows(page, "signed-out");
      }));

    test("is sent to an allowed return_to", () =>
      visit(browser, visitor, async (page, context) => {
        const target = `${server.appUrl}/after?tea=green`;
        const person = await signUp(page);
        await page.goto(await logoutUrl(context, `?return_to=${encodeURIComponent(target)}`));
        assert.equal(page.url(), target);
        assert.equal(await whoami(context, server.publicUrl), 401);

        await page.goto(open("login", `?return_to=${encodeURIComponent(target)}`));
        await enter(page, person);
        await page.waitForURL(target);
        assert.equal(await whoami(context, server.publicUrl), 200);

        await page.goto(`${await logoutUrl(context)}&return_to=${encodeURIComponent(`${server.appUrl}/mine`)}`);
        assert.equal(page.url(), `${server.appUrl}/mine`);
      }));

    test("is never sent to another return_to", () =>
      visit(browser, visitor, async (page, context) => {
        await page.goto(open("login", `?return_to=${encodeURIComponent(elsewhere)}`));
        await shows(page, "error");
        await signUp(page);
        await page.goto(open("logout", `?return_to=${encodeURIComponent(elsewhere)}`));
        await shows(page, "error");
        assert.equal(await whoami(context, server.publicUrl), 200);
        for (const target of [elsewhere, "//elsewhere.example.org/", "javascript:alert(1)"]) {
          if ((await whoami(context, server.publicUrl)) === 401) await signUp(page);
          await page.goto(`${await logoutUrl(context)}&return_to=${encodeURIComponent(target)}`);
          assert.ok(page.url().startsWith(ui("")), `${target} led to ${page.url()}`);
        }
      }));
  });
}

describe("every page", () => {
  /** Shows each page to a visitor in turn. */
  async function tour(page, look) {
    await page.goto(open("registration"));
    await look("registration");
    await enter(page, newcomer());
    await shows(page, "welcome");
    await look("welcome");
    await page.goto(ui("sessions"));
    await look("sessions");
    await page.goto(ui("welcome"));
    await logOutByButton(page);
    await look("signed-out");
    await page.goto(open("login"));
    await look("login");
    await enter(page, { email: "nobody@example.org", password: "not the password" });
    await page.getByRole("alert").first().waitFor();
    await look("login after a mistake");
    await page.goto(open("logout"));
    await shows(page, "error");
    await look("error");
  }

  test("has nothing that axe objects to", () =>
    visit(browser, { init: axe }, (page) =>
      tour(page, async (name) => {
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
        assert.deepEqual(found, [], name);
      }),
    ));

  test("fits a phone", () =>
    visit(browser, { viewport: phone, isMobile: true, hasTouch: true }, (page) =>
      tour(page, async (name) => {
        const { wide, small } = await page.evaluate(() => ({
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          // WCAG 2.2, 2.5.8: a target is at least 24 by 24 pixels, unless it stands within a sentence.
          small: [...document.querySelectorAll("button, input:not([type=hidden]), a:not(p a)")]
            .filter((element) => element.checkVisibility())
            .map((element) => [element.outerHTML, element.getBoundingClientRect()])
            .filter(([, { width, height }]) => width > 0 && (width < 24 || height < 24))
            .map(([html]) => html),
        }));
        assert.ok(wide <= 0, `${name} is ${wide} pixels too wide`);
        assert.deepEqual(small, [], `${name} has targets too small for a finger`);
      }),
    ));

  test("shows where the keyboard is", () =>
    visit(browser, {}, (page) =>
      tour(page, async (name) => {
        const stops = await page.locator("a[href]:visible, button:visible, input:not([type=hidden]):visible").count();
        assert.ok(stops > 0, `${name} has nothing to reach by the keyboard`);
        await page.locator("body").click({ position: { x: 1, y: 1 } });
        const reached = new Set();
        for (let press = 0; press < stops; press++) {
          await page.keyboard.press("Tab");
          const { html, visible } = await page.evaluate(() => {
            const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
            const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
            return { html: document.activeElement.outerHTML, visible: outlined || boxShadow !== "none" };
          });
          assert.ok(visible, `${name}: no sign of the focus on ${html.slice(0, 200)}`);
          reached.add(html);
        }
        assert.equal(reached.size, stops, `${name}: Tab reaches ${reached.size} of ${stops} controls`);
      }),
    ));

  test("has a content security policy, and is not kept", () =>
    visit(browser, {}, async (page) => {
      await signUp(page);
      const { "content-security-policy": policy, "cache-control": cache } = (await page.reload()).headers();
      assert.match(policy ?? "", /(default|script)-src/);
      assert.doesNotMatch(policy, /script-src[^;]*'unsafe-(inline|eval)'/);
      assert.match(cache ?? "", /no-store/);
    }));
});

describe("without a configuration", () => {
  test("mail arrives in the mailbox, and the code in it confirms the address", async () => {
    const plain = await startServer();
    try {
      await visit(browser, {}, async (page) => {
        await page.goto(`${plain.publicUrl}/`);
        await page.getByRole("link", { name: "Create an account" }).click();
        const person = newcomer();
        await enter(page, person);
        await page.getByText(person.email).waitFor();
        await page.goto(`${plain.publicUrl}/self-service/verification/browser`);
        await page.getByLabel("Email").fill(person.email);
        await page.locator('button[name="method"][value="code"]').click();
        await page.getByRole("status").first().waitFor();
        const form = page.url();
        await page.goto(`${plain.publicUrl}/ui/mailbox`);
        await page.locator(".sessions a").first().click();
        const code = await page.locator("strong code").textContent();
        await page.goto(form);
        await page.locator('input[name="code"]').fill(code);
        await page.locator('input[name="code"]').press("Enter");
        await page.getByRole("heading", { name: "Thank you" }).waitFor();
        for (const short of ["/ui", "/ui/"]) {
          await page.goto(`${plain.publicUrl}${short}`);
          assert.equal(new URL(page.url()).pathname, "/ui/welcome");
        }
        const missing = await page.goto(`${plain.publicUrl}/ui/no-such-page`);
        assert.equal(missing.status(), 404);
        await page.getByRole("heading", { name: "Nothing here" }).waitFor();
      });
    } finally {
      await plain.stop();
    }
  });

  test("signs up in one step, and out", async () => {
    const plain = await startServer();
    try {
      await visit(browser, {}, async (page, context) => {
        await page.goto(`${plain.publicUrl}/self-service/registration/browser`);
        await page.getByLabel(/e-mail/i).waitFor();
        assert.ok(await page.getByLabel("Password", { exact: true }).isVisible(), "the password is asked for at once");
        const person = newcomer();
        await enter(page, person);
        await page.getByText(person.email).waitFor();
        await page.getByRole("button", { name: "Log out", exact: true }).click();
        await page.getByRole("heading", { name: "You are signed out" }).waitFor();
        assert.equal(await whoami(context, plain.publicUrl), 401);
      });
    } finally {
      await plain.stop();
    }
  });
});
