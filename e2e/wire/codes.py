"""Codes by mail and text message: to sign up, to sign in, and as a second factor. See ../README.md."""

from checker import node
from common import PASS, WAYS, in_every_way, kept, scenario


def signed_up(w, how, traits, kind="registration_code_valid"):
    """An account that signs in with codes."""
    c = w.client()
    flow = c.json("", "GET", "/self-service/registration/api", record=False).body
    to = traits.get("phone") or traits["email"]
    url = flow["ui"]["action"]
    c.json("", "POST", url, json_={"method": "code", "traits": traits}, record=False)
    r = c.json("", "POST", url, json_={"method": "code", "traits": traits, "code": w.code(traits["email"], kind)}, record=False)
    if r.status_code != 200:
        raise RuntimeError(f"could not sign up {to}: {r.text[:300]}")
    return r.body


# ------------------------------------------------------------------ signing up with a code
@in_every_way("code-only")
def code_sign_up(w, how):
    c = w.client()
    email = w.uniq(how)
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "code", "traits": {"email": "nonsense"}}, f"{how}: bad address")
    c.submit(flow, how, {"method": "code", "traits": {}}, f"{how}: no address")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}, "code": "123456"}, f"{how}: a code that nobody sent")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}, "transient_payload": {"a": "b"}}, f"{how}: send")
    kept(c, how, "registration", flow, f"{how}: form with the code")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}, "code": "000000"}, f"{how}: wrong code")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}, "code": "abc"}, f"{how}: no digits")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}, "code": ""}, f"{how}: empty code")
    c.submit(flow, how, {"method": "code", "traits": {"email": w.uniq(how)}, "code": w.code(email, "registration_code_valid")}, f"{how}: other traits")
    w.forget(email, "registration_code_valid")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}, "resend": "code"}, f"{how}: resend")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}, "code": w.code(email, "registration_code_valid")}, f"{how}: the new code")
    kept(c, how, "registration", flow, f"{how}: form afterwards")


@in_every_way("code-only")
def code_sign_up_good(w, how):
    c = w.client()
    email = w.uniq(how)
    flow = c.init("registration", how, query="?return_to=http://127.0.0.1:4455/there" if how != "api" else "")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}}, f"{how}: send")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}, "code": w.code(email, "registration_code_valid")}, f"{how}: code")
    c.json(f"{how}: whoami", "GET", "/sessions/whoami")
    c = w.client()
    flow = c.init("registration", how, f"{how}: again")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}}, f"{how}: send to a known address")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}, "code": "000000"}, f"{how}: known address, wrong code")
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": email}}, f"{how}: a method that is off")
    c.submit(flow, how, {"method": "code", "code": "000000"}, f"{how}: without traits")


@in_every_way("code-only")
def code_sign_up_too_many(w, how):
    c = w.client()
    email = w.uniq(how)
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "code", "traits": {"email": email}}, f"{how}: send")
    for n in range(6):
        c.submit(flow, how, {"method": "code", "traits": {"email": email}, "code": "000000"}, f"{how}: wrong {n}")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}, "code": w.code(email, "registration_code_valid")}, f"{how}: right, too late")
    kept(c, how, "registration", flow, f"{how}: form afterwards")


@in_every_way("passwordless")
def code_sign_up_two_screens(w, how):
    c = w.client()
    email = w.uniq(how)
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "profile", "traits": {"email": email, "name": {"last": "L"}}}, f"{how}: details")
    kept(c, how, "registration", flow, f"{how}: second screen")
    c.submit(flow, how, {"method": "code", "traits": {"email": email, "name": {"last": "L"}}}, f"{how}: send")
    kept(c, how, "registration", flow, f"{how}: third screen")
    c.submit(flow, how, {"screen": "previous", "method": "profile", "traits": {"email": email}}, f"{how}: back")
    kept(c, how, "registration", flow, f"{how}: after going back")
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": email}}, f"{how}: a password instead")


# ------------------------------------------------------------------ signing in with a code
@in_every_way("code-only")
def code_sign_in(w, how):
    email = w.uniq(how)
    signed_up(w, how, {"email": email})
    c = w.client()
    flow = c.init("login", how)
    c.submit(flow, how, {"method": "code", "identifier": "nobody@example.org"}, f"{how}: nobody")
    c.submit(flow, how, {"method": "code", "identifier": ""}, f"{how}: empty")
    c.submit(flow, how, {"method": "code"}, f"{how}: absent")
    c.submit(flow, how, {"method": "code", "identifier": "not an address"}, f"{how}: no address")
    kept(c, how, "login", flow, f"{how}: form after the errors")
    c.submit(flow, how, {"method": "code", "identifier": email.upper(), "transient_payload": {"a": "b"}}, f"{how}: send")
    kept(c, how, "login", flow, f"{how}: form with the code")
    c.submit(flow, how, {"method": "code", "identifier": email, "code": "000000"}, f"{how}: wrong code")
    c.submit(flow, how, {"method": "code", "identifier": email, "code": ""}, f"{how}: empty code")
    kept(c, how, "login", flow, f"{how}: form after a wrong code")
    c.submit(flow, how, {"method": "code", "identifier": email, "code": w.code(email, "login_code_valid")}, f"{how}: code")
    c.json(f"{how}: whoami", "GET", "/sessions/whoami")
    c = w.client()
    flow = c.init("login", how, f"{how}: to resend")
    w.forget(email, "login_code_valid")
    c.submit(flow, how, {"method": "code", "identifier": email}, f"{how}: send again")
    w.forget(email, "login_code_valid")
    c.submit(flow, how, {"method": "code", "identifier": email, "resend": "code"}, f"{how}: resend")
    c.submit(flow, how, {"method": "code", "identifier": email, "code": w.code(email, "login_code_valid")}, f"{how}: resent code")


