"""Recovery by code and by link. Run by check.py; `recovery.json` holds what Kratos v26.2 answers."""
import time
from urllib.parse import parse_qs, urlsplit

from checker import ADMIN, csrf, scenario
from common import NOBODY, PASS, WAYS, expired, follow, settled


def recover(w, c, email, how, prefix=""):
    """Asks for a code, and enters it; gives back the last answer and the flow."""
    flow = c.init("recovery", how, f"{prefix}init")
    c.submit(flow, how, {"method": "code", "email": email}, f"{prefix}send")
    return c.submit(flow, how, {"method": "code", "code": w.code(email, "recovery_code_valid")}, f"{prefix}right code"), flow


# ------------------------------------------------------------------ recovery by code
def code_ends_in_settings(w):
    for how in WAYS:
        email = w.uniq(how)
        before = w.client()
        token = before.register(email)["session_token"]
        c = w.client()
        r, flow = recover(w, c, email, how, f"{how}: ")
        follow(c, r, f"{how}: settings")
        body = r.body if isinstance(r.body, dict) else {}
        given = next((a.get("ory_session_token") for a in body.get("continue_with") or [] if a.get("ory_session_token")), None)
        auth = {"X-Session-Token": given} if given else {}
        c.json(f"{how}: whoami", "GET", "/sessions/whoami", headers=auth)
        before.json(f"{how}: the earlier session", "GET", "/sessions/whoami", headers={"X-Session-Token": token})
        (c if how != "api" else w.client()).json(f"{how}: flow afterwards", "GET", f"/self-service/recovery/flows?id={flow['id']}")
        follow(c, c.submit(flow, how, {"method": "code", "code": w.code(email, "recovery_code_valid")}, f"{how}: used twice"), f"{how}: after that")


@scenario("recovery-transitions")
def recovery_code_transitions(w):
    code_ends_in_settings(w)


@scenario("recovery-code")
def recovery_code_redirects(w):
    code_ends_in_settings(w)


def code_input(w):
    for how in WAYS:
        email = w.uniq(how)
        w.client().register(email)
        c = w.client()
        for label, payload in [("nothing", {}), ("method alone", {"method": "code"}), ("empty address", {"method": "code", "email": ""}),
                               ("unknown method", {"method": "magic", "email": email}), ("no method", {"email": email}),
                               ("method off", {"method": "password", "email": email}),
                               ("code before sending", {"method": "code", "code": "123456"}),
                               ("spaces", {"method": "code", "email": f"  {email}  "}),
                               ("both", {"method": "code", "email": email, "code": "123456"}),
                               ("empty code", {"method": "code", "code": ""}), ("letters", {"method": "code", "code": "abcdef"}),
                               ("resend", {"method": "code", "email": email.upper()})]:
            flow = c.json("", "GET", f"/self-service/recovery/{'api' if how == 'api' else 'browser'}", record=False).body
            if "code" in payload and label != "code before sending":
                c.submit(flow, how, {"method": "code", "email": email}, "", record=False)
            c.submit(flow, how, payload, f"{how}: {label}")
            (c if how != "api" else w.client()).json(f"{how}: flow after {label}", "GET", f"/self-service/recovery/flows?id={flow['id']}")
            if how == "api":
                c.submit(flow, how, {"method": "code", "email": email}, f"{how}: asks after {label}")


@scenario("recovery-transitions")
def recovery_code_input_transitions(w):
    code_input(w)


@scenario("recovery-code")
def recovery_code_input_redirects(w):
    code_input(w)


def code_too_often(w):
    for how in WAYS:
        email = w.uniq(how)
        w.client().register(email)
        c = w.client()
        flow = c.init("recovery", how)
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: send")
        for i in range(6):
            r = c.submit(flow, how, {"method": "code", "code": f"00000{i}"}, f"{how}: wrong {i}")
        follow(c, r, f"{how}: after that")
        follow(c, c.submit(flow, how, {"method": "code", "code": w.code(email, "recovery_code_valid")}, f"{how}: right, too late"), f"{how}: in the end")


@scenario("recovery-transitions")
def recovery_code_too_often_transitions(w):
    code_too_often(w)


