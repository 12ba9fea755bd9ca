/** An Express app that holds no session of its own: it forwards its visitor's cookies to the server by an SDK. */
import cookieParser from "cookie-parser";
import express from "express";
import { once } from "node:events";

/** What each documented style hands to the SDK as the visitor's cookie. */
export const cookieStyles = {
  "whole cookie header": (req) => req.headers.cookie,
  "bare cookie value": (req) => req.cookies["ory_kratos_session"],
};

export async function startExpressApp({ client, publicUrl, appUrl, cookieOf }) {
  const app = express().use(cookieParser());
  // The next app listens at the same address; a visitor must not keep a connection to this one.
  app.use((_req, res, next) => (res.set("Connection", "close"), next()));

  for (const kind of ["registration", "login"]) {
    app.get(`/${kind}`, async (req, res) => {
      if (!req.query.flow) return res.redirect(`${publicUrl}/self-service/${kind}/browser`);
      // A flow is bound to the cookie against forged requests, so here the whole header always goes along.
      res.json(await client.flow(kind, req.query.flow, req.headers.cookie));
    });
  }
  app.get("/session", async (req, res) => res.json(await client.whoami({ cookie: cookieOf(req) })));
  app.get("/logout", async (req, res) => res.redirect(await client.logoutUrl(cookieOf(req))));
  app.get(["/", "/signed-out", "/error"], (req, res) => res.send(req.path));
  app.use((error, _req, res, _next) => {
    res.status(error.response?.status ?? 500).send(error.message);
  });

  const server = app.listen(new URL(appUrl).port, "127.0.0.1");
  await once(server, "listening");
  return async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
}
