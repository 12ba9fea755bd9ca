/** A native app: no browser and no cookies. The session is a token that the app keeps. */
import { randomUUID } from "node:crypto";

const zelusUrl = process.env.ZELUS_PUBLIC_URL ?? "http://127.0.0.1:4433";

/** Calls Zelus with JSON both ways; an answer that is not a success becomes an error with its status. */
async function call(method, url, { body, token } = {}) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (token) headers["X-Session-Token"] = token;
  const answer = await fetch(new URL(url, zelusUrl), { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw Object.assign(new Error(`${method} ${url}: ${answer.status} ${text}`), { status: answer.status });
  return text ? JSON.parse(text) : undefined;
}

async function signUp(email, password) {
  const flow = await call("GET", "/self-service/registration/api");
  const body = { method: "password", password, traits: { email } };
  const { session_token } = await call("POST", flow.ui.action, { body });
  return session_token;
}

async function signIn(email, password) {
  const flow = await call("GET", "/self-service/login/api");
  const body = { method: "password", password, identifier: email };
  const { session_token } = await call("POST", flow.ui.action, { body });
  return session_token;
}

/** The session that the token stands for, or undefined when there is none. */
async function whoAmI(token) {
  try {
    return await call("GET", "/sessions/whoami", { token });
  } catch (error) {
    if (error.status === 401) return undefined;
    throw error;
  }
}

async function logOut(token) {
  await call("DELETE", "/self-service/logout/api", { body: { session_token: token } });
}

const [email = `${randomUUID()}@example.org`, password = randomUUID()] = process.argv.slice(2);
const tell = async (token) => {
  const session = await whoAmI(token);
  console.log(session ? `signed in as ${session.identity.traits.email}` : "signed out");
};

let token = await signUp(email, password);
await tell(token);
await logOut(token);
await tell(token);

token = await signIn(email, password);
await tell(token);
await logOut(token);
await tell(token);
