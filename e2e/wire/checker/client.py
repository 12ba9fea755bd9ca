"""What a scenario drives a server with: clients that keep what they are answered."""

import json
import re
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from checker import normal
from checker.addresses import ADMIN, PUBLIC
from checker.flows import Json, csrf, flatten
from checker.normal import Normaliser
from checker.sink import Sink

PASSWORD = "a-v3ry-g00d-Pass!"
TIMEOUT_S = 30
POLL_S = 0.02

USER_AGENT = "wirecheck"
"""What clients call themselves; recordings hold it in the devices of sessions."""

COMPARED_HEADERS = (
    "Content-Type", "Cache-Control", "Ory-Error-Id", "X-Kratos-Authenticated-Identity-Id", "X-Total-Count",
    "WWW-Authenticate", "Allow", "Link", "Retry-After", "Ory-Session-Cache-For", "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers",
    "Access-Control-Expose-Headers",
)  # fmt: skip
"""Headers that are compared as they are, beside `Location`, `Vary` and `Set-Cookie`. Placeholders are numbered in this
order, so it is part of the recordings' format."""

LOGOUT_OF_APPS = "/self-service/logout/api"
REDIRECTS = (302, 303, 307)


class Reply(requests.Response):
    """An answer, with its JSON read."""

    body: Any
    """`None` where the answer is not JSON, and a text that says so where it is broken."""


class Wire:
    """One scenario's view of the server. `log` holds what is recorded, in the order of the calls."""

    def __init__(self, name: str, sink: Sink) -> None:
        self.name = name
        self.sink = sink
        self.log: list[dict[str, Any]] = []
        self.normaliser = Normaliser()
        self.session = requests.Session()
        self.session.trust_env = False
        # Clients keep their cookies themselves.
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._addresses = 0

    def close(self) -> None:
        """Closes its connections."""
        self.session.close()

    def client(self) -> "Client":
        """A new client, without cookies."""
        return Client(self)

    def uniq(self, stem: str = "user") -> str:
        """An e-mail address that is this scenario's alone, and the same in every run."""
        self._addresses += 1
        return f"{stem}{self._addresses}.{self.name.replace('_', '-')}@example.org"

    def note(self, label: str, value: Any) -> None:
        """Records a value that is not an exchange, say what a web hook was sent."""
        self.log.append({"label": label, "value": self.normaliser.value(value)})

    def admin(self, method: str, path: str, **options: Any) -> requests.Response:
        """A request to the admin API that is not recorded."""
        return self.session.request(method, ADMIN + path, timeout=TIMEOUT_S, **options)

    def mail(self, to: str, template: str | None = None, wait: float = 8.0) -> Json:
        """The newest message to this recipient, of this template; waits this many seconds for it."""
        end = time.monotonic() + wait
        while True:
            for sent in reversed(self.sink.mail):
                body: Json = sent["body"]
                if body["recipient"] == to and template in (None, body["template_type"]):
                    return body
            if time.monotonic() > end:
                kind = f" of type {template}" if template else ""
                raise RuntimeError(f"there is no message{kind} to {to} after {wait:g} s")
            time.sleep(POLL_S)

    def forget(self, to: str, template: str | None = None) -> None:
        """Waits for a message and drops it, so that `mail` finds a later one."""
        gone = self.mail(to, template)
        self.sink.mail = [sent for sent in self.sink.mail if sent["body"] is not gone]

    def code(self, to: str, template: str | None = None) -> str:
        """The code of six digits in the newest message to this recipient."""
        return self._in_message(r"(?<!\d)\d{6}(?!\d)", to, template)

    def link(self, to: str, template: str | None = None) -> str:
        """The link in the newest message to this recipient."""
        return self._in_message(r"https?://[^\s\"<>]+token=[^\s\"<>]+", to, template).replace("&amp;", "&")

    def _in_message(self, pattern: str, to: str, template: str | None) -> str:
        text = self.mail(to, template)["body"]
        if found := re.search(pattern, text):
            return found[0]
        raise RuntimeError(f"the message to {to} does not have what was looked for: {text[:300]}")


