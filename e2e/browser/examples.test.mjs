/** The apps of `examples/`, each used by a person. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { startServer } from "../lib/server.mjs";
import { enter, launch, newcomer, visit, whoami } from "./visitor.mjs";

const examples = resolve(import.meta.dirname, "../../examples");
const run = promisify(execFile);

/** Starts an app that listens at `url`, waits until it answers, and gives back how to stop it. */
async function startApp(directory, args, url, env) {
  const app = spawn("node", args, { cwd: join(examples, directory), env: { ...process.env, ...env }, stdio: "inherit" });
  const ended = once(app, "exit");
  const answers = () => fetch(url).then(() => true, () => false);
  for (const deadline = Date.now() + 20_000; !(await answers()); await sleep(50)) {
    if (app.exitCode !== null || Date.now() > deadline) throw new Error(`${directory} did not start`);
  }
  return async () => {
    app.kill("SIGTERM");
    await ended;
  };
}

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

describe("Express app", () => {
  let server, stopApp;
  before(async () => {
    server = await startServer("apps");
    const env = { ZELUS_PUBLIC_URL: server.publicUrl, PORT: new URL(server.appUrl).port };
    stopApp = await startApp("express", ["server.mjs"], server.appUrl, env);
  });
  after(async () => {
    await stopApp?.();
    await server?.stop();
  });

  for (const javaScriptEnabled of [true, false]) {
    test(`signs up, out, in and out, JavaScript ${javaScriptEnabled ? "on" : "off"}`, () =>
      visit(browser, { javaScriptEnabled }, async (page, context) => {
        const { publicUrl, appUrl } = server;
        const person = newcomer();
        await page.goto(appUrl);
        for (const link of ["sign up", "Sign in"]) {
          await page.getByRole("link", { name: link }).click();
          await enter(page, person);
          await page.getByText(`Signed in as ${person.email}`).waitFor();
          assert.equal(await whoami(context, publicUrl), 200);

          await page.getByRole("link", { name: "Log out" }).click();
          await page.getByRole("heading", { name: "Signed out" }).waitFor();
          assert.equal(page.url(), `${appUrl}/signed-out`);
          assert.equal(await whoami(context, publicUrl), 401);

          await page.goBack();
          await page.getByRole("link", { name: "Sign in" }).waitFor();
          assert.equal(await page.getByText(person.email).count(), 0);
        }
      }));
  }
});

describe("React single-page app", () => {
  let server, stopApp, built;
  before(async () => {
    server = await startServer("apps");
    built = mkdtempSync(join(tmpdir(), "zelus-spa-"));
    const env = { VITE_ZELUS_URL: server.publicUrl, PORT: new URL(server.appUrl).port };
    const vite = join(examples, "react-spa/node_modules/vite/bin/vite.js");
    const cwd = join(examples, "react-spa");
    await run("node", [vite, "build", "--outDir", built, "--emptyOutDir"], { cwd, env: { ...process.env, ...env } });
    stopApp = await startApp("react-spa", [vite, "preview", "--outDir", built], server.appUrl, env);
  });
  after(async () => {
    await stopApp?.();
    await server?.stop();
    if (built) rmSync(built, { recursive: true, force: true });
  });

  // 400 answers a first step, and 401 is how whoami says that nobody is signed in.
  test("signs up, out, in and out", () =>
    visit(browser, { expected: [400, 401] }, async (page, context) => {
      const { publicUrl, appUrl } = server;
      const person = newcomer();
      await page.goto(appUrl);
      await page.getByRole("button", { name: "Sign up" }).click();
      for (let turn = 1; turn <= 2; turn++) {
        await enter(page, person);
        await page.getByText(`Signed in as ${person.email}`).waitFor();
        assert.equal(await whoami(context, publicUrl), 200);

        await page.getByRole("button", { name: "Log out" }).click();
        await page.getByRole("heading", { name: "Sign in" }).waitFor();
        assert.equal(await whoami(context, publicUrl), 401);
      }

      await page.goto("about:blank");
      await page.goBack();
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      assert.equal(await page.getByText(person.email).count(), 0);
    }));
});

describe("native app", () => {
  test("signs up, out, in and out", async () => {
    const server = await startServer("apps");
    try {
      const { email, password } = newcomer();
      const env = { ...process.env, ZELUS_PUBLIC_URL: server.publicUrl };
      const { stdout } = await run("node", [join(examples, "native/app.mjs"), email, password], { env });
      const turn = [`signed in as ${email}`, "signed out"];
      assert.deepEqual(stdout.trim().split("\n"), [...turn, ...turn]);
    } finally {
      await server.stop();
    }
  });
});
