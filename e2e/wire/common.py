"""What the scenarios beside this file share."""
import functools
import re

import wirecheck

PASS = "a-v3ry-g00d-Pass!"
NOBODY = "1f2f3f4f-0000-4000-8000-000000000000"
WAYS = ("api", "spa", "browser")


def scenario(profile="email-password"):
    """As in `wirecheck`, but what is recorded does not depend on how fast the machine is, nor on whose script is used."""
    def wrap(fn):
        @functools.wraps(fn)
        def run(w):
            try:
                fn(w)
            finally:
                w.log[:] = [steady(exchange) for exchange in w.log]
        return wirecheck.scenario(profile)(run)
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
