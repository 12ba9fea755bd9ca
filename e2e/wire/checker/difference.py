"""Compares JSON values, and says at which JSON pointers (RFC 6901) they differ."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Mark(Enum):
    """Stands in for a value."""

    ANY = "any value"
    """In what is expected: whatever is there is right."""
    NOTHING = "nothing"
    """In a difference: one side has no value."""


@dataclass(frozen=True)
class Difference:
    """A place, what was recorded there, and what was answered."""

    pointer: str
    recorded: Any
    answered: Any

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: recorded {_shown(self.recorded)}, answered {_shown(self.answered)}"


def differences(recorded: Any, answered: Any, pointer: str = "") -> Iterator[Difference]:
    """All places in which two JSON values differ. Numbers are the same if they are written the same: 1 is not 1.0."""
    if recorded is Mark.ANY and answered is not Mark.NOTHING:
        return
    if isinstance(recorded, dict) and isinstance(answered, dict):
        for name in sorted(recorded.keys() | answered.keys()):
            ours, theirs = answered.get(name, Mark.NOTHING), recorded.get(name, Mark.NOTHING)
            yield from differences(theirs, ours, f"{pointer}/{escaped(name)}")
    elif isinstance(recorded, list) and isinstance(answered, list) and len(recorded) == len(answered):
        for index, (theirs, ours) in enumerate(zip(recorded, answered, strict=True)):
            yield from differences(theirs, ours, f"{pointer}/{index}")
    elif type(recorded) is not type(answered) or recorded != answered:
        yield Difference(pointer, recorded, answered)


def escaped(name: str) -> str:
    """A member's name as a step of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def unescaped(step: str) -> str:
    """The name of the member that a step of a pointer means."""
    return step.replace("~1", "/").replace("~0", "~")


def _shown(value: Any) -> str:
    if isinstance(value, Mark):
        return value.value
    # Inside of a list there may be a mark, which JSON does not know.
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=lambda mark: f"<{mark.value}>")
