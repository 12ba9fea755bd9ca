"""Sessions, tokens made of them, logout, errors, and what every route has in common. Run by check.py; `operations.json` holds what Kratos v26.2 answers."""
import base64
import json

from checker import ADMIN, PUBLIC, csrf, scenario

PASS = "a-v3ry-g00d-Pass!"
NOBODY = "1f2f3f4f-0000-4000-8000-000000000000"


# ------------------------------------------------------------------ sessions as tokens
@scenario("tokens")
def tokenize(w):
    c = w.client()
    who = c.register(w.uniq())
    auth = {"X-Session-Token": who["session_token"]}
    read = lambda part: json.loads(base64.urlsafe_b64decode(part + "=="))
    for template in ("mapped", "plain", "own", "fails", "nokey", "external", "none"):
        r = c.json(template, "GET", f"/sessions/whoami?tokenize_as={template}", headers=auth, record=False)
        token = r.body.get("tokenized") if r.status_code == 200 else None
        if not token:
            c.json(f"whoami as {template}", "GET", f"/sessions/whoami?tokenize_as={template}", headers=auth)
            continue
        head, claims = map(read, token.split(".")[:2])
        life = claims["exp"] - claims["iat"] if claims["exp"] > claims["iat"] else None
        steady = {k: v for k, v in claims.items() if k not in ("exp", "iat", "nbf", "jti")}
        w.note(f"whoami as {template}", {"head": head, "life": life, "names": sorted(claims), "claims": steady, "members": sorted(r.body), "sub is the identity": claims.get("sub") == who["identity"]["id"],
                                        "sid is the session": claims.get("sid") == who["session"]["id"], "is cacheable": "Ory-Session-Cache-For" in r.headers, "id": r.headers.get("X-Kratos-Authenticated-Identity-Id")})
    w.admin("PATCH", f"/admin/identities/{who['identity']['id']}", json=[{"op": "add", "path": "/external_id", "value": "ext-of-token"}])
    r = c.json("", "GET", "/sessions/whoami?tokenize_as=external", headers=auth, record=False)
    w.note("subject from the external id", read(r.body["tokenized"].split(".")[1])["sub"])
    c.json("anonymous", "GET", "/sessions/whoami?tokenize_as=plain")
    c.json("two templates", "GET", "/sessions/whoami?tokenize_as=none&tokenize_as=plain", headers=auth)


@scenario("messages")
def whoami_of_all_kinds(w):
    email = w.uniq()
    c = w.client()
    token = c.register(email)["session_token"]
    d = w.client()
    d.login(email, how="spa")
    auth = {"X-Session-Token": token}
    c.json("by token", "GET", "/sessions/whoami", headers=auth)
    d.json("by cookie", "GET", "/sessions/whoami")
    d.html("by cookie, html", "GET", "/sessions/whoami")
    c.json("token of another kind", "GET", "/sessions/whoami", headers={"X-Session-Token": "ory_lo_x"})
    c.json("empty token", "GET", "/sessions/whoami", headers={"X-Session-Token": ""})
    c.json("basic", "GET", "/sessions/whoami", headers={"Authorization": "Basic YTpi"})
    c.json("bearer without a token", "GET", "/sessions/whoami", headers={"Authorization": "Bearer "})
    c.json("X-Session-Cookie", "GET", "/sessions/whoami", headers={"X-Session-Cookie": "nope"})
    c.json("forged cookie", "GET", "/sessions/whoami", cookies=False, headers={"Cookie": "ory_kratos_session=MTIzNDU2fGZvcmdlZHxmb3JnZWQ="})
    c.json("head", "HEAD", "/sessions/whoami", headers=auth)
    c.json("put", "PUT", "/sessions/whoami", headers=auth)
    c.json("delete", "DELETE", "/sessions/whoami", headers=auth)
    c.json("on the admin port", "GET", f"{ADMIN}/sessions/whoami", headers=auth)


