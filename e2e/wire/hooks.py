"""Web hooks: what they are sent, and what comes of their answers. Run by check.py; `hooks.json` holds what Kratos v26.2 answers."""
from urllib.parse import parse_qs, urlsplit

from checker import ADMIN
from common import PASS, WAYS, follow, scenario

SENT = ("Accept", "Content-Type", "Origin", "Referer", "X-Mine")


def seen(w, path, label=None, wait=3.0):
    """Notes the requests that reached the hook, without what differs from run to run."""
    def steady(hook):
        body = hook["body"]
        if isinstance(body, dict) and "request_cookies" in body:
            body = {**body, "request_cookies": sorted(body["request_cookies"]),
                    "request_headers": {k: v for k, v in body["request_headers"].items() if k in SENT}}
            url = urlsplit(body.get("request_url") or "")
            body["request_url"] = f"{url.scheme}://{url.netloc}{url.path}?{'&'.join(sorted(parse_qs(url.query)))}"
        return {**hook, "body": body}
    w.note(label or path, [steady(h) for h in w.sink.take(path, wait)])


# ------------------------------------------------------------------ what they are sent
@scenario("hooks-context")
def hooks_registration_context(w):
    for how in WAYS:
        c = w.client()
        flow = c.init("registration", how)
        seen(w, "/registration-before", f"{how}: before")
        c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": w.uniq(how)}}, f"{how}: sign up")
        seen(w, "/registration-password", f"{how}: after")
        seen(w, "/registration-after", f"{how}: after any", 0.3)


@scenario("hooks-context")
def hooks_recovery_and_verification_context(w):
    for how in WAYS:
        email = w.uniq(how)
        w.client().register(email)
        w.forget(email, "verification_code_valid")
        c = w.client()
        flow = c.init("verification", how)
        seen(w, "/verification-before", f"{how}: before verification")
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: send")
        c.submit(flow, how, {"method": "code", "code": w.code(email, "verification_code_valid")}, f"{how}: verify")
        seen(w, "/verification-after", f"{how}: after verification")
        flow = c.init("recovery", how)
        seen(w, "/recovery-before", f"{how}: before recovery")
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: ask")
        c.submit(flow, how, {"method": "code", "code": w.code(email, "recovery_code_valid")}, f"{how}: recover")
        seen(w, "/recovery-after", f"{how}: after recovery")


# ------------------------------------------------------------------ what they may answer
SAYS_NO = (400, {"messages": [{"instance_ptr": "#/traits/email", "messages": [{"id": 123, "text": "no", "type": "error", "context": {"v": 1}}]}]})
ANSWERS = [("says no", SAYS_NO),
           ("says no to a form", (403, {"messages": [{"instance_ptr": "#/", "messages": [{"id": 1, "text": "a", "type": "validation"}, {"id": 2, "text": "b", "type": "error"}]}]})),
           ("says no to an unknown field", (422, {"messages": [{"instance_ptr": "#/traits/nope", "messages": [{"id": 1, "text": "a", "type": "error"}]}]})),
           ("says no without messages", (400, {"messages": []})),
           ("says no with an empty body", (400, None)),
           ("says no with other JSON", (400, {"error": "x"})),
           ("says no with a list", (400, [1])),
           ("says no with wrong types", (400, {"messages": "x"})),
           ("is not found", (404, {})),
           ("redirects", (302, {})),
           ("fails", (500, {})),
           ("says nothing", (204, None)),
           ("says yes with other JSON", (200, {"x": 1}))]


def answers(w, hook, submit, hows=WAYS):
    for how in hows:
        for label, answer in ANSWERS if how == "api" else ANSWERS[:2]:
            w.sink.answers = {hook: answer}
            submit(how, f"{how}: {label}")
    w.sink.answers = {}


def sign_up(w):
    def submit(how, label):
        c = w.client()
        flow = c.json("", "GET", f"/self-service/registration/{'api' if how == 'api' else 'browser'}", record=False).body
        r = c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": w.uniq(how)}}, label)
        follow(c, r, f"{label}, then")
    return submit


@scenario("hooks-interrupt")
def hook_answers_registration_parse(w):
    answers(w, "/registration-parse", sign_up(w))


@scenario("hooks-interrupt")
def hook_answers_registration_interrupt(w):
    answers(w, "/registration-password", sign_up(w))


