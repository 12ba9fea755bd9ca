"""Servers that start, those that do not, and what clients record of their answers."""

import socket
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from checker.client import Wire
from checker.recording import Log
from checker.scenarios import load, profile_of, scenario
from checker.server import Launch, Server, StartError
from checker.sink import Sink
from checker.suite import NotStarted, Played, Suite, player

HEALTHY = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Starting(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.profile = self.folder / "plain.yml"
        self.profile.write_text("schema: file://{here}/person.json\nurl: {sink}/mail\n")
        self.port = free_port()

    def assert_fails(self, launch: Launch, words: str) -> None:
        with self.assertRaises(StartError) as caught, Server(launch, self.profile):
            pass
        self.assertIn(words, str(caught.exception))

    def healthy(self) -> str:
        script = self.folder / "server.py"
        script.write_text(HEALTHY)
        return f"{sys.executable} {script} {self.port}"

    def test_runs_until_it_is_left(self) -> None:
        with Server(Launch(self.healthy(), ports=(self.port,)), self.profile):
            self.assertEqual(requests.get(f"http://127.0.0.1:{self.port}/", timeout=5).status_code, 200)
        with self.assertRaises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{self.port}/", timeout=5)

    def test_configuration_and_database_are_filled_in(self) -> None:
        copy = self.folder / "copy"
        show = f"sh -c 'cat {{config}} > {copy}; echo $DSN >> {copy}'"
        with Server(Launch(self.healthy(), migrate=show, ports=(self.port,)), self.profile):
            pass
        schema, url, dsn = copy.read_text().splitlines()
        self.assertEqual(schema, f"schema: file://{self.folder.resolve()}/person.json")
        self.assertEqual(url, "url: http://127.0.0.1:4461/mail")
        self.assertTrue(dsn.startswith("sqlite:///"), dsn)

    def test_a_server_that_ends_says_how_and_what_it_wrote(self) -> None:
        launch = Launch("sh -c 'echo bad configuration; exit 3'", ports=(self.port,))
        self.assert_fails(launch, "it ended with exit code 3; its log: bad configuration")

    def test_a_command_that_is_not_there(self) -> None:
        self.assert_fails(Launch("/nothing/there", ports=(self.port,)), "its command cannot be run")

    def test_a_migration_that_fails(self) -> None:
        launch = Launch(self.healthy(), migrate="sh -c 'echo no table; exit 1'", ports=(self.port,))
        self.assert_fails(launch, "the migration ended with exit code 1: no table")

    def test_a_database_that_cannot_be_emptied(self) -> None:
        launch = Launch(self.healthy(), reset="exit 2", ports=(self.port,))
        self.assert_fails(launch, "emptying the database ended with exit code 2")

    def test_a_port_that_is_taken(self) -> None:
        with socket.create_server(("127.0.0.1", self.port)):
            self.assert_fails(Launch(self.healthy(), ports=(self.port,)), f"port {self.port} is in use")

    def test_scenarios_are_told_that_their_server_did_not_start(self) -> None:
        marked = scenario("plain")(lambda _: None)
        suite = Suite(self.folder / "suite.py", self.folder / "suite.json", self.folder)
        for profile, words in [("plain", "exit code 3"), ("missing", "there is no")]:
            found = {"one": marked if profile == "plain" else scenario(profile)(lambda _: None)}
            (outcome,) = player(Launch("sh -c 'exit 3'", ports=(self.port,)), sink_port=0)(suite, found)
            assert isinstance(outcome, NotStarted), outcome
            self.assertEqual((outcome.profile, outcome.scenarios), (profile, ["one"]))
            self.assertIn(words, outcome.why)

    def test_what_a_scenario_raises_ends_it_and_no_other(self) -> None:
        def broken(wire: Wire) -> None:
            wire.note("before", 1)
            raise KeyError("ui")

        suite = Suite(self.folder / "suite.py", self.folder / "suite.json", self.folder)
        found = {"broken": scenario("plain")(broken), "whole": scenario("plain")(lambda wire: wire.note("all", 2))}
        outcomes = list(player(Launch(self.healthy(), ports=(self.port,)), sink_port=0)(suite, found))
        before: Log = [{"label": "before", "value": 1}]
        self.assertEqual(outcomes[0], ("broken", Played(before, "KeyError: 'ui'")))
        self.assertEqual(outcomes[1], ("whole", Played([{"label": "all", "value": 2}])))


class Loading(unittest.TestCase):
    def test_files_import_the_checker_by_both_names_and_what_is_beside_them(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "beside_the_suite.py").write_text("STEPS = 1\n")
            text = "import wirecheck, checker\nfrom beside_the_suite import STEPS\nassert wirecheck is checker\n"
            path = Path(folder, "suite.py")
            path.write_text(f"{text}@wirecheck.scenario('mfa')\ndef one(w): ...\ndef helper(w): ...\n")
            found = load(path)
        self.assertEqual({name: profile_of(function) for name, function in found.items()}, {"one": "mfa"})


class Calls(unittest.TestCase):
    """Against a server that answers with whatever a test has put into `answer`."""

    def setUp(self) -> None:
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        test = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None: ...

            def respond(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                test.requests.append((self.path, dict(self.headers), raw))
                status, headers, body = test.answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = respond

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.sink = Sink(port=0)
        self.addCleanup(self.sink.close)
        self.wire = Wire("sign_in", self.sink)
        self.addCleanup(self.wire.close)

    def test_an_exchange_is_kept_with_what_clients_match_on(self) -> None:
        headers = {
            "Content-Type": "application/json",
            "Date": "never",
            "Vary": "Origin, Cookie",
            "Set-Cookie": "session=abc; Path=/",
            "Location": "http://x/?b=1&a=2",
        }
        self.answer = (401, headers, b'{"error":{"message":"No."}}')
        reply = self.wire.client().json("whoami", "GET", f"{self.url}/whoami")
        self.assertEqual((reply.status_code, reply.body["error"]["message"]), (401, "No."))
        kept = {
            "label": "whoami",
            "request": f"GET {self.url}/whoami",
            "status": 401,
            "headers": {
                "Content-Type": "application/json",
                "Location": "http://x/?a=2&b=1",
                "Vary": ["Cookie", "Origin"],
                "Set-Cookie": ["session=<v>; Path=/"],
            },
            "body": {"error": {"message": "<text>"}},
        }
        self.assertEqual(self.wire.log, [kept])

    def test_bodies_that_are_not_json(self) -> None:
        client = self.wire.client()
        for headers, body, status, shown in [
            ({"Content-Type": "text/html"}, b"<p>", 200, "<body>"),
            ({"Content-Type": "text/html"}, b"<a>", 303, None),
            ({}, b"", 204, None),
            ({"Content-Type": "application/json"}, b'{"a":1,"a":2}', 200, "<invalid json: duplicate key>"),
        ]:
            self.answer = (status, headers, body)
            client.html("page", "GET", self.url)
            self.assertEqual(self.wire.log[-1]["body"], shown)

    def test_cookies_are_kept_by_each_client_until_they_end(self) -> None:
        one, other = self.wire.client(), self.wire.client()
        self.answer = (200, {"Set-Cookie": "session=abc; Secure"}, b"")
        one.call("sign in", "GET", self.url)
        self.answer = (200, {"Set-Cookie": "session=; Max-Age=0"}, b"")
        one.call("sign out", "GET", self.url)
        one.call("after", "GET", self.url)
        other.call("other", "GET", self.url)
        self.assertEqual([headers.get("Cookie") for _, headers, _ in self.requests], [None, "session=abc", None, None])

    def test_a_form_goes_out_as_its_client_sends_it(self) -> None:
        nodes = [{"attributes": {"name": "csrf_token", "value": "t0ken"}}]
        flow = {"ui": {"action": f"{self.url}/login", "method": "POST", "nodes": nodes}}
        client = self.wire.client()
        payload = {"traits": {"name": {"first": "F"}}}
        for how in ("api", "spa", "browser"):
            client.submit(flow, how, payload, how)
        sent = [(headers["Content-Type"], raw) for _, headers, raw in self.requests]
        self.assertEqual(sent, [
            ("application/json", b'{"traits": {"name": {"first": "F"}}}'),
            ("application/json", b'{"traits": {"name": {"first": "F"}}, "csrf_token": "t0ken"}'),
            ("application/x-www-form-urlencoded", b"traits.name.first=F&csrf_token=t0ken"),
        ])  # fmt: skip

    def test_addresses_are_a_scenarios_own(self) -> None:
        self.assertEqual(self.wire.uniq(), "user1.sign-in@example.org")
        self.assertEqual(self.wire.uniq("api"), "api2.sign-in@example.org")

    def test_messages_are_found_by_recipient_and_template(self) -> None:
        for template, text in [("code", "1234567, 111111"), ("code", "222222"), ("link", "http://x/?a=1&amp;token=t")]:
            self.sink.mail.append({"body": {"recipient": "me", "template_type": template, "body": text}})
        self.assertEqual(self.wire.code("me", "code"), "222222")
        self.assertEqual(self.wire.link("me"), "http://x/?a=1&token=t")
        self.wire.forget("me", "code")
        self.assertEqual(self.wire.code("me", "code"), "111111")
        with self.assertRaisesRegex(RuntimeError, "no message of type code to you"):
            self.wire.mail("you", "code", wait=0)