@scenario("messages")
def sessions_of_mine_paged(w):
    email = w.uniq()
    c = w.client()
    first = c.register(email)
    tokens = [c.login(email)["session_token"] for _ in range(3)]
    auth = {"X-Session-Token": tokens[0]}
    for query in ("", "?per_page=1", "?page=0&per_page=2", "?page=1&per_page=2", "?page=2&per_page=2", "?page=9", "?page=x", "?page=-1", "?per_page=0", "?per_page=x", "?per_page=5000", "?page_size=1", "?page_size=x", "?page_token=x", "?active=false"):
        r = c.json(query, "GET", f"/sessions{query}", headers=auth, record=False)
        w.note(f"list {query}", {"status": r.status_code, "body": len(r.body) if isinstance(r.body, list) else r.body, "total": r.headers.get("X-Total-Count"), "cache": r.headers.get("Cache-Control")})
    c.json("one in full", "GET", "/sessions?per_page=1", headers=auth)
    c.json("revoke unknown", "DELETE", f"/sessions/{NOBODY}", headers=auth)
    c.json("revoke one", "DELETE", f"/sessions/{first['session']['id']}", headers=auth)
    c.json("revoke it again", "DELETE", f"/sessions/{first['session']['id']}", headers=auth)
    other = w.client().register(w.uniq("stranger"))
    c.json("revoke a stranger's", "DELETE", f"/sessions/{other['session']['id']}", headers=auth)
    w.client().json("which lives on", "GET", "/sessions/whoami", headers={"X-Session-Token": other["session_token"]})
    c.json("revoke others", "DELETE", "/sessions", headers=auth)
    c.json("revoke others again", "DELETE", "/sessions", headers=auth)
    c.json("anonymous revoke", "DELETE", "/sessions")
    c.json("anonymous revoke of one", "DELETE", f"/sessions/{first['session']['id']}")
    c.json("get one", "GET", f"/sessions/{first['session']['id']}", headers=auth)
    c.json("extend on the public port", "PATCH", f"/sessions/{first['session']['id']}/extend", headers=auth)
    d = w.client()
    d.login(email, how="spa")
    d.json("list by cookie", "GET", "/sessions")
    d.json("revoke others by cookie", "DELETE", "/sessions")


@scenario("tokens")
def session_extend(w):
    who = w.client().register(w.uniq())
    c = w.client()
    url = f"{ADMIN}/admin/sessions/{who['session']['id']}"
    c.json("too early", "PATCH", f"{url}/extend")
    c.json("after the session ended", "DELETE", url)
    c.json("ended", "GET", url)


@scenario("tokens")
def settings_need_a_fresh_session(w):
    import time
    email = w.uniq()
    for how in ("api", "spa", "browser"):
        mail = w.uniq(how)
        c = w.client()
        who = c.register(mail, how=how)
        auth = {"X-Session-Token": who["session_token"]} if how == "api" else {}
        flow = c.json("", "GET", f"/self-service/settings/{'api' if how == 'api' else 'browser'}", headers=auth, record=False).body
        time.sleep(1.2)
        c.submit(flow, how, {"method": "password", "password": "an0ther-G00d-one"}, f"{how}: password", headers=auth)


# ------------------------------------------------------------------ logout
@scenario("messages")
def logout_odd_input(w):
    c = w.client()
    token = c.register(w.uniq())["session_token"]
    url = "/self-service/logout/api"
    for label, body in (("list", []), ("text", "x"), ("number", 5), ("null token", {"session_token": None}), ("empty token", {"session_token": ""}), ("list of tokens", {"session_token": [token]}),
                        ("unknown key", {"session_token": "x", "more": 1}), ("other name", {"token": token})):
        c.json(label, "DELETE", url, data=json.dumps(body), headers={"Content-Type": "application/json"})
    c.json("a logout token", "DELETE", url, json_={"session_token": "ory_lo_x"})
    c.json("charset", "DELETE", url, data=json.dumps({"session_token": token}), headers={"Content-Type": "application/json; charset=utf-8"})
    token = w.client().register(w.uniq())["session_token"]
    c.json("plain text", "DELETE", url, data=json.dumps({"session_token": token}), headers={"Content-Type": "text/plain"})
    c.json("no content type", "DELETE", url, data=json.dumps({"session_token": token}).encode())
    c.json("token in the header", "DELETE", url, headers={"X-Session-Token": token})
    c.json("post", "POST", url, json_={"session_token": token})
    c.json("still in", "GET", "/sessions/whoami", headers={"X-Session-Token": token})
    c.json("on the admin port", "DELETE", f"{ADMIN}{url}", json_={"session_token": token})
    b = w.client()
    b.register(w.uniq(), how="spa")
    out = b.json("", "GET", "/self-service/logout/browser", record=False).body
    b.json("post to the browser route", "POST", "/self-service/logout", json_={"token": out["logout_token"]})
    b.json("put", "PUT", f"/self-service/logout?token={out['logout_token']}")
    b.json("two tokens", "GET", f"/self-service/logout?token=x&token={out['logout_token']}")
    b.json("on the admin port, browser", "GET", f"{ADMIN}/self-service/logout/browser")
    b.json("submit on the admin port", "GET", f"{ADMIN}/self-service/logout?token={out['logout_token']}")
    b.json("head", "HEAD", f"/self-service/logout?token={out['logout_token']}")
    b.json("out", "GET", "/sessions/whoami")