def code_resend(w):
    for how in WAYS:
        email = w.uniq(how)
        w.client().register(email)
        c = w.client()
        flow = c.init("recovery", how)
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: send")
        first = w.code(email, "recovery_code_valid")
        w.forget(email, "recovery_code_valid")
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: resend")
        c.submit(flow, how, {"method": "code", "code": first}, f"{how}: first code")
        c.submit(flow, how, {"method": "code", "code": w.code(email, "recovery_code_valid")}, f"{how}: second code")


@scenario("recovery-transitions")
def recovery_code_resend(w):
    code_resend(w)


@scenario("recovery-transitions")
def recovery_unknown_address_is_told(w):
    for how in WAYS:
        c = w.client()
        email = w.uniq(f"nobody-{how}")
        flow = c.init("recovery", how)
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: send")
        w.note(f"{how}: mail", sorted(w.mail(email, "recovery_code_invalid")))
        c.submit(flow, how, {"method": "code", "code": "123456"}, f"{how}: some code")
        flow = c.init("verification", how)
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: verify")
        w.note(f"{how}: second mail", w.mail(email, "verification_code_invalid")["template_data"])


@scenario("recovery-link")
def recovery_link_unknown_address_is_told(w):
    for how in WAYS:
        c = w.client()
        email = w.uniq(f"nobody-{how}")
        flow = c.init("recovery", how)
        c.submit(flow, how, {"method": "link", "email": email}, f"{how}: send")
        w.note(f"{how}: mail", w.mail(email, "recovery_invalid")["template_data"])
        flow = c.init("verification", how)
        c.submit(flow, how, {"method": "link", "email": email}, f"{how}: verify")
        w.note(f"{how}: second mail", w.mail(email, "verification_invalid")["template_data"])


@scenario("recovery-transitions")
def recovery_mail_data(w):
    email = w.uniq()
    w.client().register(email)
    w.note("verification mail keys", sorted(w.mail(email, "verification_code_valid")))
    data = w.mail(email, "verification_code_valid")["template_data"]
    w.note("verification data", {**data, "verification_code": "", "verification_url": data["verification_url"].split("?")[0]})
    c = w.client()
    flow = c.init("recovery", "spa")
    c.json("send", "POST", flow["ui"]["action"], json_={"method": "code", "email": email, "csrf_token": csrf(flow), "transient_payload": {"a": [1]}})
    w.note("recovery data", {**w.mail(email, "recovery_code_valid")["template_data"], "recovery_code": ""})


@scenario("recovery-transitions")
def recovery_malformed(w):
    c = w.client()
    flow = c.init("recovery", "api")
    url = flow["ui"]["action"]
    c.json("no flow", "POST", "/self-service/recovery", json_={"method": "code"})
    c.html("no flow, html", "POST", "/self-service/recovery", form={"method": "code"})
    c.json("unknown flow", "POST", f"/self-service/recovery?flow={NOBODY}", json_={"method": "code"})
    c.json("malformed flow", "POST", "/self-service/recovery?flow=nope", json_={"method": "code"})
    c.json("invalid json", "POST", url, data="{", headers={"Content-Type": "application/json"})
    c.json("array", "POST", url, json_=[])
    c.json("wrong types", "POST", url, json_={"method": "code", "email": 5})
    c.json("code is a number", "POST", url, json_={"method": "code", "code": 123456})
    c.json("plain text", "POST", url, data="x", headers={"Content-Type": "text/plain"})
    c.json("no content type", "POST", url, data=b"x")
    c.json("empty body", "POST", url, data="", headers={"Content-Type": "application/json"})
    c.json("form to an api flow", "POST", url, form={"method": "code", "email": "a@example.org"})
    c.json("origin", "POST", url, json_={"method": "code", "email": "a@example.org"}, headers={"Origin": "http://x"})
    c.json("cookie", "POST", url, json_={"method": "code", "email": "a@example.org"}, headers={"Cookie": "a=b"})
    c.json("fetch without id", "GET", "/self-service/recovery/flows")
    c.json("fetch malformed", "GET", "/self-service/recovery/flows?id=nope")
    c.json("fetch unknown", "GET", f"/self-service/recovery/flows?id={NOBODY}")
    c.json("fetch of another kind", "GET", f"/self-service/verification/flows?id={flow['id']}")
    c.json("put", "PUT", url, json_={})
    c.json("get", "GET", url)
    c.json("get without flow", "GET", "/self-service/recovery")
    c.json("return_to elsewhere", "GET", "/self-service/recovery/api?return_to=https://evil.example.org")
    c.html("return_to elsewhere, html", "GET", "/self-service/recovery/browser?return_to=https://evil.example.org")
    c.init("recovery", "spa", "return_to", query="?return_to=http://127.0.0.1:4455/x&foo=bar")