@in_every_way("code-only")
def code_sign_in_too_many(w, how):
    email = w.uniq(how)
    signed_up(w, how, {"email": email})
    c = w.client()
    flow = c.init("login", how)
    c.submit(flow, how, {"method": "code", "identifier": email}, f"{how}: send")
    for n in range(6):
        c.submit(flow, how, {"method": "code", "identifier": email, "code": "000000"}, f"{how}: wrong {n}")
    kept(c, how, "login", flow, f"{how}: form afterwards")


@in_every_way("code-only")
def code_sign_in_oddities(w, how):
    email, other = w.uniq(), w.uniq("other")
    signed_up(w, "api", {"email": email})
    c = w.client()
    flow = c.init("login", how)
    c.submit(flow, how, {"method": "code", "identifier": email, "code": "123456"}, f"{how}: a code that nobody sent")
    c.submit(flow, how, {"identifier": email}, f"{how}: no method")
    c.submit(flow, how, {"method": "code", "identifier": email, "resend": "code"}, f"{how}: resend before a send")
    c.submit(flow, how, {"method": "code", "identifier": other}, f"{how}: another identifier")
    c.submit(flow, how, {"method": "code", "address": email}, f"{how}: address in place of the identifier")
    c.submit(flow, how, {"method": "password", "identifier": email, "password": PASS}, f"{how}: a method that is off")
    if how != "browser":
        c.json(f"{how}: types", "POST", flow["ui"]["action"], json_={"method": "code", "identifier": 5, "csrf_token": (node(flow, "csrf_token") or {}).get("value")})
    kept(c, how, "login", flow, f"{how}: form afterwards")


@scenario("code-only")
def code_refresh(w):
    email = w.uniq()
    signed_up(w, "api", {"email": email})
    c = w.client()
    flow = c.init("login", "spa", "to refresh")
    c.submit(flow, "spa", {"method": "code", "identifier": email}, "send")
    c.submit(flow, "spa", {"method": "code", "identifier": email, "code": w.code(email, "login_code_valid")}, "signed in")
    for how in ("spa", "browser"):
        flow = c.init("login", how, f"{how}: refresh", query="?refresh=true")
        w.forget(email, "login_code_valid")
        c.submit(flow, how, {"method": "code", "identifier": email}, f"{how}: refresh, send")
        c.submit(flow, how, {"method": "code", "identifier": email, "code": "000000"}, f"{how}: refresh, wrong code")
        c.submit(flow, how, {"method": "code", "identifier": email, "code": w.code(email, "login_code_valid")}, f"{how}: refresh, code")
        flow = c.init("login", how, f"{how}: aal2", query="?aal=aal2")


@in_every_way("code-only")
def code_phone(w, how):
    n = WAYS.index(how)
    c = w.client()
    email, phone = w.uniq(how), f"+493012345{n}0"
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "code", "traits": {"email": email, "phone": phone}}, f"{how}: sign up, send")
    r = c.submit(flow, how, {"method": "code", "traits": {"email": email, "phone": phone}, "code": w.code(email, "registration_code_valid")}, "", record=False)
    w.note(f"{how}: sign up, code", r.status_code)
    c = w.client()
    flow = c.init("login", how, f"{how}: form")
    c.submit(flow, how, {"method": "code", "identifier": phone}, f"{how}: sign in, send")
    r = c.submit(flow, how, {"method": "code", "identifier": phone, "code": w.code(phone, "login_code_valid")}, "", record=False)
    w.note(f"{how}: sign in, code", r.status_code)  # the answer has both addresses in any order
    for label, identifier in [("number", phone), ("with spaces", f"+49 30 12345{n}0"), ("national", f"03012345{n}0")]:
        flow = w.client().init("login", "api", f"{how}: form for {label}")
        w.client().submit(flow, "api", {"method": "code", "identifier": identifier}, f"{how}: {label}")


