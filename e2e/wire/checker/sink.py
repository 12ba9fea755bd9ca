"""What the server under test calls: web hooks, the courier's HTTP channel, and an OpenID provider."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from checker.addresses import SINK, SINK_PORT
from checker.provider import Answer, Provider

POLL_S = 0.02


class Sink:
    """Keeps what it is sent, and answers as a scenario says.

    `mail` holds what the courier sent, as `{"body": …}`; `hooks` the requests to web hooks. `answers` gives a status
    and a body for the path of a hook, where it is not 200 and `{}`. `claims` are those of the person at the provider.
    """

    def __init__(self, port: int = SINK_PORT) -> None:
        self.mail: list[dict[str, Any]] = []
        self.hooks: list[dict[str, Any]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.claims: dict[str, Any] = {"sub": "sub-1", "email": "oidc@example.org"}
        self._provider = Provider(f"{SINK}/oidc")
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.port: int = self._server.server_address[1]
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": POLL_S}, daemon=True).start()

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, wait: float = 3.0) -> list[dict[str, Any]]:
        """The requests that reached a hook since they were last taken; waits this many seconds for the first."""
        end = time.monotonic() + wait
        while not any(hook["path"] == path for hook in self.hooks) and time.monotonic() < end:
            time.sleep(POLL_S)
        taken = [hook for hook in self.hooks if hook["path"] == path]
        self.hooks = [hook for hook in self.hooks if hook["path"] != path]
        return taken

    def sign(self, claims: dict[str, Any]) -> str:
        """An ID token of the provider with these claims."""
        return self._provider.sign(claims)

    def answer(self, request: BaseHTTPRequestHandler, raw: bytes) -> Answer:
        """Keeps a request, and says what to answer."""
        url = urlsplit(request.path)
        authorization = request.headers.get("Authorization")
        if url.path.startswith("/oidc"):
            return self._provider.answer(url.path.removeprefix("/oidc"), url.query, authorization, raw, self.claims)
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw.decode(errors="replace")
        if url.path == "/mail":
            self.mail.append({"body": body})
            return Answer(200, {})
        self.hooks.append({"method": request.command, "path": url.path, "auth": authorization, "body": body})
        return Answer(*self.answers.get(url.path, (200, {})))


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Says nothing: requests are told by the scenario that wants to know of them."""

        def respond(self) -> None:
            answer = sink.answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            raw = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            if answer.location is not None:
                self.send_header("Location", answer.location)
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond

    return Handler
