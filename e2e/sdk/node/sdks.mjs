/**
 * The published SDKs behind one shape, so that every one of them makes the same journey.
 *
 * A `client` has, each a promise that rejects with an HTTP error:
 * `native(kind)`, `browser(kind)`, `flow(kind, id, cookie)` open and fetch a `"registration"` or `"login"` flow;
 * `submit(kind, flow, body)` sends it; `whoami({token, cookie})`; `logoutUrl(cookie)`, `logout(token)` for browsers;
 * `logoutNative(token)`.
 */
import { createRequire } from "node:module";
import { axiosWith, fetchWith } from "./browser.mjs";

const here = createRequire(import.meta.url);
const capital = (kind) => kind[0].toUpperCase() + kind.slice(1);

/** `@ory/client`, and `@ory/kratos-client` since 0.11: named parameters, axios. */
const byName = ({ FrontendApi, Configuration }) => (basePath, axios) => {
  const api = new FrontendApi(new Configuration({ basePath }), basePath, axios);
  return {
    native: async (kind) => (await api[`createNative${capital(kind)}Flow`]()).data,
    browser: async (kind) => (await api[`createBrowser${capital(kind)}Flow`]()).data,
    flow: async (kind, id, cookie) => (await api[`get${capital(kind)}Flow`]({ id, cookie })).data,
    submit: async (kind, flow, body) =>
      (await api[`update${capital(kind)}Flow`]({ flow, [`update${capital(kind)}FlowBody`]: body })).data,
    whoami: async ({ token, cookie } = {}) => (await api.toSession({ xSessionToken: token, cookie })).data,
    logoutUrl: async (cookie) => (await api.createBrowserLogoutFlow({ cookie })).data.logout_url,
    logout: (token) => api.updateLogoutFlow({ token }),
    logoutNative: (token) => api.performNativeLogout({ performNativeLogoutBody: { session_token: token } }),
  };
};

/** `@ory/client-fetch`: named parameters, answers without an envelope. */
const byFetch = ({ FrontendApi, Configuration }) => (basePath, fetchApi) => {
  const api = new FrontendApi(new Configuration({ basePath, fetchApi, headers: { Accept: "application/json" } }));
  return {
    native: (kind) => api[`createNative${capital(kind)}Flow`](),
    browser: (kind) => api[`createBrowser${capital(kind)}Flow`](),
    flow: (kind, id, cookie) => api[`get${capital(kind)}Flow`]({ id, cookie }),
    submit: (kind, flow, body) => api[`update${capital(kind)}Flow`]({ flow, [`update${capital(kind)}FlowBody`]: body }),
    whoami: ({ token, cookie } = {}) => api.toSession({ xSessionToken: token, cookie }),
    logoutUrl: async (cookie) => (await api.createBrowserLogoutFlow({ cookie })).logout_url,
    logout: (token) => api.updateLogoutFlow({ token }),
    logoutNative: (token) => api.performNativeLogout({ performNativeLogoutBody: { session_token: token } }),
  };
};

/** 0.7 and 0.8: parameters by position; 0.8 put the session token before the body of a sign-in. */
const byPosition = (Api, loginBody) => (basePath, axios) => {
  const api = new Api(undefined, basePath, axios);
  return {
    native: async (kind) => (await api[`initializeSelfService${capital(kind)}FlowWithoutBrowser`]()).data,
    browser: async (kind) => (await api[`initializeSelfService${capital(kind)}FlowForBrowsers`]()).data,
    flow: async (kind, id, cookie) => (await api[`getSelfService${capital(kind)}Flow`](id, cookie)).data,
    submit: async (kind, flow, body) =>
      kind === "login"
        ? (await api.submitSelfServiceLoginFlow(flow, ...loginBody(body))).data
        : (await api.submitSelfServiceRegistrationFlow(flow, body)).data,
    whoami: async ({ token, cookie } = {}) => (await api.toSession(token, cookie)).data,
    logoutUrl: async (cookie) => (await api.createSelfServiceLogoutFlowUrlForBrowsers(cookie)).data.logout_url,
    logout: (token) => api.submitSelfServiceLogoutFlow(token),
    logoutNative: (token) => api.submitSelfServiceLogoutFlowWithoutBrowser({ session_token: token }),
  };
};

const shapes = {
  byName: (sdk) => byName(sdk),
  byFetch: (sdk) => byFetch(sdk),
  v0_8: (sdk) => byPosition(sdk.V0alpha2Api, (body) => [undefined, body]),
  v0_7: (sdk) => byPosition(sdk.V0alpha1Api, (body) => [body]),
};

/** Package as installed, name as published, and shape. */
const published = [
  ["@ory/client", "@ory/client", "byName"],
  ["@ory/client-fetch", "@ory/client-fetch", "byFetch"],
  ["kratos-client-26.2.0", "@ory/kratos-client", "byName"],
  ["kratos-client-1.3.8", "@ory/kratos-client", "byName"],
  ["kratos-client-0.11.1", "@ory/kratos-client", "byName"],
  ["kratos-client-0.8.2-alpha.1", "@ory/kratos-client", "v0_8"],
  ["kratos-client-0.7.6-alpha.7", "@ory/kratos-client", "v0_7"],
  ["kratos-client-0.7.1-alpha.2", "@ory/kratos-client", "v0_7"],
];

export const sdks = published.map(([installed, name, shape]) => {
  const sdk = here(installed);
  const { version } = here(`${installed}/package.json`);
  const make = shapes[shape](sdk);
  const axios = shape === "byFetch" ? undefined : createRequire(here.resolve(installed))("axios");
  return {
    title: `${name} ${version.replace(/^v/, "")}`,
    /** The field of a sign-in that carries the identifier: SDKs before 0.10 know it as `password_identifier`. */
    identifier: shape.startsWith("v0") ? "password_identifier" : "identifier",
    /** Whether its documentation hands the bare value of the session cookie to the SDK. */
    bareCookie: shape === "v0_7",
    /** The SDK as an app or a server uses it, without cookies of its own. */
    client: (url) => make(url, axios?.create()),
    /** The SDK in a page: the browser adds the cookies. */
    inBrowser: (url, cookies) => make(url, axios ? axiosWith(axios, cookies) : fetchWith(cookies)),
  };
});