@scenario("recovery-transitions")
def recovery_csrf(w):
    email = w.uniq()
    w.client().register(email)
    c, other = w.client(), w.client()
    flow = c.init("recovery", "spa")
    other.json("another visitor fetches", "GET", f"/self-service/recovery/flows?id={flow['id']}")
    c.json("no token", "POST", flow["ui"]["action"], json_={"method": "code", "email": email})
    c.json("then the right token", "POST", flow["ui"]["action"], json_={"method": "code", "email": email, "csrf_token": csrf(flow)})
    c = w.client()
    flow = c.init("recovery", "browser", "second flow")
    r = c.html("html, no token", "POST", flow["ui"]["action"], form={"method": "code", "email": email})
    follow(c, r, "the error")
    other.html("html, no cookie", "POST", flow["ui"]["action"], form={"method": "code", "email": email, "csrf_token": csrf(flow)})


@scenario("recovery-transitions")
def recovery_while_signed_in(w):
    for how in WAYS:
        c = w.client()
        who = c.register(w.uniq(how), how=how)
        auth = {"X-Session-Token": who["session_token"]} if how == "api" else {}
        c.init("recovery", how, f"{how}: start", headers=auth)
        anon = w.client()
        flow = anon.init("recovery", how, f"{how}: flow of a visitor")
        c.cookies.update({k: v for k, v in anon.cookies.items() if k.startswith("csrf")})
        c.submit(flow, how, {"method": "code", "email": "a@example.org"}, f"{how}: submit", headers=auth)


# ------------------------------------------------------------------ recovery by link
def by_link(w):
    for how in WAYS:
        email = w.uniq(how)
        token = w.client().register(email)["session_token"]
        c = w.client()
        flow = c.init("recovery", how)
        c.submit(flow, how, {"method": "link", "email": "nope"}, f"{how}: bad address")
        c.submit(flow, how, {"method": "link", "email": email}, f"{how}: send")
        c.json(f"{how}: flow then", "GET", f"/self-service/recovery/flows?id={flow['id']}")
        link = w.link(email, "recovery_valid")
        w.note(f"{how}: link", link)
        other = w.client()
        follow(other, other.html(f"{how}: wrong token", "GET", link.split("token=")[0] + "token=wrong"), f"{how}: after the wrong token")
        other.json(f"{how}: wrong token, json", "GET", link.split("token=")[0] + "token=wrong")
        follow(c, c.html(f"{how}: open", "GET", link), f"{how}: settings")
        c.json(f"{how}: whoami", "GET", "/sessions/whoami")
        follow(other, other.html(f"{how}: open again", "GET", link), f"{how}: after that")
        other.json(f"{how}: the earlier session", "GET", "/sessions/whoami", cookies=False, headers={"X-Session-Token": token})
        c.json(f"{how}: flow afterwards", "GET", f"/self-service/recovery/flows?id={flow['id']}")
        d = w.client()
        flow = d.init("recovery", how, f"{how}: second flow")
        d.submit(flow, how, {"method": "link", "token": "wrong"}, f"{how}: token in the body")
        w.forget(email, "recovery_valid")
        d = w.client()
        flow = d.init("recovery", how, f"{how}: third flow")
        d.submit(flow, how, {"method": "link", "email": email}, f"{how}: second send")
        follow(d, d.json(f"{how}: open as json", "GET", w.link(email, "recovery_valid")), f"{how}: settings of json")


@scenario("recovery-link")
def recovery_link_redirects(w):
    by_link(w)


@scenario("recovery-link-transitions")
def recovery_link_transitions(w):
    by_link(w)


