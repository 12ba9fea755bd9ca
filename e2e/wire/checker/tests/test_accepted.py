"""Differences on purpose: how lines are read, and what they allow."""

import unittest
from typing import Any

from checker import accepted
from checker.accepted import Kind, RuleError
from checker.difference import differences
from checker.recording import Exchange

RECORDED: Exchange = {
    "label": "whoami",
    "status": 200,
    "headers": {"Content-Type": "application/json", "Retry-After": "5"},
    "body": {"list": ["a", "b"], "a/b": 1, "hash": "abc"},
}


def answer(headers: dict[str, Any] | None = None, **body: Any) -> Exchange:
    """The recorded exchange with other headers or members; those that are `None` are left out."""

    def changed(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**before, **changes}.items() if value is not None}

    return {
        **RECORDED,
        "headers": changed(RECORDED["headers"], headers or {}),
        "body": changed(RECORDED["body"], body),
    }


def allows(line: str, exchange: Exchange) -> bool:
    """Whether the recording and one line, `/pointer = value`, allow an answer."""
    listed = accepted.parse(f"# reason\nsign_in / whoami : {line}", "list")
    assert not listed.problems, listed.problems
    return not any(differences(accepted.expected(RECORDED, listed.rules), exchange))


class Reading(unittest.TestCase):
    def test_a_line_has_a_place_a_value_and_a_reason(self) -> None:
        text = '# Head of the file.\n\n# Our own\n# script.\none / a / b : c : /body/x = "1 = 1"\n'
        (rule,) = accepted.parse(text, "list").rules
        self.assertEqual((rule.scenario, rule.label, rule.pointer), ("one", "a / b : c", "/body/x"))
        self.assertEqual((rule.kind, rule.value, rule.reason), (Kind.VALUE, "1 = 1", "Our own script."))
        self.assertEqual(rule.where, "list:5")

    def test_words_are_not_json(self) -> None:
        text = "# why\n" + "".join(f"s / l : /body = {word}\n" for word in ("any", "absent", "added", '"any"', "null"))
        kinds = [rule.kind for rule in accepted.parse(text, "list").rules]
        self.assertEqual(kinds, [Kind.ANY, Kind.ABSENT, Kind.ADDED, Kind.VALUE, Kind.VALUE])

    def test_a_line_without_a_reason_is_a_problem(self) -> None:
        for text in ("s / l : /body = any", "# Head.\n\ns / l : /body = any", "#\ns / l : /body = any"):
            listed = accepted.parse(text, "list")
            self.assertEqual(listed.rules, ())
            self.assertIn("has no reason", listed.problems[0])

    def test_a_reason_holds_for_lines_in_a_row(self) -> None:
        text = "# one\ns / a : /x = 1\ns / b : /x = 1\n# two\ns / c : /x = 1\n\ns / d : /x = 1"
        listed = accepted.parse(text, "list")
        self.assertEqual([rule.reason for rule in listed.rules], ["one", "one", "two"])
        self.assertEqual(len(listed.problems), 1)

    def test_what_cannot_be_read_is_a_problem(self) -> None:
        for line in ("nonsense", "s / l : body = 1", "s / l : /body = anything"):
            self.assertEqual(len(accepted.parse(f"# why\n{line}", "list").problems), 1, line)


class Values(unittest.TestCase):
    def test_another_value(self) -> None:
        self.assertTrue(allows('/body/hash = "def"', answer(hash="def")))
        self.assertFalse(allows('/body/hash = "def"', answer(hash="abc")))
        self.assertFalse(allows('/body/hash = "def"', answer(hash="def", list=[])))

    def test_any_value(self) -> None:
        self.assertTrue(allows("/body/hash = any", answer(hash="def")))
        self.assertTrue(allows("/body/hash = any", answer(hash={"more": 1})))
        self.assertTrue(allows("/body/list/1 = any", answer(list=["a", 7])))
        self.assertFalse(allows("/body/hash = any", answer(hash=None)))
        self.assertFalse(allows("/body/list/1 = any", answer(list=["z", 7])))

    def test_a_header_that_is_absent(self) -> None:
        self.assertTrue(allows("/headers/Retry-After = absent", answer(headers={"Retry-After": None})))
        self.assertFalse(allows("/headers/Retry-After = absent", answer()))

    def test_a_header_that_is_only_in_ours(self) -> None:
        self.assertTrue(allows("/headers/Allow = added", answer(headers={"Allow": "GET"})))
        self.assertFalse(allows("/headers/Allow = added", answer()))
        self.assertTrue(allows('/headers/Allow = "GET"', answer(headers={"Allow": "GET"})))
        self.assertFalse(allows('/headers/Allow = "GET"', answer(headers={"Allow": "PUT"})))

    def test_items_of_lists(self) -> None:
        self.assertTrue(allows("/body/list/0 = absent", answer(list=["b"])))
        self.assertTrue(allows("/body/list/2 = added", answer(list=["a", "b", "c"])))
        self.assertTrue(allows("/body/list/0 = added", answer(list=["z", "a", "b"])))
        self.assertFalse(allows("/body/list/0 = added", answer(list=["a", "z", "b"])))

    def test_pointers_escape_slashes(self) -> None:
        changed = {**RECORDED, "body": {**RECORDED["body"], "a/b": 2}}
        self.assertTrue(allows("/body/a~1b = 2", changed))

    def test_the_recording_itself_stays_as_it_is(self) -> None:
        allows("/body/list/0 = absent", answer())
        self.assertEqual(RECORDED["body"]["list"], ["a", "b"])

    def test_places_that_are_not_recorded(self) -> None:
        for line in (
            "/body/nothing = any", "/headers/Allow = absent", "/body/list/2 = any", "/body/list/3 = added",
            "/body/list/x = any", "/body/none/deep = 1", "/status/deep = 1", "/headers/Retry-After = added",
        ):  # fmt: skip
            with self.assertRaises(RuleError, msg=line):
                allows(line, answer())


class Differences(unittest.TestCase):
    def test_say_where(self) -> None:
        found = differences(RECORDED, answer(hash=None, list=["a", "c"], new=True))
        self.assertEqual(
            [str(difference) for difference in found],
            [
                '/body/hash: recorded "abc", answered nothing',
                '/body/list/1: recorded "b", answered "c"',
                "/body/new: recorded nothing, answered true",
            ],
        )

    def test_kinds_of_values_are_told_apart(self) -> None:
        for one, other in [(1, True), (0, False), (1, 1.0), ("1", 1), (None, False), ([], {}), ([1], [1, 1])]:
            self.assertTrue(any(differences(one, other)), (one, other))
            self.assertTrue(any(differences(other, one)), (one, other))
        self.assertFalse(any(differences({"a": [1, None]}, {"a": [1, None]})))
