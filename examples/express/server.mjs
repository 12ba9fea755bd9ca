/** A server-rendered app. It keeps no session of its own: it forwards its visitor's cookies to Zelus. */
import { Configuration, FrontendApi } from "@ory/client-fetch";
import express from "express";
import { flowForm, page, text } from "./html.mjs";

const zelusUrl = process.env.ZELUS_PUBLIC_URL ?? "http://127.0.0.1:4433";
const port = Number(process.env.PORT ?? 4455);

const zelus = new FrontendApi(
  new Configuration({ basePath: zelusUrl, headers: { Accept: "application/json" } }),
);
const app = express();

// No page of this app is kept by the browser, so that "Back" shows nothing after logging out.
app.use((_req, res, next) => {
  res.set("Cache-Control", "no-store");
  next();
});

/** Resolves to undefined when Zelus answers with one of `statuses`; other errors stay errors. */
const unless = (statuses, answer) =>
  answer.catch((error) => {
    if (statuses.includes(error.response?.status)) return undefined;
    throw error;
  });

// The visitor's own logout URL: only the browser that holds the session can use it.
app.get("/", async (req, res) => {
  const cookie = req.headers.cookie;
  const session = await unless([401], zelus.toSession({ cookie }));
  if (!session) {
    return res.send(page("Welcome", `<p><a href="/login">Sign in</a> or <a href="/registration">sign up</a>.</p>`));
  }
  const { logout_url } = await zelus.createBrowserLogoutFlow({ cookie });
  res.send(
    page("Welcome", `<p>Signed in as ${text(session.identity.traits.email)}.</p><p><a href="${text(logout_url)}">Log out</a></p>`),
  );
});

app.get("/signed-out", (_req, res) => res.send(page("Signed out", `<p><a href="/login">Sign in again</a></p>`)));

/** A page that shows a flow, and opens one when there is none or it is gone. */
const flowPage = (kind, title, getFlow) => async (req, res) => {
  const { flow: id } = req.query;
  const flow = id && (await unless([403, 404, 410], getFlow({ id, cookie: req.headers.cookie })));
  if (!flow) return res.redirect(`${zelusUrl}/self-service/${kind}/browser`);
  res.send(page(title, flowForm(flow.ui)));
};
app.get("/login", flowPage("login", "Sign in", (request) => zelus.getLoginFlow(request)));
app.get("/registration", flowPage("registration", "Sign up", (request) => zelus.getRegistrationFlow(request)));

app.get("/error", async (req, res) => {
  const { error } = await zelus.getFlowError({ id: String(req.query.id) });
  res.send(page("Something went wrong", `<p>${text(error.reason ?? error.message)}</p><p><a href="/">Back to the start</a></p>`));
});

app.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/`));
