/**
 * Starts the server under test on free ports and a fresh SQLite file, and stops it by its process id.
 *
 * The server's command is `ZELUS_BIN`, or the development build. As a program it runs a command beside the server:
 *
 *   node e2e/lib/server.mjs apps -- python3 e2e/sdk/python/run.py
 *
 * The command finds the server's public address in `ZELUS_PUBLIC_URL`, its admin address in `ZELUS_ADMIN_URL`,
 * and the address that the configuration calls the app in `APP_URL`.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const repository = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const binary = process.env.ZELUS_BIN ?? join(repository, "target/debug/zelus");

/** A TCP port of 127.0.0.1 that nothing listens on. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/**
 * Starts a server with `e2e/config/{name}.yml`, or without a configuration when no name is given. `values` are filled in
 * besides the addresses.
 *
 * Without a configuration the public address is at localhost, as the server itself says. `values` are filled into the
 * configuration beside those that are made here.
 *
 * @returns {Promise<{publicUrl: string, adminUrl: string, appUrl: string, stop: () => Promise<void>}>}
 *   Nothing listens at `appUrl` yet: a test starts its app there.
 */
export async function startServer(name, values = {}) {
  const dir = mkdtempSync(join(tmpdir(), "zelus-e2e-"));
  const [publicPort, adminPort, appPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const [adminUrl, appUrl] = [adminPort, appPort].map((port) => `http://127.0.0.1:${port}`);
  const publicUrl = `http://${name ? "127.0.0.1" : "localhost"}:${publicPort}`;
  const env = { ...process.env, DSN: `sqlite://${dir}/db.sqlite?_fk=true&mode=rwc` };
  const args = ["serve", "--dev", "--sqa-opt-out"];
  if (name) {
    const config = join(dir, "zelus.yml");
    writeFileSync(config, fillIn(name, { publicPort, adminPort, appUrl, repository, ...values }));
    args.push("-c", config);
    migrate(config, env);
  } else {
    Object.assign(env, { SERVE_PUBLIC_PORT: publicPort, SERVE_ADMIN_PORT: adminPort });
  }

  const server = spawn(binary, args, { env, cwd: name ? repository : dir });
  let log = "";
  server.on("error", (error) => (log += error.message));
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (text) => (log = (log + text).slice(-20_000)));
  const ended = new Promise((resolve) => server.on("close", resolve));
  const stop = async () => {
    server.kill("SIGTERM");
    const late = setTimeout(() => server.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(late);
    rmSync(dir, { recursive: true, force: true });
  };

  const ready = (url) => fetch(`${url}/health/ready`).then((answer) => answer.ok, () => false);
  for (const deadline = Date.now() + 30_000; !((await ready(publicUrl)) && (await ready(adminUrl))); await sleep(50)) {
    if (server.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`the server did not get ready; it wrote:\n${log}`);
    }
  }
  return { publicUrl, adminUrl, appUrl, stop };
}

/** The configuration `name` with its `${…}` filled in. */
function fillIn(name, values) {
  const template = readFileSync(join(repository, "e2e/config", `${name}.yml`), "utf8");
  return template.replace(/\$\{(\w+)\}/g, (_, key) => values[key]);
}

/** Lays the tables, as an operator does before the first start. */
function migrate(config, env) {
  const done = spawnSync(binary, ["migrate", "sql", "up", "-e", "--yes", "-c", config], { env, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${binary} migrate: ${done.error?.message ?? done.stdout + done.stderr}`);
}

/** Runs `command` beside a server, and gives back its exit code. */
async function runBeside(name, [command, ...args]) {
  const server = await startServer(name);
  const env = {
    ...process.env,
    ZELUS_PUBLIC_URL: server.publicUrl,
    ZELUS_ADMIN_URL: server.adminUrl,
    APP_URL: server.appUrl,
  };
  try {
    const child = spawn(command, args, { env, stdio: "inherit" });
    const [code] = await once(child, "exit");
    return code ?? 1;
  } finally {
    await server.stop();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, dashes, ...command] = process.argv.slice(2);
  if (!name || dashes !== "--" || command.length === 0) {
    console.error("usage: node e2e/lib/server.mjs CONFIG -- COMMAND…");
    process.exit(2);
  }
  process.exitCode = await runBeside(name, command);
}
