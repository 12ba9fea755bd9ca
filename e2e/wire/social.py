"""Signing in, signing up and linking with an OpenID provider. See ../README.md."""
import time
from urllib.parse import parse_qs, urlsplit

from checker import SINK, csrf
from common import NOBODY, PASS, header, in_every_way, kept, scenario

CALLBACK = "/self-service/methods/oidc/callback/local"
IN_BROWSERS = ("spa", "browser")


def there(c, r):
    """What the provider answers to a browser that is sent to it: where it sends the browser back."""
    to = r.headers.get("Location") or r.body["redirect_browser_to"]
    return c.html("", "GET", to, record=False).headers["Location"]


def to_provider(c, kind, how, query=""):
    """Opens a form and sends it, unrecorded; gives back the form and where the provider sends the browser."""
    flow = c.json("", "GET", f"/self-service/{kind}/browser{query}", record=False).body
    r = c.json("", "POST", flow["ui"]["action"], json_={"method": "oidc", "provider": "local", "csrf_token": csrf(flow)}, record=False)
    return flow, there(c, r)


def flow_of(r):
    return {"id": parse_qs(urlsplit(r.headers["Location"]).query).get("flow", [NOBODY])[0]}


@in_every_way("oidc-webhooks", IN_BROWSERS)
def oidc_sign_up(w, how):
    w.sink.claims = {"sub": f"up-{how}", "email": w.uniq(how)}
    c = w.client()
    flow = c.init("registration", how, query="?return_to=http://127.0.0.1:4455/there")
    r = c.submit(flow, how, {"provider": "local", "method": "oidc", "transient_payload": {"a": "b"}}, "to the provider")
    c.html("callback", "GET", there(c, r))
    c.json("whoami", "GET", "/sessions/whoami")
    d = w.client()
    flow, back = to_provider(d, "registration", how)
    d.html("sign up again", "GET", back)
    d.json("whoami after signing up again", "GET", "/sessions/whoami")
    e = w.client()
    flow = e.init("login", how, query="?return_to=http://127.0.0.1:4455/here")
    r = e.submit(flow, how, {"provider": "local"}, "sign in without a method")
    e.html("signed in", "GET", there(e, r))
    e.json("whoami after signing in", "GET", "/sessions/whoami")


@in_every_way("oidc-webhooks", IN_BROWSERS)
def oidc_sign_in_of_somebody_new(w, how):
    w.sink.claims = {"sub": f"new-{how}", "email": w.uniq(how)}
    c = w.client()
    flow = c.init("login", how)
    r = c.submit(flow, how, {"provider": "local", "method": "oidc"}, "to the provider")
    c.html("callback", "GET", there(c, r))
    c.json("whoami", "GET", "/sessions/whoami")


@in_every_way("oidc-webhooks", IN_BROWSERS)
def oidc_missing_traits(w, how):
    """A provider that tells no address: the form asks for it."""
    w.sink.claims = {"sub": f"missing-{how}"}
    email = w.uniq(how)
    c = w.client()
    flow, back = to_provider(c, "registration", how)
    r = c.html("callback", "GET", back)
    flow = kept(c, how, "registration", flow_of(r), "form that asks for more")
    c.submit(flow, how, {"method": "oidc", "provider": "local", "traits": {"email": "nonsense"}}, "bad address")
    w.sink.claims = {"sub": f"missing-{how}"}
    r = c.submit(flow, how, {"method": "oidc", "provider": "local", "traits": {"email": email, "name": {"first": "M"}}}, "address", record=False)
    w.note("to the provider again", r.status_code)
    c.html("callback again", "GET", there(c, r))
    c.json("whoami", "GET", "/sessions/whoami")


