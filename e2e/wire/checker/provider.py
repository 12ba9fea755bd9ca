"""A small OpenID provider (OpenID Connect Core 1.0, code flow with PKCE) that signs everybody in without asking."""

import base64
import hashlib
import itertools
import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT_ID, CLIENT_SECRET = "app", "secret"
KEY_ID = "k1"
LIFETIME_S = 3600


@dataclass(frozen=True)
class Answer:
    """What to answer to a request."""

    status: int
    body: Any
    location: str | None = None


@dataclass(frozen=True)
class Grant:
    """What a code stands for: who signed in, and what the authorization request asked."""

    claims: dict[str, Any]
    request: dict[str, str]


class Provider:
    """The provider's endpoints below its issuer, with one client whose id and secret stand above."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._grants: dict[str, Grant] = {}
        self._codes = (f"code{number}" for number in itertools.count())

    def answer(self, path: str, query: str, authorization: str | None, raw: bytes, claims: dict[str, Any]) -> Answer:
        """Answers a request to a path below the issuer, with its `Authorization`; who signs in has these `claims`."""
        match path:
            case "/.well-known/openid-configuration":
                return Answer(200, self._discovery())
            case "/auth":
                return self._authorize(_first_values(query), claims)
            case "/token":
                return self._token(_first_values(raw.decode()), authorization)
            case "/jwks":
                return Answer(200, {"keys": [self._public_key()]})
            case "/userinfo":
                return Answer(200, claims)
        return Answer(404, {})

    def sign(self, claims: dict[str, Any]) -> str:
        """A JSON Web Token with these claims (RFC 7519), signed by RS256."""
        head = {"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{_base64url(self._key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def _public_key(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        modulus, exponent = (
            _base64url(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (numbers.n, numbers.e)
        )
        return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY_ID, "n": modulus, "e": exponent}

    def _discovery(self) -> dict[str, Any]:
        endpoints = {
            "authorization_endpoint": "auth",
            "token_endpoint": "token",
            "jwks_uri": "jwks",
            "userinfo_endpoint": "userinfo",
            "end_session_endpoint": "logout",
        }
        return {
            "issuer": self._issuer,
            **{name: f"{self._issuer}/{path}" for name, path in endpoints.items()},
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _authorize(self, request: dict[str, str], claims: dict[str, Any]) -> Answer:
        asks_for_a_code = request.get("response_type") == "code" and "openid" in request.get("scope", "").split()
        if request.get("client_id") != CLIENT_ID or not asks_for_a_code:
            return Answer(400, {"error": "invalid_request"})
        code = next(self._codes)
        self._grants[code] = Grant({**claims, "nonce": request.get("nonce"), "aud": CLIENT_ID}, request)
        back = urlencode({"code": code, "state": request["state"]})
        return Answer(302, None, location=f"{request['redirect_uri']}?{back}")

    def _token(self, request: dict[str, str], authorization: str | None) -> Answer:
        grant = self._grants.pop(request.get("code", ""), None)
        if grant is None or not _is_the_client(request, authorization) or not _goes_with(request, grant.request):
            return Answer(400, {"error": "invalid_grant"})
        now = int(time.time())
        claims = {name: value for name, value in grant.claims.items() if value is not None}
        token = self.sign({"iss": self._issuer, "iat": now, "exp": now + LIFETIME_S, **claims})
        return Answer(200, {
            "access_token": "at",
            "refresh_token": "rt",
            "token_type": "bearer",
            "expires_in": LIFETIME_S,
            "scope": "openid",
            "id_token": token,
        })  # fmt: skip


def _is_the_client(request: dict[str, str], authorization: str | None) -> bool:
    """Whether the client proves who it is, by the header or in the form (RFC 6749 §2.3.1)."""
    basic = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    return authorization == basic or (request.get("client_id"), request.get("client_secret")) == (
        CLIENT_ID,
        CLIENT_SECRET,
    )


def _goes_with(request: dict[str, str], authorization_request: dict[str, str]) -> bool:
    """Whether a token request belongs to this authorization request: its address, and its proof (RFC 7636 §4.6)."""
    proof = _base64url(hashlib.sha256(request.get("code_verifier", "").encode()).digest())
    same_address = request.get("redirect_uri") == authorization_request.get("redirect_uri")
    return same_address and authorization_request.get("code_challenge", proof) == proof


def _first_values(query: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in parse_qsl(query):
        values.setdefault(name, value)
    return values


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