def sign_in(w):
    email = w.uniq()
    w.client().register(email)

    def submit(how, label):
        c = w.client()
        flow = c.json("", "GET", f"/self-service/login/{'api' if how == 'api' else 'browser'}", record=False).body
        follow(c, c.submit(flow, how, {"method": "password", "password": PASS, "identifier": email}, label), f"{label}, then")
    return submit


@scenario("hooks-interrupt")
def hook_answers_login_interrupt(w):
    answers(w, "/login-password", sign_in(w))


def change(w, payload):
    def submit(how, label):
        c = w.client()
        email = w.uniq(how)
        who = c.register(email, how=how)
        auth = {"X-Session-Token": who["session_token"]} if how == "api" else {}
        flow = c.json("", "GET", f"/self-service/settings/{'api' if how == 'api' else 'browser'}", record=False, headers=auth).body
        c.submit(flow, how, payload(email), label, headers=auth)
        c.json(f"{label}, then", "GET", f"/self-service/settings/flows?id={flow['id']}", headers=auth)
    return submit


@scenario("hooks-interrupt")
def hook_answers_settings_parse(w):
    answers(w, "/settings-profile", change(w, lambda email: {"method": "profile", "traits": {"email": email, "name": "Later"}}))


@scenario("hooks-interrupt")
def hook_answers_after_verification(w):
    for how in WAYS:
        for label, answer in ANSWERS[:2]:
            email = w.uniq(how)
            w.client().register(email)
            w.forget(email, "verification_code_valid")
            c = w.client()
            flow = c.json("", "GET", f"/self-service/verification/{'api' if how == 'api' else 'browser'}", record=False).body
            c.submit(flow, how, {"method": "code", "email": email}, "", record=False)
            code = w.code(email, "verification_code_valid")
            w.sink.answers = {"/verification-after": answer}
            c.submit(flow, how, {"method": "code", "code": code}, f"{how}: {label}")
            w.sink.answers = {}


@scenario("hooks-interrupt")
def hook_changes_an_identity(w):
    changes = [("traits", {"traits": {"email": "changed@example.org", "name": "Hooked"}}),
               ("metadata", {"metadata_public": {"p": 1}, "metadata_admin": {"a": 1}}), ("null metadata", {"metadata_public": None}),
               ("state", {"state": "inactive"}), ("id", {"id": "1f2f3f4f-0000-4000-8000-000000000000"}),
               ("external id", {"external_id": "ext"}),
               ("verified address", {"verifiable_addresses": [{"value": "{email}", "via": "email", "verified": True, "status": "completed"}]}),
               ("recovery address", {"recovery_addresses": [{"value": "{email}", "via": "email"}]}),
               ("an unknown key", {"nope": 1}), ("null", None), ("nothing", {})]
    for label, identity in changes:
        email = w.uniq()
        text = lambda v: {k: text(x) for k, x in v.items()} if isinstance(v, dict) else [text(x) for x in v] if isinstance(v, list) else v.replace("{email}", email).replace("changed@", email.split("@")[0] + ".changed@") if isinstance(v, str) else v
        w.sink.answers = {"/registration-parse": (200, {"identity": text(identity)})}
        c = w.client()
        flow = c.json("", "GET", "/self-service/registration/api", record=False).body
        r = c.submit(flow, "api", {"method": "password", "password": PASS, "traits": {"email": email}}, f"sign up: {label}")
        if r.status_code == 200:
            c.json(f"stored: {label}", "GET", f"{ADMIN}/admin/identities/{r.body['identity']['id']}")
    for label, identity in changes:
        if label == "state":  # here Kratos forgets when the state was changed
            continue
        w.sink.answers = {}
        email = w.uniq()
        c = w.client()
        who = c.register(email)
        auth = {"X-Session-Token": who["session_token"]}
        flow = c.json("", "GET", "/self-service/settings/api", record=False, headers=auth).body
        text = lambda v: {k: text(x) for k, x in v.items()} if isinstance(v, dict) else [text(x) for x in v] if isinstance(v, list) else v.replace("{email}", email).replace("changed@", email.split("@")[0] + ".changed@") if isinstance(v, str) else v
        w.sink.answers = {"/settings-profile": (200, {"identity": text(identity)})}
        c.submit(flow, "api", {"method": "profile", "traits": {"email": email, "name": "Later"}}, f"settings: {label}", headers=auth)
        c.json(f"stored by settings: {label}", "GET", f"{ADMIN}/admin/identities/{who['identity']['id']}")
