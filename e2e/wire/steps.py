"""Steps that scenarios share."""
import time
from urllib.parse import parse_qs, urlsplit

from wirecheck import ADMIN


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
        steady(c.wire.log[-1])
        return body
    if flow:
        body = c.json(label, "GET", f"/self-service/{kind}/flows?id={flow}", **kw).body
        steady(c.wire.log[-1])
        return body


def steady(exchange):
    """Takes out what differs from run to run and is not known to wirecheck.py: an end of time, and a code that a link filled in."""
    ui = exchange["body"].get("ui", {}) if isinstance(exchange["body"], dict) else {}
    for message in ui.get("messages", []):
        for name in ("privileged_session_expires_at_unix", "expired_at_unix"):
            message.get("context", {}).pop(name, None)
    for node in ui.get("nodes", []):
        if node["attributes"].get("name") == "code" and node["attributes"].get("value"):
            node["attributes"]["value"] = "<v>"


def expired(w, kind):
    """Sends a code after it is too old, and then to a flow that is too old, with lifespans of 1 and 8 seconds."""
    for how in ("api", "spa", "browser"):
        email = w.uniq(how)
        w.client().json("", "POST", f"{ADMIN}/admin/identities", json_={"schema_id": "member", "traits": {"email": email}}, record=False)
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
