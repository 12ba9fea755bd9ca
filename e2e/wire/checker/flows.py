"""Reads the forms that a flow holds."""

from typing import Any

Json = dict[str, Any]


def csrf(flow: Json) -> str:
    """The anti-CSRF token of a form, or an empty text where it has none."""
    return next((found["value"] for found in _attributes(flow) if found.get("name") == "csrf_token"), "")


def node(flow: Json, name: str) -> Json | None:
    """The attributes of the node with this name or id."""
    return next((found for found in _attributes(flow) if name in (found.get("name"), found.get("id"))), None)


def flatten(payload: Json, prefix: str = "") -> list[tuple[str, Any]]:
    """A payload as a form's pairs, with dots for what is nested: `traits.name.first`."""
    pairs: list[tuple[str, Any]] = []
    for name, value in payload.items():
        path = f"{prefix}.{name}" if prefix else name
        pairs += flatten(value, path) if isinstance(value, dict) else [(path, value)]
    return pairs


def _attributes(flow: Json) -> list[Json]:
    return [found["attributes"] for found in flow["ui"]["nodes"]]
