/** The calls to Zelus. The browser adds the cookies, since this page's origin is on the server's CORS list. */

const zelusUrl = import.meta.env.VITE_ZELUS_URL ?? "http://127.0.0.1:4433";

const call = (url, init) =>
  fetch(new URL(url, zelusUrl), { credentials: "include", headers: { Accept: "application/json" }, ...init });

/** The visitor's session, or null. */
export async function whoAmI() {
  const answer = await call("/sessions/whoami");
  return answer.ok ? answer.json() : null;
}

/** Opens a flow, of kind "login" or "registration". */
export async function openFlow(kind) {
  const answer = await call(`/self-service/${kind}/browser`);
  return answer.json();
}

/** Sends a flow's form. Resolves to the flow when there is more to enter, and to null when all is done. */
export async function submitFlow(flow, form, button) {
  const answer = await call(flow.ui.action, { method: flow.ui.method, body: new URLSearchParams(new FormData(form, button)) });
  if (answer.ok) return null;
  const body = await answer.json();
  if (!body.ui) throw new Error(body.error?.reason ?? body.error?.message ?? `Zelus answered ${answer.status}.`);
  return body;
}

export async function logOut() {
  const { logout_url } = await (await call("/self-service/logout/browser")).json();
  await call(logout_url);
}
