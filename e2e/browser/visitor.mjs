/** Real people's browsers: Chromium, one clean profile for each visitor. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { chromium } from "playwright-core";

export const phone = { width: 360, height: 740 };

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });

export const newcomer = () => ({ email: `${randomUUID()}@example.org`, password: `${randomUUID()}-Aa1` });

/**
 * Lets a visitor with a fresh profile do something, and fails when the browser complained meanwhile: errors on the
 * console (a broken content security policy is one), uncaught exceptions, and requests to any host but this machine.
 *
 * A page that answers with an error status is no complaint, nor is an answer to `fetch` whose status is in `expected`.
 */
export async function visit(browser, { expected = [], init, ...options }, journey) {
  const context = await browser.newContext({ ...options });
  context.setDefaultTimeout(10_000);
  if (init) await context.addInitScript(init);
  const page = await context.newPage();
  const complaints = [];
  const pages = new Set();
  page.on("request", (request) => {
    if (request.isNavigationRequest()) pages.add(request.url());
    const { protocol, hostname } = new URL(request.url());
    const isHere = ["127.0.0.1", "localhost"].includes(hostname);
    if (protocol.startsWith("http") && !isHere) complaints.push(`request to ${request.url()}`);
  });
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    const status = message.text().match(/Failed to load resource: .* status of (\d+)/)?.[1];
    if (status && (pages.has(message.location().url) || expected.includes(Number(status)))) return;
    complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  try {
    await journey(page, context);
    assert.deepEqual(complaints, [], "the browser complained");
  } finally {
    await context.close();
  }
}

/** The status that whoami answers to this visitor's cookies. */
export async function whoami(context, publicUrl) {
  const answer = await context.request.get(`${publicUrl}/sessions/whoami`, { headers: { Accept: "application/json" } });
  return answer.status();
}

/**
 * Fills in the shown sign-up or sign-in form and sends it. Where signing up takes two steps, the first asks for the
 * e-mail address, and the second for the password.
 */
export async function enter(page, { email, password }) {
  const passwordField = page.getByLabel("Password", { exact: true });
  const emailField = page.getByLabel(/e-mail/i);
  await emailField.or(passwordField).first().waitFor();
  if (await emailField.isVisible()) await emailField.fill(email);
  if (!(await passwordField.isVisible())) {
    await page.locator('button[name="method"][value="profile"]').click();
    await passwordField.waitFor();
  }
  await passwordField.fill(password);
  await page.locator('button[name="method"][value="password"]').click();
}
