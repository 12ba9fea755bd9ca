"""Verification by code and by link. Run by check.py; `verification.json` holds what Kratos v26.2 answers."""
import time

from checker import ADMIN, scenario
from common import NOBODY, PASS, WAYS, expired, follow


@scenario("recovery-link-short")
def verification_link_expired(w):
    for how in WAYS:
        email = w.uniq(how)
        w.client().register(email)
        link = w.link(email, "verification_valid")
        time.sleep(1.2)
        c = w.client()
        follow(c, c.html(f"{how}: open", "GET", link), f"{how}: after that")


@scenario("recovery-transitions")
def verification_after_registration(w):
    for how in WAYS:
        c = w.client()
        email = w.uniq(how)
        flow = c.init("registration", how, query="?return_to=http://127.0.0.1:4455/mine&after_verification_return_to=http://127.0.0.1:4455/then")
        r = c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": email}}, f"{how}: sign up")
        link = w.mail(email, "verification_code_valid")["template_data"]["verification_url"]
        r = c.html(f"{how}: open the mail's link", "GET", link)
        flow = follow(c, r, f"{how}: the form")
        r = c.submit(flow, "spa", {"method": "code", "code": w.code(email, "verification_code_valid")}, f"{how}: right code")
        c.json(f"{how}: flow afterwards", "GET", f"/self-service/verification/flows?id={flow['id']}")
        follow(c, c.submit(flow, "spa", {"method": "code", "code": w.code(email, "verification_code_valid")}, f"{how}: used twice"), f"{how}: after that")


@scenario("recovery-transitions")
def verification_code_too_often(w):
    for how in WAYS:
        email = w.uniq(how)
        c = w.client()
        c.register(email)
        w.forget(email, "verification_code_valid")
        flow = c.init("verification", how)
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: send")
        for i in range(6):
            r = c.submit(flow, how, {"method": "code", "code": f"00000{i}"}, f"{how}: wrong {i}")
        body = r.body if isinstance(r.body, dict) else {}
        follow(c, r, f"{how}: after that")
        if use := body.get("use_flow_id") or body.get("error", {}).get("details", {}).get("use_flow_id"):
            c.json(f"{how}: the new flow", "GET", f"/self-service/verification/flows?id={use}")


@scenario("recovery-transitions")
def verification_resend(w):
    for how in WAYS:
        email = w.uniq(how)
        w.client().register(email)
        first = w.code(email, "verification_code_valid")
        w.forget(email, "verification_code_valid")
        c = w.client()
        flow = c.init("verification", how)
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: send")
        c.submit(flow, how, {"method": "code", "code": first}, f"{how}: another flow's code")
        second = w.code(email, "verification_code_valid")
        w.forget(email, "verification_code_valid")
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: resend")
        c.submit(flow, how, {"method": "code", "code": second}, f"{how}: earlier code")
        c.submit(flow, how, {"method": "code", "code": w.code(email, "verification_code_valid")}, f"{how}: newest code")


def verify_by_link(w):
    for how in WAYS:
        email = w.uniq(how)
        c = w.client()
        c.register(email)
        c = w.client()
        flow = c.init("verification", how, query="?return_to=http://127.0.0.1:4455/mine")
        c.submit(flow, how, {"method": "link", "email": "nope"}, f"{how}: bad address")
        w.sink.mail = []
        c.submit(flow, how, {"method": "link", "email": email}, f"{how}: send")
        c.json(f"{how}: flow then", "GET", f"/self-service/verification/flows?id={flow['id']}")
        link = w.link(email, "verification_valid")
        follow(c, c.html(f"{how}: wrong token", "GET", link.split("token=")[0] + "token=wrong"), f"{how}: after the wrong token")
        c.json(f"{how}: wrong token, json", "GET", link.split("token=")[0] + "token=wrong")
        follow(c, c.html(f"{how}: open", "GET", link), f"{how}: done")
        follow(c, c.html(f"{how}: open again", "GET", link), f"{how}: after that")
        c.submit(flow, how, {"method": "link", "email": email}, f"{how}: send when done")


@scenario("recovery-link")
def verification_link_as_json(w):
    email = w.uniq()
    w.client().register(email)
    c = w.client()
    follow(c, c.json("open", "GET", w.link(email, "verification_valid")), "done")