# ------------------------------------------------------------------ errors
@scenario("messages")
def stored_errors(w):
    c = w.client()
    for label, query in (("none", ""), ("empty", "?id="), ("malformed", "?id=nope"), ("unknown", f"?id={NOBODY}"), ("by another name", f"?error={NOBODY}"), ("sample", "?id=stub:500"), ("other sample", "?id=stub:404"), ("two", f"?id={NOBODY}&id=stub:500")):
        c.json(label, "GET", f"/self-service/errors{query}")
    c.html("as html", "GET", "/self-service/errors?id=stub:500")
    c.json("post", "POST", "/self-service/errors?id=stub:500")
    c.json("on the admin port", "GET", f"{ADMIN}/self-service/errors?id={NOBODY}")
    r = c.html("make one", "GET", "/self-service/login/browser?return_to=https://evil.example.org")
    url = r.headers["Location"].replace("http://127.0.0.1:4455/error", "/self-service/errors")
    c.json("read it", "GET", url)
    w.client().json("read it again elsewhere", "GET", url)


# ------------------------------------------------------------------ every route
@scenario("messages")
def routes_and_methods(w):
    c = w.client()
    for method, path in (("GET", "/"), ("POST", "/"), ("GET", "/nope"), ("POST", "/nope"), ("DELETE", "/nope"), ("GET", "/health"), ("GET", "/health/alive/"), ("POST", "/health/alive"), ("HEAD", "/health/alive"), ("GET", "/health/config"), ("GET", "/version"),
                         ("GET", "/metrics/prometheus"), ("GET", "/metrics"), ("GET", "/schemas/"), ("POST", "/schemas"), ("GET", "/schemas/member"), ("GET", "/schemas/bWVtYmVy"), ("GET", "/schemas/bWVtYmVy="), ("GET", "/schemas/none"), ("HEAD", "/schemas"),
                         ("GET", "/self-service"), ("GET", "/self-service/login"), ("GET", "/self-service/login/"), ("GET", "/self-service/login/none"), ("PUT", "/self-service/login"), ("DELETE", "/self-service/login/browser"), ("POST", "/self-service/login/api"), ("POST", "/self-service/login/flows"),
                         ("GET", "/self-service/registration"), ("GET", "/self-service/fed-cm/parameters"), ("POST", "/self-service/fed-cm/token"), ("GET", "/self-service/methods/oidc/callback/none"), ("GET", "/self-service/methods/oidc/callback"),
                         ("GET", "/sessions/token-exchange"), ("GET", "/sessions/token-exchange?init_code=x&return_to_code=y"), ("GET", "/.well-known/ory/none"), ("GET", "/.well-known/jwks.json"),
                         ("OPTIONS", "/sessions/whoami"), ("TRACE", "/sessions/whoami"), ("GET", "//health/alive"), ("GET", "/health/../health/alive"), ("GET", "/admin"), ("GET", "/admin/health/alive"), ("GET", "/admin/schemas"), ("GET", "/admin/version")):
        c.json(f"{method} {path}", method, path, cookies=False)
    for method, path in (("GET", "/"), ("GET", "/nope"), ("POST", "/nope"), ("GET", "/admin/"), ("GET", "/admin/nope"), ("GET", "/health/config"), ("GET", "/admin/health/alive"), ("POST", "/health/ready"), ("PUT", "/version"), ("GET", "/schemas"), ("GET", "/admin/schemas"),
                         ("GET", "/schemas/bWVtYmVy"), ("GET", "/self-service/login/api"), ("GET", "/self-service/login/browser?a=b"), ("POST", "/self-service/login?flow=x"), ("GET", "/self-service/registration/flows?id=x"), ("GET", "/self-service/settings/browser"), ("GET", "/self-service/fed-cm/parameters"),
                         ("DELETE", "/identities"), ("PUT", "/admin/identities"), ("POST", "/admin/sessions"), ("DELETE", "/admin/sessions"), ("GET", "/sessions/whoami"), ("GET", "/admin/recovery/code"), ("GET", "/admin/courier/messages/"), ("OPTIONS", "/admin/identities"), ("GET", "/metrics"), ("HEAD", "/metrics/prometheus")):
        c.json(f"admin {method} {path}", method, ADMIN + path, cookies=False)


