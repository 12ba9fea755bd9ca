"""Puts placeholders where an answer differs from run to run, so that two runs can be compared.

What is compared is what clients match on. Random values become placeholders that are numbered in the order of their
first appearance in a scenario: where a recording says `<uuid3>` twice, a replay has to name one thing twice as well.
Times become their distance from now in minutes. Sentences for people become `<text>`, since each server has its own.
"""

import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

SENTENCES = frozenset({"text", "reason", "message", "debug", "hint", "subject", "body", "reject_reason"})
"""Members that hold wording."""

RANDOM = frozenset({
    "added_at_unix", "build_hash", "challenge", "code", "created_at_unix", "csrf_token", "expires_at_unix",
    "issued_at_unix", "nonce", "recovery_code", "secret", "session_token_exchange_code", "since", "totp_secret_url",
    "valid_until_unix",
})  # fmt: skip
"""Members whose value differs each time, and is told by nothing in its shape."""

LABEL_OF_A_TRAIT = 1070002
"""The message whose text is the title of a trait: it comes from the identity schema, so it is compared."""

A_CHOICE = "recovery_select_address"
"""The field whose values stand for addresses that are not shown: which one stands for which is the server's own."""

A_LIFETIME_S = 40 * 365 * 24 * 3600
"""Times farther away than this stand for never, and are kept."""

MOMENT_S = 25
"""Times nearer than this are now."""

A_TIME = re.compile(r"(?P<local>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)")
A_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
A_TOKEN = re.compile(r"(?P<kind>ory_(?:st|lo|ac|at|rt))_[A-Za-z0-9]+")
A_DIGEST = re.compile(r"[0-9a-f]{64}")
A_PSEUDONYM = re.compile(r"[A-Za-z0-9+/]{43}=")
A_LOCAL_ADDRESS = re.compile(r"^127\.0\.0\.1:\d+$")
PASSWORD_HASHES = (re.compile(r"^(\$2[aby]\$\d\d\$).*"), re.compile(r"^(\$argon2id?\$v=19\$[^$]*\$).*"))
RANDOM_PARAMETERS = re.compile(
    r"([?&](?:code|state|nonce|page_token|code_challenge|login_challenge|init_code|return_to_code)=)[^&>]+"
)
A_TOKEN_PARAMETER = re.compile(r"([?&]token=)(?!<ory)[^&>]+")
CHALLENGE_IN_JSON = re.compile(r'"(id|challenge)":"[A-Za-z0-9_-]{16,}"')


class Normaliser:
    """Replaces what is random or a time. Each scenario has one of its own, since it remembers what it has numbered."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._numbers: dict[str, dict[str, int]] = {}

    def value(self, value: Any, member: str = "") -> Any:
        """A JSON value with placeholders. `member` is the name that it, or the list that it is in, stands under."""
        match value:
            case dict():
                return self._object(value)
            case list() if member == "secrets":
                return f"<{len(value)} secrets>"
            case list():
                return [self.value(item, member) for item in value]
            case str():
                return self._member(value, member)
            case bool() | None:
                return value
            case int() | float() if member in RANDOM and member != "code":
                return "<n>"  # a status `code` is a number, and is compared
        return value

    def text(self, text: str) -> str:
        """A text outside of JSON, such as a header."""
        if text.startswith("data:image/"):
            return text.partition(",")[0] + ",<image>"
        if text.startswith("window."):
            return text.partition("(")[0] + "(…)"  # a script, which is the server's own
        if A_DIGEST.fullmatch(text):
            return self._numbered("hex", text)
        for hash_ in PASSWORD_HASHES:
            text = hash_.sub(r"\1<hash>", text)
        text = A_TIME.sub(self._time, text)
        text = A_UUID.sub(lambda found: self._numbered("uuid", found[0]), text)
        text = A_TOKEN.sub(lambda found: self._numbered(found["kind"], found[0]), text)
        text = RANDOM_PARAMETERS.sub(r"\1<v>", text)
        text = A_TOKEN_PARAMETER.sub(r"\1<v>", text)
        return A_LOCAL_ADDRESS.sub("<addr>", text)

    def url(self, url: str) -> str:
        """A URL, its parameters sorted, since their order means nothing."""
        base, question_mark, query = url.partition("?")
        query, hash_sign, fragment = query.partition("#")
        return self.text(base + question_mark + "&".join(sorted(query.split("&"))) + hash_sign + fragment)

    def _object(self, members: dict[str, Any]) -> dict[str, Any]:
        found = dict(members)
        if found.get("name") == "csrf_token" and found.get("value"):
            found["value"] = "<csrf>"
        if found.get("name") == A_CHOICE and A_PSEUDONYM.fullmatch(str(found.get("value"))):
            found["value"] = "<choice>"  # each form may have one of its own for an address
        kept = {"text"} if found.get("id") == LABEL_OF_A_TRAIT else set()
        # Sorted, so that numbers do not depend on the order in which a server writes its members.
        return {name: found[name] if name in kept else self.value(found[name], name) for name in sorted(found)}

    def _member(self, text: str, member: str) -> str | dict[str, Any]:
        if text and member in SENTENCES:
            return "<text>"
        if text and member == "docs":
            return "<url>"
        if text and member in RANDOM:
            return "<v>"
        if text.startswith("{"):  # options for a security key are JSON in a text
            try:
                inner = json.loads(CHALLENGE_IN_JSON.sub(r'"\1":"<v>"', text))
            except ValueError:
                return self.text(text)
            return {"<json>": self.value(inner)}
        return self.text(text)

    def _numbered(self, kind: str, value: str) -> str:
        known = self._numbers.setdefault(kind, {})
        return f"<{kind}{known.setdefault(value, len(known) + 1)}>"

    def _time(self, found: re.Match[str]) -> str:
        zone = "" if found["zone"] == "Z" else found["zone"]
        away = datetime.fromisoformat(found["local"] + (zone or "+00:00")).timestamp() - self._now()
        if abs(away) > A_LIFETIME_S:
            return found[0]
        minutes = f"{round(away / 60):+}m" if abs(away) > MOMENT_S else ""
        return f"<now{minutes}{zone}>"


def cookie(set_cookie: str) -> str:
    """Name and attributes of a `Set-Cookie` header; its value only as there or not, or as taken away."""
    pair, *attributes = (part.strip() for part in set_cookie.split(";"))
    name, _, value = pair.partition("=")
    ends = any(attribute.lower() == "max-age=0" for attribute in attributes)
    shown = "<gone>" if ends else "<v>" if value else ""
    return f"{name}={shown}; " + "; ".join(sorted(map(_cookie_attribute, attributes)))


def _cookie_attribute(attribute: str) -> str:
    name, _, value = attribute.partition("=")
    match name.lower():
        case "expires" if "=" in attribute:
            return "Expires=<time>"
        case "max-age" if value.isdecimal() and int(value) % 60 >= 55:
            # A few seconds went by since the whole minute that the cookie was meant to last.
            return f"Max-Age={int(value) // 60 * 60 + 60}"
    return attribute
