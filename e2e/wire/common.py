"""What the scenarios beside this file share."""
import functools
import re
import time
from urllib.parse import parse_qs, urlsplit

import checker

PASS = "a-v3ry-g00d-Pass!"
NOBODY = "1f2f3f4f-0000-4000-8000-000000000000"
WAYS = ("api", "spa", "browser")


def scenario(profile="email-password"):
    """As in `checker`, but what is recorded does not depend on how fast the machine is, nor on whose script is used."""
    def wrap(fn):
        @functools.wraps(fn)
        def run(w):
            try:
                fn(w)
            finally:
                w.log[:] = [steady(exchange) for exchange in w.log]
        return checker.scenario(profile)(run)
    return wrap


def in_every_way(profile="email-password", ways=WAYS):
    """Makes a scenario for each kind of client: NAME_api, NAME_spa, NAME_browser."""
    def wrap(fn):
        for how in ways:
            fn.__globals__[f"{fn.__name__}_{how}"] = scenario(profile)(lambda w, how=how: fn(w, how))
        return fn
    return wrap


def steady(value):
    """Rounds times to five minutes and ages of cookies to ten; leaves the hash of `webauthn.js` out."""
    if isinstance(value, dict):
        return {k: "<hash>" if k == "integrity" else steady(v) for k, v in value.items()}
    if isinstance(value, list):
        return [steady(v) for v in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r"<now([+-]\d+)m>", lambda m: f"<now{minutes:+}m>" if (minutes := 5 * round(int(m[1]) / 5)) else "<now>", value)
    return re.sub(r"Max-Age=(\d{3,})", lambda m: f"Max-Age={600 * round(int(m[1]) / 600)}", value)


def kept(c, how, kind, flow, label, h=None):
    """The form as it is kept, which an answer to a browser leads to."""
    shown = c.json(label, "GET", f"/self-service/{kind}/flows?id={flow['id']}", headers=h, cookies=how != "api").body
    if how == "api":
        c.cookies.clear()  # apps have none, and are refused if they send one
    return shown


def header(who, how):
    """How a client proves who it is, besides cookies."""
    return {"X-Session-Token": who["session_token"]} if how == "api" else {}


def follow(c, r, label, **kw):
    """Fetch the flow that an answer leads to: by redirect, by `redirect_browser_to`, or by `use_flow_id`."""
    body = r.body if isinstance(r.body, dict) else {}
    url = r.headers.get("Location") or body.get("redirect_browser_to", "")
    kind = urlsplit(url).path.strip("/").split("/")[-1]
    flow = parse_qs(urlsplit(url).query).get("flow", parse_qs(urlsplit(url).query).get("id", [None]))[0]
    if kind == "error":
        return c.json(label, "GET", f"/self-service/errors?id={parse_qs(urlsplit(url).query)['id'][0]}", **kw).body
    if kind == "flows":
        body = c.json(label, "GET", url, **kw).body
        settled(c.wire.log[-1])
        return body
    if flow:
        body = c.json(label, "GET", f"/self-service/{kind}/flows?id={flow}", **kw).body
        settled(c.wire.log[-1])
        return body


def settled(exchange):
    """Takes out what differs from run to run and is not known to the checker: an end of time, and a code that a link filled in."""
    ui = exchange["body"].get("ui", {}) if isinstance(exchange["body"], dict) else {}
    for message in ui.get("messages", []):
        for name in ("privileged_session_expires_at_unix", "expired_at_unix"):
            message.get("context", {}).pop(name, None)
    for node in ui.get("nodes", []):
        if node["attributes"].get("name") == "code" and node["attributes"].get("value"):
            node["attributes"]["value"] = "<v>"


def expired(w, kind):
    """Sends a code after it is too old, and then to a flow that is too old, with lifespans of 1 and 8 seconds."""
    for how in WAYS:
        email = w.uniq(how)
        w.client().json("", "POST", f"{checker.ADMIN}/admin/identities", json_={"schema_id": "member", "traits": {"email": email}}, record=False)
        c = w.client()
        opened = time.time()
        flow = c.init(kind, how)
        c.submit(flow, how, {"method": "code", "email": email}, f"{how}: send")
        code = w.code(email, f"{kind}_code_valid")
        time.sleep(1.2)
        c.submit(flow, how, {"method": "code", "code": code}, f"{how}: expired code")
        time.sleep(max(0, opened + 8.5 - time.time()))
        c.json(f"{how}: fetch", "GET", f"/self-service/{kind}/flows?id={flow['id']}")
        follow(c, c.submit(flow, how, {"method": "code", "code": code}, f"{how}: expired flow"), f"{how}: after that")
