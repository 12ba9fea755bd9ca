"""Differences on purpose, each a line of a file, with its reason above it.

    # Why this server answers otherwise.
    scenario / label : /json/pointer = value

`value` is what this server has in place of what is recorded, as JSON, or one of these words:

- `any`: recorded and answered, whatever the answer;
- `absent`: recorded, but not answered;
- `added`: answered, whatever it is, but not recorded.

Headers stand under `/headers/Name`, so `/headers/Retry-After = added` is a header that only this server sends. In a
list, `absent` takes an item out and `added` puts one in front of that place; later lines count in what has come of it.

A reason is the comment straight above a line, or above the lines in a row that it holds for; an empty line ends it. A
line without a reason, one that names nothing, and one without which the exchange is the same are failures: the file
lists what differs, and nothing else.
"""

import copy
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from checker.difference import Mark, unescaped
from checker.recording import Exchange

LINE = re.compile(r"(?P<scenario>\S+) / (?P<label>.+?) : (?P<pointer>/.*?) = (?P<value>.+)")


class RuleError(Exception):
    """What is wrong with a line, as a sentence without a full stop that says which line it is."""


class Kind(Enum):
    """What a line says of the value at its pointer."""

    VALUE = "value"
    ANY = "any"
    ABSENT = "absent"
    ADDED = "added"


@dataclass(frozen=True, eq=False)
class Rule:
    """One difference on purpose. Two lines are never the same one, even if they say the same."""

    where: str
    """The file and the line that it stands in."""
    scenario: str
    label: str
    pointer: str
    kind: Kind
    value: Any
    """What is answered, where the kind is `VALUE`."""
    reason: str

    def __str__(self) -> str:
        return f"{self.where}, {self.scenario} / {self.label} : {self.pointer},"


@dataclass(frozen=True)
class Accepted:
    """The lines of a file, and what is wrong with those that cannot be read."""

    rules: tuple[Rule, ...] = ()
    problems: tuple[str, ...] = ()

    def of(self, scenario: str, label: str) -> list[Rule]:
        """The lines of one exchange."""
        return [rule for rule in self.rules if (rule.scenario, rule.label) == (scenario, label)]


def read(path: Path) -> Accepted:
    """Reads a file. Errors are those of `open`."""
    return parse(path.read_text(encoding="utf-8"), path.name)


def parse(text: str, name: str) -> Accepted:
    """Reads the text of a file of this name."""
    rules: list[Rule] = []
    problems: list[str] = []
    reason: list[str] = []
    follows_a_line = False
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line:
            reason = []
        elif line.startswith("#"):
            if follows_a_line:
                reason = []
            reason.append(line.removeprefix("#").strip())
        else:
            try:
                rules.append(_rule(line, f"{name}:{number}", " ".join(reason).strip()))
            except RuleError as error:
                problems.append(f"{error}.")
        follows_a_line = bool(line) and not line.startswith("#")
    return Accepted(tuple(rules), tuple(problems))


def expected(recorded: Exchange, rules: Iterable[Rule]) -> Exchange:
    """What this server should answer, by what is recorded and by the lines of that exchange. Raises `RuleError` where a
    line does not go with the recording."""
    exchange = copy.deepcopy(recorded)
    for rule in rules:
        _apply(rule, exchange)
    return exchange


def _rule(line: str, where: str, reason: str) -> Rule:
    found = LINE.fullmatch(line)
    if found is None:
        raise RuleError(f"{where} is not of the form `scenario / label : /json/pointer = value`")
    if not reason:
        raise RuleError(f"{where} has no reason: say why in a comment straight above it")
    word = found["value"].strip()
    value = None
    if word in (Kind.ANY.value, Kind.ABSENT.value, Kind.ADDED.value):
        kind = Kind(word)
    else:
        kind = Kind.VALUE
        try:
            value = json.loads(word)
        except ValueError as error:
            raise RuleError(f"{where} ends in {word}, which is neither JSON nor any, absent or added") from error
    return Rule(where, found["scenario"], found["label"], found["pointer"], kind, value, reason)


def _apply(rule: Rule, exchange: Exchange) -> None:
    *path, last = (unescaped(step) for step in rule.pointer.removeprefix("/").split("/"))
    holder: Any = exchange
    for step in path:
        holder = _item(rule, holder, step)
    if isinstance(holder, list):
        _apply_to_list(rule, holder, _index(rule, holder, last, beyond=rule.kind is Kind.ADDED))
    elif isinstance(holder, dict):
        _apply_to_object(rule, holder, last)
    else:
        raise _names_nothing(rule)


def _apply_to_object(rule: Rule, holder: dict[str, Any], name: str) -> None:
    is_recorded = name in holder
    if rule.kind is Kind.VALUE:
        holder[name] = rule.value
    elif rule.kind is Kind.ADDED and is_recorded:
        raise RuleError(f"{rule} says added, but that is recorded")
    elif rule.kind is not Kind.ADDED and not is_recorded:
        raise _names_nothing(rule)
    elif rule.kind is Kind.ABSENT:
        del holder[name]
    else:
        holder[name] = Mark.ANY


def _apply_to_list(rule: Rule, holder: list[Any], index: int) -> None:
    match rule.kind:
        case Kind.VALUE:
            holder[index] = rule.value
        case Kind.ANY:
            holder[index] = Mark.ANY
        case Kind.ABSENT:
            del holder[index]
        case Kind.ADDED:
            holder.insert(index, Mark.ANY)


def _item(rule: Rule, holder: Any, step: str) -> Any:
    if isinstance(holder, list):
        return holder[_index(rule, holder, step)]
    if isinstance(holder, dict) and step in holder:
        return holder[step]
    raise _names_nothing(rule)


def _index(rule: Rule, holder: list[Any], step: str, beyond: bool = False) -> int:
    """The place that a step means; `beyond` if it may be just behind the last."""
    if not step.isdecimal() or int(step) >= len(holder) + beyond:
        raise _names_nothing(rule)
    return int(step)


def _names_nothing(rule: Rule) -> RuleError:
    return RuleError(f"{rule} names a place that the recording does not have")