@scenario("messages")
def schema_list(w):
    c = w.client()
    for query in ("", "?page=0", "?page=1", "?per_page=1", "?per_page=1&page=1", "?per_page=1&page=2", "?per_page=0", "?page=x", "?per_page=x", "?per_page=5000", "?page=-1", "?page_size=1", "?page_token=x"):
        r = c.json(query, "GET", f"/schemas{query}", record=False)
        w.note(f"schemas {query}", {"status": r.status_code, "body": [s["id"] for s in r.body] if isinstance(r.body, list) else r.body, "total": r.headers.get("X-Total-Count"), "link": r.headers.get("Link"), "type": r.headers["Content-Type"]})
    c.json("in full", "GET", "/schemas")


@scenario("messages")
def cors(w):
    c = w.client()
    good, evil = "http://127.0.0.1:4455", "http://evil.example.org"
    for label, path, headers in (("preflight", "/self-service/login", {"Origin": good, "Access-Control-Request-Method": "POST"}), ("preflight with headers", "/self-service/login", {"Origin": good, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, x-csrf-token"}),
                                 ("preflight with odd headers", "/sessions", {"Origin": good, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-odd"}), ("preflight of an odd method", "/sessions", {"Origin": good, "Access-Control-Request-Method": "BREW"}),
                                 ("preflight of PATCH", "/sessions", {"Origin": good, "Access-Control-Request-Method": "PATCH"}), ("preflight of PUT", "/sessions", {"Origin": good, "Access-Control-Request-Method": "PUT"}),
                                 ("preflight of DELETE", "/sessions", {"Origin": good, "Access-Control-Request-Method": "DELETE"}), ("preflight from elsewhere", "/sessions", {"Origin": evil, "Access-Control-Request-Method": "GET"}), ("preflight of null", "/sessions", {"Origin": "null", "Access-Control-Request-Method": "GET"}),
                                 ("preflight of an unknown route", "/nope", {"Origin": good, "Access-Control-Request-Method": "GET"}), ("no method", "/sessions", {"Origin": good}), ("private network", "/sessions", {"Origin": good, "Access-Control-Request-Method": "GET", "Access-Control-Request-Private-Network": "true"}),
                                 ("no origin", "/sessions", {"Access-Control-Request-Method": "GET"}), ("admin", f"{ADMIN}/admin/identities", {"Origin": good, "Access-Control-Request-Method": "GET"})):
        c.call(label, "OPTIONS", path, headers=headers)
    for label, origin in (("allowed", good), ("capitals", good.upper()), ("other port", "http://127.0.0.1:4456"), ("elsewhere", evil), ("null", "null"), ("empty", "")):
        c.json(f"GET, {label}", "GET", "/health/alive", headers={"Origin": origin})
        c.json(f"whoami, {label}", "GET", "/sessions/whoami", headers={"Origin": origin})
        c.json(f"post, {label}", "POST", "/self-service/login", headers={"Origin": origin}, json_={})
    c.json("admin GET", "GET", f"{ADMIN}/health/alive", headers={"Origin": good})


@scenario("messages")
def bodies(w):
    c = w.client()
    flow = c.init("login", "api")
    url = flow["ui"]["action"]
    for label, body, kind in (("empty", "", "application/json"), ("null", "null", "application/json"), ("list", "[]", "application/json"), ("text", '"x"', "application/json"), ("half", "{", "application/json"), ("capitals", '{"METHOD":"password"}', "Application/JSON"),
                              ("charset", "{}", "application/json; charset=utf-8"), ("xml", "<a/>", "application/xml"), ("no kind", "{}", ""), ("bad kind", "{}", "///"), ("form", "a=b", "application/x-www-form-urlencoded")):
        c.json(label, "POST", url, data=body, headers={"Content-Type": kind}, cookies=False)


@scenario("messages")
def request_ids(w):
    c = w.client()
    c.json("echoed", "GET", "/sessions/whoami", headers={"X-Request-ID": "mine-1"})
    c.json("echoed by the admin port", "GET", f"{ADMIN}/admin/identities/nope", headers={"X-Request-ID": "mine-2"})
    c.json("html page", "GET", "/nope", headers={"X-Request-ID": "mine-3"})
