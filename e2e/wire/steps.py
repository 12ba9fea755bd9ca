"""Steps that scenarios share."""
from urllib.parse import parse_qs, urlsplit


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