# ------------------------------------------------------------------ switched off
@scenario("switched-off")
def flows_switched_off(w):
    c = w.client()
    for kind in ("recovery", "verification", "registration"):
        c.json(f"{kind} api", "GET", f"/self-service/{kind}/api")
        c.json(f"{kind} spa", "GET", f"/self-service/{kind}/browser")
        r = c.html(f"{kind} browser", "GET", f"/self-service/{kind}/browser")
        follow(c, r, f"{kind} error")
        c.json(f"{kind} fetch", "GET", f"/self-service/{kind}/flows?id={NOBODY}")
        c.json(f"{kind} submit", "POST", f"/self-service/{kind}?flow={NOBODY}", json_={"method": "code"})
    iid = w.admin("POST", "/admin/identities", json={"schema_id": "member", "traits": {"email": w.uniq()}}).json()["id"]
    c.json("recovery code", "POST", f"{ADMIN}/admin/recovery/code", json_={"identity_id": iid})
    c.json("recovery link", "POST", f"{ADMIN}/admin/recovery/link", json_={"identity_id": iid})
    c.init("login", "api")


# ------------------------------------------------------------------ by an operator
@scenario("recovery-transitions")
def recovery_by_an_operator(w):
    c = w.client()
    iid = w.admin("POST", "/admin/identities", json={"schema_id": "member", "traits": {"email": w.uniq()}}).json()["id"]
    for kind in ("code", "link"):
        url = f"{ADMIN}/admin/recovery/{kind}"
        c.json(f"{kind}", "POST", url, json_={"identity_id": iid})
        c.json(f"{kind} for hours", "POST", url, json_={"identity_id": iid, "expires_in": "12h30m"})
        for bad in ("soon", "0s", "-1h", "", "12", 5, None):
            c.json(f"{kind} expires in {bad!r}", "POST", url, json_={"identity_id": iid, "expires_in": bad})
        c.json(f"{kind} for an app", "POST", url, json_={"identity_id": iid, "flow_type": "api"})
        c.json(f"{kind} for a browser", "POST", url, json_={"identity_id": iid, "flow_type": "browser"})
        c.json(f"{kind} for a fridge", "POST", url, json_={"identity_id": iid, "flow_type": "fridge"})
        c.json(f"{kind} return_to", "POST", url + "?return_to=http://127.0.0.1:4455/x", json_={"identity_id": iid})
        c.json(f"{kind} return_to elsewhere", "POST", url + "?return_to=https://evil.example.org", json_={"identity_id": iid})
        c.json(f"{kind} for nobody", "POST", url, json_={"identity_id": NOBODY})
        c.json(f"{kind} malformed id", "POST", url, json_={"identity_id": "nope"})
        c.json(f"{kind} no id", "POST", url, json_={})
        c.json(f"{kind} no body", "POST", url)
        c.json(f"{kind} malformed", "POST", url, data="{", headers={"Content-Type": "application/json"})
        c.json(f"{kind} unknown key", "POST", url, json_={"identity_id": iid, "nope": 1})
        c.json(f"{kind} as a form", "POST", url, form={"identity_id": iid})
        c.json(f"{kind} charset", "POST", url, data=f'{{"identity_id":"{iid}"}}', headers={"Content-Type": "application/json; charset=utf-8"})
        c.json(f"{kind} by GET", "GET", url)
        c.json(f"{kind} without prefix", "POST", f"{ADMIN}/recovery/{kind}", json_={"identity_id": iid})
        c.json(f"{kind} on the public port", "POST", f"/admin/recovery/{kind}", json_={"identity_id": iid})
        c.json(f"{kind} on the public port without prefix", "POST", f"/recovery/{kind}", json_={"identity_id": iid})


def use_operators_code(w):
    for how in WAYS:
        email = w.uniq(how)
        iid = w.admin("POST", "/admin/identities", json={"schema_id": "member", "traits": {"email": email}}).json()["id"]
        made = w.admin("POST", "/admin/recovery/code", json={"identity_id": iid, "flow_type": "api" if how == "api" else "browser"}).json()
        flow = parse_qs(urlsplit(made["recovery_link"]).query)["flow"][0]
        c = w.client()
        flow = c.json(f"{how}: the form", "GET", f"/self-service/recovery/flows?id={flow}").body
        c.submit(flow, how, {"method": "code", "code": "000000"}, f"{how}: wrong code")
        r = c.submit(flow, how, {"method": "code", "code": made["recovery_code"]}, f"{how}: right code")
        follow(c, r, f"{how}: settings")
        c.json(f"{how}: whoami", "GET", "/sessions/whoami")
        c.json(f"{how}: identity", "GET", f"{ADMIN}/admin/identities/{iid}")


