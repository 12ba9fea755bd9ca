"""What the server under test calls."""

import base64
import hashlib
import json
import unittest
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from checker.provider import Answer, Provider
from checker.sink import Sink

ISSUER = "http://127.0.0.1:4461/oidc"
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
BASIC = "Basic " + base64.b64encode(b"app:secret").decode()


class WebHooks(unittest.TestCase):
    def setUp(self) -> None:
        self.sink = Sink(port=0)
        self.addCleanup(self.sink.close)
        self.url = f"http://127.0.0.1:{self.sink.port}"

    def test_are_taken_once_and_each_by_its_path(self) -> None:
        requests.post(f"{self.url}/login?a=1", json={"id": 1}, headers={"Authorization": "k3y"}, timeout=5)
        requests.put(f"{self.url}/settings", data=b"no json", timeout=5)
        login = {"method": "POST", "path": "/login", "auth": "k3y", "body": {"id": 1}}
        self.assertEqual(self.sink.take("/login"), [login])
        self.assertEqual(self.sink.take("/login", wait=0), [])
        settings = {"method": "PUT", "path": "/settings", "auth": None, "body": "no json"}
        self.assertEqual(self.sink.take("/settings"), [settings])

    def test_are_answered_as_the_scenario_says(self) -> None:
        self.sink.answers["/login"] = (403, {"messages": []})
        refused = requests.post(f"{self.url}/login", timeout=5)
        self.assertEqual((refused.status_code, refused.json()), (403, {"messages": []}))
        self.assertEqual(requests.post(f"{self.url}/other", timeout=5).json(), {})

    def test_mail_is_apart_from_them(self) -> None:
        requests.post(f"{self.url}/mail", json={"recipient": "me"}, timeout=5)
        self.assertEqual((self.sink.mail, self.sink.hooks), ([{"body": {"recipient": "me"}}], []))


class OpenIdProvider(unittest.TestCase):
    def setUp(self) -> None:
        self.provider = Provider(ISSUER)

    def code(self, **asked: str) -> str:
        """The code of an authorization request that is as it should be, but for what is given here."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": "app", "response_type": "code", "scope": "openid email", "redirect_uri": "http://x/back",
            "state": "s", "nonce": "n", "code_challenge": challenge, **asked,
        }  # fmt: skip
        answer = self.provider.answer("/auth", urlencode(query), None, b"", {"sub": "alice", "email": None})
        assert answer.location is not None, answer
        back = parse_qs(urlsplit(answer.location).query)
        self.assertEqual((answer.status, back["state"]), (302, ["s"]))
        return back["code"][0]

    def token(self, code: str, authorization: str | None = BASIC, **asked: str) -> Answer:
        form = {"code": code, "redirect_uri": "http://x/back", "code_verifier": VERIFIER, **asked}
        return self.provider.answer("/token", "", authorization, urlencode(form).encode(), {})

    def test_a_code_becomes_a_token_that_the_published_key_has_signed(self) -> None:
        token = self.token(self.code()).body["id_token"]
        head, payload, signature = token.split(".")
        claims = _decoded(payload)
        self.assertEqual((claims["iss"], claims["sub"], claims["aud"], claims["nonce"]), (ISSUER, "alice", "app", "n"))
        self.assertNotIn("email", claims)
        (key,) = self.provider.answer("/jwks", "", None, b"", {}).body["keys"]
        public = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
        public.verify(_raw(signature), f"{head}.{payload}".encode(), padding.PKCS1v15(), SHA256())

    def test_a_code_is_good_once(self) -> None:
        code = self.code()
        self.assertEqual([self.token(code).status, self.token(code).status], [200, 400])

    def test_codes_differ_also_after_one_was_used(self) -> None:
        first, second = self.code(), self.code()
        self.token(first)
        self.assertNotIn(self.code(), (first, second))

    def test_a_client_proves_who_it_is_and_that_it_asked(self) -> None:
        self.assertEqual(self.token(self.code(), None).status, 400)
        self.assertEqual(self.token(self.code(), None, client_id="app", client_secret="secret").status, 200)
        self.assertEqual(self.token(self.code(), code_verifier="another").status, 400)
        self.assertEqual(self.token(self.code(), redirect_uri="http://y/back").status, 400)

    def test_a_request_without_what_the_standard_asks_for_is_refused(self) -> None:
        for query in (
            "client_id=app&response_type=code&scope=email",
            "client_id=other&response_type=code&scope=openid",
        ):
            self.assertEqual(self.provider.answer("/auth", query, None, b"", {}).status, 400)


def _decoded(part: str) -> Any:
    return json.loads(_raw(part))


def _raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _number(part: str) -> int:
    return int.from_bytes(_raw(part), "big")