@in_every_way("oidc-webhooks", IN_BROWSERS)
def oidc_callback_errors(w, how):
    w.sink.claims = {"sub": "errors", "email": w.uniq(how)}
    for label, change in [
        ("denied", lambda q: {"error": "access_denied", "state": q["state"]}),
        ("denied with words", lambda q: {"error": "access_denied", "error_description": "no", "state": q["state"]}),
        ("no code", lambda q: {"state": q["state"]}),
        ("unknown code", lambda q: {"code": "nope", "state": q["state"]}),
        ("no state", lambda q: {"code": q["code"]}),
        ("unknown state", lambda q: {"code": q["code"], "state": "nope"}),
        ("empty", lambda q: {}),
    ]:
        for kind in ("login", "registration"):
            c = w.client()
            flow, back = to_provider(c, kind, how)
            q = {k: v[0] for k, v in parse_qs(urlsplit(back).query).items()}
            r = c.call(f"{kind}: {label}", "GET", CALLBACK, params=change(q), accept="application/json" if how == "spa" else "text/html")
            if r.headers.get("Location", "").startswith("http://127.0.0.1:4455/error"):
                error = parse_qs(urlsplit(r.headers["Location"]).query)["id"][0]
                c.json(f"{kind}: {label}, error", "GET", f"/self-service/errors?id={error}")
            else:
                c.json(f"{kind}: {label}, form", "GET", f"/self-service/{kind}/flows?id={flow['id']}")
    c, d = w.client(), w.client()
    flow, back = to_provider(c, "login", how)
    d.html("another browser's callback", "GET", back)
    d.json("unknown provider", "GET", CALLBACK.replace("local", "other") + "?code=a&state=b")
    d.html("unknown provider, html", "GET", CALLBACK.replace("local", "other") + "?code=a&state=b")


@in_every_way("oidc-webhooks")
def oidc_forms(w, how):
    c = w.client()
    for kind in ("login", "registration"):
        flow = c.init(kind, how)
        for label, body in [("no provider", {"method": "oidc"}), ("unknown provider", {"method": "oidc", "provider": "other"}), ("another method", {"method": "password", "provider": "local"}),
                            ("parameters", {"method": "oidc", "provider": "local", "upstream_parameters": {"login_hint": "a@b.c", "prompt": "none"}}),
                            ("unknown parameter", {"method": "oidc", "provider": "local", "upstream_parameters": {"lol": "x"}}),
                            ("bad id token", {"method": "oidc", "provider": "local", "id_token": "nope"})]:
            c.submit(flow, how, body, f"{kind}: {label}")
            if how == "browser":
                kept(c, how, kind, flow, f"{kind}: form after {label}")


@in_every_way("oidc-webhooks", IN_BROWSERS)
def oidc_settings(w, how):
    email = w.uniq(how)
    c = w.client()
    c.register(email, how="browser")
    w.sink.claims = {"sub": f"settings-{how}", "email": email}
    flow = c.init("settings", how, query="?return_to=http://127.0.0.1:4455/back")
    for label, body in [("unknown provider", {"link": "other"}), ("unlink what is not linked", {"unlink": "local"}), ("both", {"link": "local", "unlink": "local"}), ("neither", {"method": "oidc"})]:
        c.submit(flow, how, body, label)
        kept(c, how, "settings", flow, f"form after {label}")
    r = c.submit(flow, how, {"link": "local"}, "link")
    c.html("callback", "GET", there(c, r))
    flow = kept(c, how, "settings", flow, "form with the link")
    c.submit(flow, how, {"link": "local"}, "link twice")
    other = w.client()
    other.register(w.uniq(how), how="browser")
    theirs = other.json("", "GET", "/self-service/settings/browser", record=False).body
    r = other.json("", "POST", theirs["ui"]["action"], json_={"link": "local", "csrf_token": csrf(theirs)}, record=False)
    other.html("link what is somebody else's", "GET", there(other, r))
    kept(other, how, "settings", theirs, "form after somebody else's")
    c.submit(flow, how, {"unlink": "local"}, "unlink")
    kept(c, how, "settings", flow, "form without the link")


@in_every_way("oidc-webhooks", IN_BROWSERS)
def oidc_unlink_the_last(w, how):
    w.sink.claims = {"sub": f"last-{how}", "email": w.uniq(how)}
    c = w.client()
    _, back = to_provider(c, "registration", how)
    c.html("callback", "GET", back)
    flow = c.init("settings", how)
    c.submit(flow, how, {"unlink": "local"}, "unlink")
    kept(c, how, "settings", flow, "form afterwards")
    c.submit(flow, how, {"method": "password", "password": PASS}, "set a password")
    kept(c, how, "settings", flow, "form with a password")


