/**
 * A certified OpenID provider (npm oidc-provider), which knows whoever gives a name: `ann` is ann@club.example.
 *
 * It insists on PKCE, and tells what a person is called at its userinfo endpoint, or in the ID token where a client asks
 * for that.
 */
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import Provider from "oidc-provider";

const key = (type, options) => generateKeyPairSync(type, options).privateKey.export({ format: "jwk" });

const person = (name) => ({
  accountId: name,
  claims: async () => ({ sub: name, email: `${name}@club.example`, email_verified: true, nickname: name }),
});

const page = `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>The Club</title>
  <form method="post"><label>Name <input name="name"></label>
  <button>Sign in</button> <button name="cancel" value="yes">Cancel</button></form>`;

/**
 * Starts the provider at `issuer` for these clients, and gives back what it was asked for and how to stop it.
 *
 * @returns {Promise<{asked: object[], stop: () => void}>} The parameters of every request that somebody agreed to.
 */
export async function startProvider(issuer, clients) {
  const provider = new Provider(issuer, {
    clients,
    findAccount: (_, name) => person(name),
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["nickname"] },
    jwks: { keys: [key("rsa", { modulusLength: 2048 }), key("ec", { namedCurve: "P-256" })] },
    cookies: { keys: ["a key that signs the cookies of a test"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, claimsParameter: { enabled: true } },
    interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
  });
  const asked = [];
  provider.on("authorization.success", (ctx) => asked.push({ ...ctx.oidc.params }));

  /** Asks a person for their name, and takes it for their consent. */
  async function signIn(request, response) {
    if (request.method === "GET") return response.setHeader("Content-Type", "text/html").end(page);
    const sent = new URLSearchParams(await text(request));
    if (sent.has("cancel")) return provider.interactionFinished(request, response, { error: "access_denied" });
    const { params } = await provider.interactionDetails(request, response);
    const accountId = sent.get("name");
    const grant = new provider.Grant({ accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    grant.addOIDCClaims(["email", "email_verified"]);
    const consent = { grantId: await grant.save() };
    return provider.interactionFinished(request, response, { login: { accountId }, consent });
  }

  const protocol = provider.callback();
  const server = createServer((request, response) => {
    if (!request.url.startsWith("/sign-in/")) return protocol(request, response);
    signIn(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  const { hostname, port } = new URL(issuer);
  server.listen(port, hostname);
  await once(server, "listening");
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { asked, stop };
}