@scenario("recovery-transitions")
def recovery_with_an_operators_code(w):
    use_operators_code(w)


@scenario("recovery-code")
def recovery_with_an_operators_code_redirects(w):
    use_operators_code(w)


@scenario("recovery-transitions")
def recovery_with_an_operators_link(w):
    email = w.uniq()
    iid = w.admin("POST", "/admin/identities", json={"schema_id": "member", "traits": {"email": email}}).json()["id"]
    made = w.admin("POST", "/admin/recovery/link?return_to=http://127.0.0.1:4455/x", json={"identity_id": iid}).json()
    flow = parse_qs(urlsplit(made["recovery_link"]).query)["flow"][0]
    c = w.client()
    c.json("the flow", "GET", f"/self-service/recovery/flows?id={flow}")
    follow(c, c.html("open", "GET", made["recovery_link"]), "settings")
    c.json("whoami", "GET", "/sessions/whoami")
    c.json("identity", "GET", f"{ADMIN}/admin/identities/{iid}")
    w.admin("PATCH", f"/admin/identities/{iid}", json=[{"op": "replace", "path": "/state", "value": "inactive"}])
    c.json("link of a disabled account", "POST", f"{ADMIN}/admin/recovery/link", json_={"identity_id": iid})
    c.json("code of a disabled account", "POST", f"{ADMIN}/admin/recovery/code", json_={"identity_id": iid})
    bare = w.admin("POST", "/admin/identities", json={"schema_id": "customer", "traits": {"username": "bare-of-addresses"}}).json()["id"]
    c.json("link without an address", "POST", f"{ADMIN}/admin/recovery/link", json_={"identity_id": bare})
    c.json("code without an address", "POST", f"{ADMIN}/admin/recovery/code", json_={"identity_id": bare})


@scenario("recovery-transitions")
def recovery_with_a_second_factor(w):
    import pyotp
    from checker import node
    email = w.uniq()
    c = w.client()
    c.register(email, how="spa")
    flow = c.json("", "GET", "/self-service/settings/browser", record=False).body
    secret = node(flow, "totp_secret_key")["text"]["text"]
    c.submit(flow, "spa", {"method": "totp", "totp_code": pyotp.TOTP(secret).now()}, "", record=False)
    for how in ("spa", "browser"):
        d = w.client()
        r, _ = recover(w, d, email, how, f"{how}: ")
        follow(d, r, f"{how}: settings")
        d.json(f"{how}: whoami", "GET", "/sessions/whoami")
        d.init("settings", how, f"{how}: new settings")
        w.sink.mail = []


@scenario("recovery-transitions")
def revoke_active_sessions_after_login(w):
    email = w.uniq()
    first = w.client().register(email)["session_token"]
    second = w.client().login(email)["session_token"]
    c = w.client()
    c.login(email, how="spa")
    c.json("first", "GET", "/sessions/whoami", cookies=False, headers={"X-Session-Token": first})
    c.json("second", "GET", "/sessions/whoami", cookies=False, headers={"X-Session-Token": second})
    c.json("this one", "GET", "/sessions/whoami")


@scenario("recovery-link-short")
def recovery_link_expired(w):
    for how in WAYS:
        email = w.uniq(how)
        w.client().register(email)
        c = w.client()
        flow = c.init("recovery", how)
        c.submit(flow, how, {"method": "link", "email": email}, f"{how}: send")
        link = w.link(email, "recovery_valid")
        time.sleep(1.2)
        follow(c, c.html(f"{how}: open", "GET", link), f"{how}: after that")
        flow = c.init("recovery", how, f"{how}: code is off")
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: by code")


@scenario("recovery-short")
def recovery_expired(w):
    expired(w, "recovery")