class Client:
    """A browser or an app with cookies of its own. Those marked `Secure` go over plain HTTP too."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.cookies: dict[str, str] = {}

    def call(
        self,
        label: str,
        method: str,
        url: str,
        *,
        json_: Any = None,
        form: Any = None,
        data: Any = None,
        accept: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Any = None,
        record: bool = True,
        cookies: bool = True,
    ) -> Reply:
        """Sends a request, to the public API unless the URL names a host, and records the exchange under its label.

        The body is `json_` as JSON, `form` as a form, or `data` as it stands. Redirects are not followed.
        """
        url = url if url.startswith("http") else PUBLIC + url
        head = {"User-Agent": USER_AGENT, "Accept": accept or "*/*", **(headers or {})}
        if cookies and self.cookies:
            head.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if json_ is not None:
            data, head["Content-Type"] = json.dumps(json_), "application/json"
        if form is not None:
            data, head["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        answer = self.wire.session.request(
            method, url, headers=head, data=data, params=params, allow_redirects=False, timeout=TIMEOUT_S
        )
        reply = cast(Reply, answer)
        reply.body = _json(reply)
        set_cookies = reply.raw.headers.getlist("Set-Cookie")
        for set_cookie in set_cookies:
            self._keep(set_cookie)
        if record:
            self.wire.log.append(self._recorded(label, method, url, reply, set_cookies))
        return reply

    def json(self, label: str, method: str, url: str, **options: Any) -> Reply:
        """As `call`, from a client that wants JSON."""
        return self.call(label, method, url, accept="application/json", **options)

    def html(self, label: str, method: str, url: str, **options: Any) -> Reply:
        """As `call`, from a browser that wants a page."""
        return self.call(label, method, url, accept="text/html,application/xhtml+xml", **options)

    def init(self, kind: str, how: str, label: str | None = None, query: str = "", **options: Any) -> Any:
        """Opens a flow as an app (`api`), as a script in a browser (`spa`), or as a browser (`browser`).

        A browser is redirected and then fetches the form. Gives back the form, or `None` if the redirect names no flow.
        """
        label = label or f"{kind} init {how}"
        path = f"/self-service/{kind}"
        if how != "browser":
            return self.json(label, "GET", f"{path}/{'api' if how == 'api' else 'browser'}{query}", **options).body
        answer = self.html(label, "GET", f"{path}/browser{query}", **options)
        flows = parse_qs(urlsplit(answer.headers.get("Location", "")).query).get("flow")
        return self.json(f"{label} fetch", "GET", f"{path}/flows?id={flows[0]}", **options).body if flows else None

    def submit(self, flow: Json, how: str, payload: Json, label: str, **options: Any) -> Reply:
        """Sends a form where it says, with its anti-CSRF token unless an app sends it."""
        filled = dict(payload)
        if how != "api":
            filled.setdefault("csrf_token", csrf(flow))
        method, action = flow["ui"]["method"], flow["ui"]["action"]
        if how == "browser":
            return self.html(label, method, action, form=flatten(filled), **options)
        return self.json(label, method, action, json_=filled, **options)

    def register(self, email: str, password: str = PASSWORD, how: str = "api", traits: Json | None = None) -> Any:
        """Signs up with a password, without a record of it. Gives back the answer's JSON."""
        body = {"password": password, "traits": traits or {"email": email}}
        return self._send_unrecorded("registration", how, body, good=(200,))

    def login(self, email: str, password: str = PASSWORD, how: str = "api") -> Any:
        """Signs in with a password, without a record of it. Gives back the answer's JSON, also where a second factor is
        due (422)."""
        return self._send_unrecorded("login", how, {"password": password, "identifier": email}, good=(200, 422))

    def _send_unrecorded(self, kind: str, how: str, body: Json, good: tuple[int, ...]) -> Any:
        opener = "api" if how == "api" else "browser"
        flow = self.json("", "GET", f"/self-service/{kind}/{opener}", record=False).body
        token = {} if how == "api" else {"csrf_token": csrf(flow)}
        answer = self.json(
            "", "POST", flow["ui"]["action"], json_={"method": "password", **body, **token}, record=False
        )
        if answer.status_code not in good:
            raise RuntimeError(f"{kind} of {body} answers {answer.status_code}: {answer.text[:300]}")
        return answer.body

    def _keep(self, set_cookie: str) -> None:
        name, _, value = set_cookie.partition(";")[0].partition("=")
        if value and "max-age=0" not in set_cookie.lower():
            self.cookies[name] = value
        else:
            self.cookies.pop(name, None)

    def _recorded(self, label: str, method: str, url: str, reply: Reply, set_cookies: list[str]) -> dict[str, Any]:
        """The exchange with placeholders. Their numbers depend on the order: headers, then body, then request."""
        normaliser = self.wire.normaliser
        head: dict[str, Any] = {
            name: normaliser.text(reply.headers[name]) for name in COMPARED_HEADERS if name in reply.headers
        }
        if url.endswith(LOGOUT_OF_APPS):
            # The one header in which a server may differ: Kratos' documentation has it here, Kratos itself does not.
            head.pop("Cache-Control", None)
        if "Location" in reply.headers:
            head["Location"] = normaliser.url(reply.headers["Location"])
        if vary := {name.strip() for line in reply.raw.headers.getlist("Vary") for name in line.split(",")}:
            head["Vary"] = sorted(vary)
        if set_cookies:
            head["Set-Cookie"] = sorted(map(normal.cookie, set_cookies))
        if reply.body is not None:
            body = normaliser.value(reply.body)
        else:
            body = "<body>" if reply.content and reply.status_code not in REDIRECTS else None
        path = url.replace(PUBLIC, "").replace(ADMIN, "admin:")
        request = f"{method} {normaliser.text(path)}"
        return {"label": label, "request": request, "status": reply.status_code, "headers": head, "body": body}


def _json(reply: requests.Response) -> Any:
    if not reply.content or "json" not in reply.headers.get("Content-Type", ""):
        return None
    try:
        return json.loads(reply.content, object_pairs_hook=_object)
    except ValueError as error:
        return f"<invalid json: {error}>"


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose members all have different names, as clients in other languages need."""
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("duplicate key")
    return found