@scenario("recovery-transitions")
def verification_malformed(w):
    c = w.client()
    flow = c.init("verification", "api")
    url = flow["ui"]["action"]
    c.json("no flow", "POST", "/self-service/verification", json_={"method": "code"})
    c.html("no flow, html", "POST", "/self-service/verification", form={"method": "code"})
    c.json("unknown flow", "POST", f"/self-service/verification?flow={NOBODY}", json_={"method": "code"})
    c.json("malformed flow", "POST", "/self-service/verification?flow=nope", json_={"method": "code"})
    c.json("invalid json", "POST", url, data="{", headers={"Content-Type": "application/json"})
    c.json("wrong types", "POST", url, json_={"method": "code", "email": 5})
    c.json("code is a number", "POST", url, json_={"method": "code", "code": 123456})
    c.json("plain text", "POST", url, data="x", headers={"Content-Type": "text/plain"})
    c.json("origin", "POST", url, json_={"method": "code", "email": "a@example.org"}, headers={"Origin": "http://x"})
    c.json("cookie", "POST", url, json_={"method": "code", "email": "a@example.org"}, headers={"Cookie": "a=b"})
    c.json("fetch without id", "GET", "/self-service/verification/flows")
    c.json("fetch malformed", "GET", "/self-service/verification/flows?id=nope")
    c.json("fetch unknown", "GET", f"/self-service/verification/flows?id={NOBODY}")
    c.json("put", "PUT", url, json_={})
    c.html("get", "GET", url)
    c.html("get with a code", "GET", url + "&code=123456")
    c.html("get without flow", "GET", "/self-service/verification?code=123456")
    c.html("get unknown flow", "GET", f"/self-service/verification?flow={NOBODY}&code=123456")
    c.html("get with a token", "GET", url + "&token=nope")
    c.call("post without accept", "POST", url, json_={"method": "code", "email": "a@example.org"})
    c.json("return_to elsewhere", "GET", "/self-service/verification/api?return_to=https://evil.example.org")
    c.html("return_to elsewhere, html", "GET", "/self-service/verification/browser?return_to=https://evil.example.org")
    spa = c.init("verification", "spa")
    c.json("no csrf token", "POST", spa["ui"]["action"], json_={"method": "code", "email": "a@example.org"})
    w.client().json("another visitor", "GET", f"/self-service/verification/flows?id={spa['id']}")


@scenario("recovery-transitions")
def verification_code_input(w):
    for how in WAYS:
        email = w.uniq(how)
        c = w.client()
        c.register(email)
        for label, payload in [("nothing", {}), ("method alone", {"method": "code"}), ("empty address", {"method": "code", "email": ""}),
                               ("bad address", {"method": "code", "email": "nope"}), ("unknown method", {"method": "magic", "email": email}),
                               ("no method", {"email": email}), ("code before sending", {"method": "code", "code": "123456"}),
                               ("send", {"method": "code", "email": f" {email.upper()} "}), ("empty code", {"method": "code", "code": ""}),
                               ("code alone", {"code": "123456"}), ("both", {"method": "code", "email": email, "code": "123456"}),
                               ("by link", {"method": "link", "email": email}), ("resend", {"method": "code", "email": email})]:
            flow = c.json("", "GET", f"/self-service/verification/{'api' if how == 'api' else 'browser'}", record=False).body
            if "code" in payload and label != "code before sending":
                c.submit(flow, how, {"method": "code", "email": email}, "", record=False)
            c.submit(flow, how, payload, f"{how}: {label}")
            (c if how != "api" else w.client()).json(f"{how}: flow after {label}", "GET", f"/self-service/verification/flows?id={flow['id']}")
            if how == "api":
                c.submit(flow, how, {"method": "code", "email": email}, f"{how}: asks after {label}")


@scenario("recovery-short")
def verification_expired(w):
    expired(w, "verification")


@scenario("recovery-verified")
def verification_after_settings(w):
    for how in WAYS:
        email, changed = w.uniq(how), w.uniq(f"new-{how}")
        made = w.admin("POST", "/admin/identities", json={"schema_id": "member", "traits": {"email": email}, "credentials": {"password": {"config": {"password": PASS}}},
                       "verifiable_addresses": [{"value": email, "via": "email", "verified": True, "status": "completed"}]}).json()
        c = w.client()
        token = c.login(email, how=how).get("session_token")
        auth = {"X-Session-Token": token} if token else {}
        other = w.client().login(email)["session_token"]
        flow = c.init("settings", how, headers=auth)
        r = c.submit(flow, how, {"method": "profile", "traits": {"email": changed}}, f"{how}: new address", headers=auth)
        follow(c, r, f"{how}: after that", headers=auth)
        w.client().json(f"{how}: other session", "GET", "/sessions/whoami", headers={"X-Session-Token": other})
        w.client().json(f"{how}: identity", "GET", f"{ADMIN}/admin/identities/{made['id']}")
