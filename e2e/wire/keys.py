"""Security keys and passkeys, with a key in software. See ../README.md."""
import json

from checker import node
from authenticator import Authenticator
from common import header, in_every_way, kept


def options(flow, *names):
    """The options for a key, as JSON, which stand in one of these nodes."""
    for name in names:
        attributes = node(flow, name)
        for text in (attributes or {}).get("value"), (attributes or {}).get("onclick"):
            if text and "{" in str(text):
                return json.loads(str(text)[str(text).index("{"):str(text).rindex("}") + 1])
    raise RuntimeError(f"no options in {names}")


@in_every_way("mfa")
def webauthn_settings(w, how):
    c = w.client()
    email = w.uniq(how)
    h = header(c.register(email, how=how), how)
    key = Authenticator()
    flow = c.init("settings", how, headers=h)
    for label, body in [("nothing", {}), ("nonsense", {"webauthn_register": "nonsense"}), ("empty object", {"webauthn_register": "{}"}), ("remove nothing", {"webauthn_remove": "00ff"})]:
        c.submit(flow, how, {"method": "webauthn", **body}, label, headers=h)
        if how == "browser":
            kept(c, how, "settings", flow, f"form after {label}", h)
    if not node(flow, "webauthn_register_trigger"):
        return
    flow = c.init("settings", how, "settings again", headers=h)
    c.submit(flow, how, {"method": "webauthn", "webauthn_register": key.create(options(flow, "webauthn_register_trigger")), "webauthn_register_displayname": "my key"}, "add", headers=h)
    kept(c, how, "settings", flow, "form with the key", h)
    c.json("whoami", "GET", "/sessions/whoami", headers=h)
    d = w.client()
    d.login(email, how=how)
    flow = d.init("login", how, "aal2", query="?aal=aal2")
    d.submit(flow, how, {"method": "webauthn"}, "no answer")
    d.submit(flow, how, {"method": "webauthn", "webauthn_login": "nonsense", "identifier": email}, "nonsense answer")
    kept(d, how, "login", flow, "login form after nonsense")
    flow = d.init("login", how, "aal2 again", query="?aal=aal2")
    d.submit(flow, how, {"method": "webauthn", "identifier": email, "webauthn_login": key.get(options(flow, "webauthn_login_trigger"))}, "answer")
    d.json("whoami at aal2", "GET", "/sessions/whoami")
    flow = d.init("settings", how, "settings at aal2")
    d.submit(flow, how, {"method": "webauthn", "webauthn_remove": key.keys[0]["id"].hex()}, "remove")
    kept(d, how, "settings", flow, "form without the key")


@in_every_way("mfa", ("spa", "browser"))
def passkey_settings(w, how):
    c = w.client()
    email = w.uniq(how)
    h = header(c.register(email, how=how), how)
    key = Authenticator()
    flow = c.init("settings", how, headers=h)
    for label, body in [("nothing", {}), ("nonsense", {"passkey_settings_register": "nonsense"}), ("remove nothing", {"passkey_remove": "00ff"})]:
        c.submit(flow, how, {"method": "passkey", **body}, label, headers=h)
    if not node(flow, "passkey_create_data"):
        return
    flow = c.init("settings", how, "settings again", headers=h)
    c.submit(flow, how, {"method": "passkey", "passkey_settings_register": key.create(json.loads(node(flow, "passkey_create_data")["value"]))}, "add", headers=h)
    kept(c, how, "settings", flow, "form with the passkey", h)
    d = w.client()
    flow = d.init("login", how)
    d.submit(flow, how, {"method": "passkey"}, "no answer")
    d.submit(flow, how, {"method": "passkey", "passkey_login": "nonsense"}, "nonsense answer")
    kept(d, how, "login", flow, "login form after nonsense")
    flow = d.init("login", how, "login again")
    d.submit(flow, how, {"method": "passkey", "passkey_login": key.get(json.loads(node(flow, "passkey_challenge")["value"]))}, "answer")
    d.json("whoami", "GET", "/sessions/whoami")
    d.init("login", how, "refresh", query="?refresh=true")
    flow = d.init("settings", how, "settings of the passkey's owner")
    d.submit(flow, how, {"method": "passkey", "passkey_remove": key.keys[0]["id"].hex()}, "remove")
    kept(d, how, "settings", flow, "form without the passkey")


@in_every_way("mfa")
def passkey_sign_up(w, how):
    c = w.client()
    email = w.uniq(how)
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "profile", "traits": {"email": email}}, "details")
    flow = kept(c, how, "registration", flow, "second screen")
    c.submit(flow, how, {"method": "passkey", "traits": {"email": email}}, "no answer")
    c.submit(flow, how, {"method": "passkey", "traits": {"email": email}, "passkey_register": "nonsense"}, "nonsense answer")
    kept(c, how, "registration", flow, "form after nonsense")


@in_every_way("keys")
def webauthn_instead_of_a_password(w, how):
    c = w.client()
    email = w.uniq(how)
    key = Authenticator()
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "webauthn", "traits": {"email": "nonsense"}}, "bad address")
    c.submit(flow, how, {"method": "webauthn", "traits": {"email": email}}, "no answer")
    c.submit(flow, how, {"method": "webauthn", "traits": {"email": email}, "webauthn_register": "nonsense"}, "nonsense answer")
    flow = kept(c, how, "registration", flow, "form after nonsense")
    if not node(flow, "webauthn_register_trigger"):
        return
    c.submit(flow, how, {"method": "webauthn", "traits": {"email": email}, "webauthn_register": key.create(options(flow, "webauthn_register_trigger")), "webauthn_register_displayname": "k"}, "answer")
    c.json("whoami", "GET", "/sessions/whoami")
    c.init("settings", how)
    c.init("login", how, "refresh", query="?refresh=true")
    d = w.client()
    flow = d.init("login", how)
    d.submit(flow, how, {"method": "webauthn", "identifier": "nobody@example.org"}, "nobody")
    d.submit(flow, how, {"method": "webauthn", "identifier": ""}, "empty")
    r = d.submit(flow, how, {"method": "webauthn", "identifier": email}, "identifier")
    flow = kept(d, how, "login", flow, "form with the challenge")
    d.submit(flow, how, {"method": "webauthn", "identifier": email, "webauthn_login": key.get(options(flow, "webauthn_login_trigger"))}, "sign in")
    d.json("whoami afterwards", "GET", "/sessions/whoami")
