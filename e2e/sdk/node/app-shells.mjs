/**
 * App shells show pages from inside an app and announce themselves by an odd `Origin`.
 *
 * Native routes refuse to sign such a caller up or in, since a browser's `Origin` means a page is calling; whoami and
 * logout do not mind. Browser routes serve it, and CORS headers go to listed origins alone: of the three,
 * `e2e/config/apps.yml` lists the first.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Cookies, fetchWith } from "./browser.mjs";

export const origins = ["capacitor://localhost", "ionic://localhost", "null"];
const listed = "capacitor://localhost";
const refusedByFlow = 4000001;

const newcomer = () => ({
  method: "password",
  password: `${randomUUID()}-Aa1`,
  traits: { email: `${randomUUID()}@example.org` },
});

/** Calls the server as a shell of `origin` does, checks status and CORS headers, and gives back the answer's JSON. */
const caller = (base, origin, send) => async (status, method, path, { body, headers } = {}) => {
  const answer = await send(new URL(path, base), {
    method,
    headers: { Accept: "application/json", "Content-Type": "application/json", ...(origin && { Origin: origin }), ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.equal(answer.status, status, `${method} ${path}: ${text}`);
  const allowed = origin === listed ? origin : null;
  assert.equal(answer.headers.get("Access-Control-Allow-Origin"), allowed, `${method} ${path}`);
  assert.equal(answer.headers.get("Access-Control-Allow-Credentials"), allowed && "true", `${method} ${path}`);
  assert.match(answer.headers.get("Vary") ?? "", /\bOrigin\b/, `${method} ${path}`);
  return text ? JSON.parse(text) : undefined;
};

export async function nativeRoutes(origin, { publicUrl }) {
  const call = caller(publicUrl, origin, fetch);
  const without = caller(publicUrl, undefined, fetch);
  const person = newcomer();

  const registration = await call(200, "GET", "/self-service/registration/api");
  const refusal = await call(400, "POST", registration.ui.action, { body: person });
  assert.equal(refusal.ui.messages[0].id, refusedByFlow);
  const { session_token } = await without(200, "POST", registration.ui.action, { body: person });

  const login = await call(200, "GET", "/self-service/login/api");
  const credentials = { method: "password", password: person.password, identifier: person.traits.email };
  const refusedLogin = await call(400, "POST", login.ui.action, { body: credentials });
  assert.equal(refusedLogin.ui.messages[0].id, refusedByFlow);

  const headers = { "X-Session-Token": session_token };
  await call(200, "GET", "/sessions/whoami", { headers });
  await call(204, "DELETE", "/self-service/logout/api", { body: { session_token } });
  await call(401, "GET", "/sessions/whoami", { headers });
}

export async function browserRoutes(origin, { publicUrl }) {
  const call = caller(publicUrl, origin, fetchWith(new Cookies()));
  const flow = await call(200, "GET", "/self-service/registration/browser");
  const csrf_token = flow.ui.nodes.find((node) => node.attributes.name === "csrf_token").attributes.value;
  await call(200, "POST", flow.ui.action, { body: { ...newcomer(), csrf_token } });
  await call(200, "GET", "/sessions/whoami");
  const { logout_url } = await call(200, "GET", "/self-service/logout/browser");
  await call(204, "GET", logout_url);
  await call(401, "GET", "/sessions/whoami");
}

/** A preflight is answered 204 to everyone, and grants something to a listed origin alone. */
export async function preflight(origin, { publicUrl }) {
  const headers = {
    "Access-Control-Request-Method": "DELETE",
    "Access-Control-Request-Headers": "content-type,x-session-token",
  };
  await caller(publicUrl, origin, fetch)(204, "OPTIONS", "/self-service/logout/api", { headers });
}
