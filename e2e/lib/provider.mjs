/** An OpenID provider where everyone gets in by giving a name (OpenID Connect Core 1.0, authorization code flow). */
import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Starts a provider on a free port. People called NAME have the address NAME@acme.example.org, confirmed. */
export async function startProvider() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" };
  const granted = new Map();
  let url;

  const sign = (claims) => {
    const content = `${encode({ alg: "RS256", kid: key.kid })}.${encode(claims)}`;
    return `${content}.${createSign("RSA-SHA256").update(content).sign(privateKey, "base64url")}`;
  };
  const json = (response, value, status = 200) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(value));
  };
  const routes = {
    "/.well-known/openid-configuration": (query, response) =>
      json(response, {
        issuer: url,
        authorization_endpoint: `${url}/authorize`,
        token_endpoint: `${url}/token`,
        jwks_uri: `${url}/keys`,
        response_types_supported: ["code"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
      }),
    "/keys": (query, response) => json(response, { keys: [key] }),
    "/authorize": (query, response) => {
      const kept = [...query].map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`).join("");
      response.setHeader("Content-Type", "text/html");
      response.end(`<!doctype html><html lang="en"><title>Acme</title><link rel="icon" href="data:,"><h1>Acme</h1>
        <form action="/enter">${kept}<label>Name <input name="name"></label><button>Let me in</button></form>`);
    },
    "/enter": (query, response) => {
      const code = randomUUID();
      granted.set(code, query);
      const back = new URL(query.get("redirect_uri"));
      back.searchParams.set("code", code);
      back.searchParams.set("state", query.get("state"));
      response.writeHead(302, { Location: back.href }).end();
    },
    "/token": (query, response) => {
      const asked = granted.get(query.get("code"));
      granted.delete(query.get("code"));
      const verifier = createHash("sha256").update(query.get("code_verifier") ?? "").digest("base64url");
      if (!asked || (asked.get("code_challenge") ?? verifier) !== verifier) {
        return json(response, { error: "invalid_grant" }, 400);
      }
      const [name, now] = [asked.get("name"), Math.floor(Date.now() / 1000)];
      const times = { iat: now, exp: now + 300 };
      const person = { sub: name, email: `${name}@acme.example.org`, email_verified: true };
      const nonce = asked.get("nonce") ?? undefined;
      const idToken = sign({ iss: url, aud: asked.get("client_id"), nonce, ...times, ...person });
      json(response, { access_token: randomUUID(), token_type: "Bearer", expires_in: 300, id_token: idToken });
    },
  };
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, url);
    const query = request.method === "POST" ? new URLSearchParams(await text(request)) : searchParams;
    const route = routes[pathname];
    if (route) route(query, response);
    else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