@in_every_way("oidc-webhooks", IN_BROWSERS)
def oidc_refresh(w, how):
    w.sink.claims = {"sub": f"refresh-{how}", "email": w.uniq(how)}
    c = w.client()
    _, back = to_provider(c, "registration", how)
    c.html("", "GET", back, record=False)
    flow = c.init("login", how, query="?refresh=true")
    r = c.submit(flow, how, {"method": "oidc", "provider": "local"}, "to the provider")
    c.submit(flow, how, {"method": "password", "identifier": "x", "password": "y"}, "a password that there is not")


@in_every_way("oidc-webhooks", IN_BROWSERS)
def oidc_conflict(w, how):
    """An account with that address exists: the form asks to sign in to it, and links the provider then."""
    email = w.uniq(how)
    w.client().register(email)
    w.sink.claims = {"sub": f"conflict-{how}", "email": email}
    c = w.client()
    _, back = to_provider(c, "login", how)
    r = c.html("callback", "GET", back)
    flow = kept(c, how, "login", flow_of(r), "form that asks to sign in")
    c.submit(flow, how, {"method": "password", "identifier": email, "password": "wrong"}, "wrong password")
    c.submit(flow, how, {"method": "password", "identifier": email, "password": PASS}, "password")
    c.json("whoami", "GET", "/sessions/whoami")
    d = w.client()
    _, back = to_provider(d, "login", how)
    d.html("by the provider", "GET", back)
    d.json("whoami by the provider", "GET", "/sessions/whoami")


@scenario("oidc-webhooks")
def oidc_native(w):
    """An app sends its person to a browser, and trades two codes for the session."""
    w.sink.claims = {"sub": "native", "email": w.uniq()}
    app, browser = w.client(), w.client()
    for kind in ("registration", "login"):
        flow = app.json(f"{kind}: form", "GET", f"/self-service/{kind}/api?return_session_token_exchange_code=true&return_to=http://127.0.0.1:4455/app").body
        code = flow["session_token_exchange_code"]
        app.json(f"{kind}: too early", "GET", f"/sessions/token-exchange?init_code={code}&return_to_code=x")
        r = app.submit(flow, "api", {"method": "oidc", "provider": "local"}, f"{kind}: to the provider")
        browser.cookies = {}
        r = browser.html(f"{kind}: callback", "GET", there(browser, r))
        back = parse_qs(urlsplit(r.headers["Location"]).query).get("code", ["none"])[0]
        app.json(f"{kind}: wrong code", "GET", f"/sessions/token-exchange?init_code={code}&return_to_code=wrong")
        app.json(f"{kind}: codes", "GET", f"/sessions/token-exchange?init_code={code}&return_to_code={back}")
    app.json("no codes", "GET", "/sessions/token-exchange")
    flow = app.init("login", "api", "without an exchange")
    app.submit(flow, "api", {"method": "oidc", "provider": "local"}, "without an exchange, to the provider")


@scenario("oidc-webhooks")
def oidc_id_token(w):
    """An app that has an id token of the provider."""
    now = int(time.time())
    good = {"iss": SINK + "/oidc", "aud": "app", "sub": "token", "email": w.uniq(), "iat": now, "exp": now + 600, "nonce": "n"}
    app = w.client()
    for label, claims, extra in [("no nonce", good, {}), ("wrong nonce", good, {"id_token_nonce": "x"}), ("wrong audience", {**good, "aud": "x"}, {"id_token_nonce": "n"}),
                                 ("too old", {**good, "exp": now - 10}, {"id_token_nonce": "n"}), ("wrong issuer", {**good, "iss": "http://x"}, {"id_token_nonce": "n"})]:
        flow = app.init("login", "api", f"form for {label}")
        app.submit(flow, "api", {"method": "oidc", "provider": "local", "id_token": w.sink.sign(claims), **extra}, label)
