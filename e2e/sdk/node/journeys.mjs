/** register → whoami → log out → whoami is 401 → sign in → whoami → log out → whoami is 401, in three ways. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Cookies, open } from "./browser.mjs";
import { startExpressApp } from "./express-app.mjs";

const newcomer = () => ({ email: `${randomUUID()}@example.org`, password: `${randomUUID()}-Aa1` });

const bodies = ({ email, password }, identifier) => ({
  registration: { method: "password", password, traits: { email } },
  login: { method: "password", password, [identifier]: email },
});

const csrfToken = (flow) => flow.ui.nodes.find((node) => node.attributes.name === "csrf_token").attributes.value;

/** Rejects unless `call` is answered 401. */
const refused = (call) =>
  assert.rejects(call, (error) => {
    assert.equal(error.response?.status, 401, error.message);
    return true;
  });

/** An app without a browser: the session is a token in its hands. */
export async function native(sdk, { publicUrl }) {
  const client = sdk.client(publicUrl);
  const person = newcomer();
  for (const kind of ["registration", "login"]) {
    const flow = await client.native(kind);
    const { session_token: token } = await client.submit(kind, flow.id, bodies(person, sdk.identifier)[kind]);
    const session = await client.whoami({ token });
    assert.equal(session.identity.traits.email, person.email);
    await client.logoutNative(token);
    await refused(client.whoami({ token }));
  }
}

/** A page that calls the server itself: the session is a cookie that the browser keeps. */
export async function browserLike(sdk, { publicUrl }) {
  const cookies = new Cookies();
  const client = sdk.inBrowser(publicUrl, cookies);
  const person = newcomer();
  for (const kind of ["registration", "login"]) {
    const flow = await client.browser(kind);
    const body = { ...bodies(person, sdk.identifier)[kind], csrf_token: csrfToken(flow) };
    await client.submit(kind, flow.id, body);
    const session = await client.whoami();
    assert.equal(session.identity.traits.email, person.email);
    const stolen = cookies.copy();
    const url = new URL(await client.logoutUrl());
    await client.logout(url.searchParams.get("token"));
    await refused(client.whoami());
    await refused(sdk.inBrowser(publicUrl, stolen).whoami());
  }
}

/** An Express app that forwards its visitor's cookie, and sends the visitor to the logout URL. */
export const express = (cookieOf) => async (sdk, { publicUrl, appUrl }) => {
  const stop = await startExpressApp({ client: sdk.client(publicUrl), publicUrl, appUrl, cookieOf });
  try {
    const visitor = new Cookies();
    const person = newcomer();
    for (const kind of ["registration", "login"]) {
      const flow = JSON.parse((await open(visitor, `${appUrl}/${kind}`)).text);
      const { traits, ...fields } = bodies(person, sdk.identifier)[kind];
      const form = new URLSearchParams({ ...fields, csrf_token: csrfToken(flow) });
      if (traits) form.set("traits.email", traits.email);
      const home = await open(visitor, flow.ui.action, { method: flow.ui.method, body: form });
      assert.equal(home.url, `${appUrl}/`);

      const signedIn = await open(visitor, `${appUrl}/session`);
      assert.equal(signedIn.status, 200, signedIn.text);
      assert.equal(JSON.parse(signedIn.text).identity.traits.email, person.email);

      const stolen = visitor.copy();
      const goodbye = await open(visitor, `${appUrl}/logout`);
      assert.equal(goodbye.url, `${appUrl}/signed-out`, goodbye.text);
      assert.equal((await open(visitor, `${appUrl}/session`)).status, 401);
      assert.equal((await open(stolen, `${appUrl}/session`)).status, 401);
    }
  } finally {
    await stop();
  }
};