@in_every_way("passwordless")
def code_identifier_first(w, how):
    email = w.uniq(how)
    c = w.client()
    flow = c.json("", "GET", "/self-service/registration/api", record=False).body
    c.json("", "POST", flow["ui"]["action"], json_={"method": "password", "password": PASS, "traits": {"email": email}}, record=False)
    flow = c.init("login", how)
    c.submit(flow, how, {"method": "identifier_first", "identifier": email}, f"{how}: identifier")
    c.submit(flow, how, {"method": "code", "identifier": email}, f"{how}: send")
    kept(c, how, "login", flow, f"{how}: form with the code")
    c.submit(flow, how, {"method": "code", "identifier": email, "code": "000000"}, f"{how}: wrong")
    w.forget(email, "login_code_valid")
    c.submit(flow, how, {"method": "code", "identifier": email, "resend": "code"}, f"{how}: resend")
    c.submit(flow, how, {"method": "code", "identifier": email, "code": w.code(email, "login_code_valid")}, f"{how}: code")
    c.json(f"{how}: whoami", "GET", "/sessions/whoami")
    c = w.client()
    flow = c.init("login", how, f"{how}: straight to the code")
    c.submit(flow, how, {"method": "code", "identifier": email}, f"{how}: straight, send")


# ------------------------------------------------------------------ codes as a second factor
def register(w, c, how, traits):
    """An account with a password, signed in."""
    kind = "api" if how == "api" else "browser"
    flow = c.json("", "GET", f"/self-service/registration/{kind}", record=False).body
    body = {"method": "password", "password": PASS, "traits": traits}
    if how != "api":
        body["csrf_token"] = node(flow, "csrf_token")["value"]
    return c.json("", "POST", flow["ui"]["action"], json_=body, record=False).body


@in_every_way("code-mfa")
def code_second_factor(w, how):
    c = w.client()
    email = w.uniq(how)
    who = register(w, c, how, {"email": email})
    h = {"X-Session-Token": who["session_token"]} if how == "api" else {}
    c.json(f"{how}: whoami", "GET", "/sessions/whoami", headers=h)
    flow = c.init("login", how, f"{how}: aal2", query="?aal=aal2", headers=h)
    c.submit(flow, how, {"method": "code", "identifier": "stranger@example.org"}, f"{how}: unknown address", headers=h)
    c.submit(flow, how, {"method": "code", "address": email}, f"{how}: send", headers=h)
    c.json(f"{how}: form with the code", "GET", f"/self-service/login/flows?id={flow['id']}", headers=h, cookies=how != "api")
    c.cookies = {} if how == "api" else c.cookies
    c.submit(flow, how, {"method": "code", "code": "000000"}, f"{how}: wrong", headers=h)
    c.submit(flow, how, {"method": "code", "code": ""}, f"{how}: empty", headers=h)
    w.forget(email, "login_code_valid")
    c.submit(flow, how, {"method": "code", "address": email, "resend": "code"}, f"{how}: resend", headers=h)
    c.submit(flow, how, {"method": "code", "address": email, "code": w.code(email, "login_code_valid")}, f"{how}: code", headers=h)
    c.json(f"{how}: whoami at aal2", "GET", "/sessions/whoami", headers=h)
    c.init("login", how, f"{how}: aal2 again", query="?aal=aal2", headers=h)
    flow = c.init("login", how, f"{how}: aal2 refresh", query="?aal=aal2&refresh=true", headers=h)
    c.init("settings", how, f"{how}: settings", headers=h)
    d = w.client()
    flow = d.init("login", how, f"{how}: first factor")
    d.submit(flow, how, {"method": "code", "identifier": email}, f"{how}: code as the first factor")
    d.submit(flow, how, {"method": "password", "identifier": email, "password": PASS}, f"{how}: password")
    d.json(f"{how}: whoami at aal1", "GET", "/sessions/whoami")


@in_every_way("code-mfa")
def code_second_factor_choice(w, how):
    """Two addresses, of which one is chosen; `via` is obsolete."""
    n = WAYS.index(how)
    c = w.client()
    email, phone = w.uniq(how), f"+493098765{n}0"
    who = register(w, c, how, {"email": email, "phone": phone})
    h = {"X-Session-Token": who["session_token"]} if how == "api" else {}
    flow = c.init("login", how, f"{how}: aal2", query="?aal=aal2", headers=h)
    c.submit(flow, how, {"method": "code"}, f"{how}: no address", headers=h)
    c.submit(flow, how, {"method": "code", "address": phone}, f"{how}: send to the phone", headers=h)
    c.submit(flow, how, {"method": "code", "address": phone, "code": "000000"}, f"{how}: wrong", headers=h)
    r = c.submit(flow, how, {"method": "code", "address": phone, "code": w.code(phone, "login_code_valid")}, "", headers=h, record=False)
    w.note(f"{how}: code", r.status_code)  # the answer has both addresses in any order
    c.init("login", how, f"{how}: via email", query="?aal=aal2&via=email", headers=h)
    c.init("login", how, f"{how}: via phone", query="?aal=aal2&via=phone", headers=h)
    c.init("login", how, f"{how}: via nothing", query="?aal=aal2&via=none", headers=h)
