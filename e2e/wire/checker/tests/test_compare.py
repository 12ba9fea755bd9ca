"""Comparing whole suites: what passes, what fails, and what is said of it."""

import contextlib
import io
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path

from checker import accepted, recording
from checker.cli import main, record, suites_of
from checker.compare import Comparison, Report
from checker.recording import Log, Recording
from checker.scenarios import Scenario
from checker.suite import NotStarted, Play, Played, Suite

SCENARIOS = """
from checker import scenario

@scenario("plain")
def first(w): ...

@scenario("other")
def second(w): ...
"""


def exchange(label: str, status: int = 200) -> dict[str, object]:
    return {"label": label, "request": "GET /", "status": status, "headers": {}, "body": None}


RECORDED: Recording = {"first": [exchange("a"), exchange("b")], "second": [exchange("c")]}


def answering(logs: Recording, stopped: str | None = None) -> Play:
    """Plays without a server: every scenario has the log that it is given here."""

    def play(_: Suite, scenarios: dict[str, Scenario]) -> Iterator[tuple[str, Played]]:
        for name in scenarios:
            yield name, Played(logs[name], stopped)

    return play


class InAFolder(unittest.TestCase):
    """A folder of suites of its own, and what a comparison of them says."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.said: list[str] = []
        self.report = Report(say=self.said.append)

    def write(self, scenarios: str | None = SCENARIOS, recorded: Recording | None = RECORDED) -> None:
        if scenarios is not None:
            (self.folder / "suite.py").write_text(scenarios)
        if recorded is not None:
            (self.folder / "suite.json").write_text(recording.render(recorded))

    def compare(self, play: Play, rules: str = "", only: str = "", is_whole: bool = True) -> tuple[int, int]:
        """Compares what is in the folder; gives back how many passed and failed."""
        listed = accepted.parse(rules, "list")
        comparison = Comparison(play, self.report, listed, lambda name: name.startswith(only), is_whole)
        comparison.run(suites_of(self.folder, []))
        is_well = self.report.close()
        self.assertEqual(is_well, self.report.failed == 0)
        self.assertEqual(self.said[-1], f"{self.report.passed} passed, {self.report.failed} failed")
        return self.report.passed, self.report.failed

    def assert_said(self, words: str) -> None:
        self.assertTrue(any(words in sentence for sentence in self.said), self.said)


class Comparing(InAFolder):
    def with_first(self, log: Log) -> Play:
        return answering({**RECORDED, "first": log})

    def test_the_same_answers_pass(self) -> None:
        self.write()
        self.assertEqual(self.compare(answering(RECORDED)), (3, 0))
        self.assertEqual(self.said, ["3 passed, 0 failed"])

    def test_another_answer_fails_and_says_where(self) -> None:
        self.write()
        self.assertEqual(self.compare(self.with_first([exchange("a"), exchange("b", 500)])), (2, 1))
        self.assertEqual(self.said[:2], ["first / b differs:", "    /status: recorded 200, answered 500"])

    def test_an_exchange_that_is_recorded_but_not_replayed_fails(self) -> None:
        self.write()
        self.assertEqual(self.compare(self.with_first([exchange("a")])), (2, 1))
        self.assert_said("first / b is recorded, but was not replayed.")

    def test_an_exchange_that_is_replayed_but_not_recorded_fails(self) -> None:
        self.write()
        self.assertEqual(self.compare(self.with_first([*RECORDED["first"], exchange("new")])), (3, 1))
        self.assert_said("first / new was replayed, but is not recorded.")

    def test_exchanges_of_one_label_are_compared_in_their_order(self) -> None:
        twice = [exchange("a"), exchange("a", 401)]
        self.write(recorded={**RECORDED, "first": twice})
        self.assertEqual(self.compare(self.with_first(twice)), (3, 0))

    def test_a_scenario_that_stops_fails(self) -> None:
        self.write()
        self.assertEqual(self.compare(answering(RECORDED, "KeyError: 'ui'"), only="second"), (1, 1))
        self.assert_said("second stopped after 1 exchanges: KeyError: 'ui'")

    def test_a_server_that_does_not_start_fails_each_exchange(self) -> None:
        self.write()

        def broken(_: Suite, scenarios: dict[str, Scenario]) -> Iterator[NotStarted]:
            yield NotStarted("plain", list(scenarios), "it ended with exit code 3")

        self.assertEqual(self.compare(broken), (0, 3))
        self.assert_said("The server did not start with plain.yml, so 3 exchanges of suite.json were not replayed")
        self.assert_said("exit code 3")

    def test_a_missing_recording_fails(self) -> None:
        self.write(recorded=None)
        self.assertEqual(self.compare(answering(RECORDED)), (0, 1))
        self.assert_said("suite.py has scenarios, but there is no recording suite.json")

    def test_a_recording_without_scenarios_fails(self) -> None:
        for scenarios in (None, "HELPER = 1"):
            with self.subTest(scenarios):
                self.report = Report(say=self.said.append)
                self.write(scenarios)
                self.assertEqual(self.compare(answering(RECORDED)), (0, 1))
                self.assert_said("suite.json is a recording of no scenarios")

    def test_a_scenario_that_is_not_recorded_fails(self) -> None:
        self.write(recorded={"first": RECORDED["first"]})
        self.assertEqual(self.compare(answering(RECORDED)), (2, 1))
        self.assert_said("suite.json does not hold the scenario second of suite.py.")

    def test_a_recorded_scenario_that_is_gone_fails_each_exchange(self) -> None:
        self.write(recorded={**RECORDED, "third": RECORDED["first"]})
        self.assertEqual(self.compare(answering(RECORDED)), (3, 2))
        self.assert_said("suite.json holds the scenario third, which suite.py does not have.")

    def test_files_that_cannot_be_read_fail(self) -> None:
        self.write("import nothing_of_that_name")
        self.assertEqual(self.compare(answering(RECORDED)), (0, 1))
        self.assert_said("suite.py cannot be read: ModuleNotFoundError")
        self.report = Report(say=self.said.append)
        self.write()
        (self.folder / "suite.json").write_text("{")
        self.assertEqual(self.compare(answering(RECORDED)), (0, 1))
        self.assert_said("suite.json is not a recording")

    def test_a_name_without_a_file_fails(self) -> None:
        self.write()
        Comparison(answering(RECORDED), self.report).run(suites_of(self.folder, ["suite", "other"]))
        self.assertEqual((self.report.passed, self.report.failed), (3, 1))
        self.assert_said("There is no other.py.")

    def test_files_that_scenarios_share_are_no_suites(self) -> None:
        self.write()
        (self.folder / "common.py").write_text("HELPER = 1\n")
        self.assertEqual(self.compare(answering(RECORDED)), (3, 0))

    def test_nothing_to_replay_fails(self) -> None:
        self.assertEqual(self.compare(answering(RECORDED)), (0, 1))
        self.assert_said("Nothing was replayed.")

    def test_only_some_scenarios(self) -> None:
        self.write()
        self.assertEqual(self.compare(answering({"second": RECORDED["second"]}), only="sec"), (1, 0))

    def test_an_accepted_difference_passes(self) -> None:
        self.write()
        play = self.with_first([exchange("a"), exchange("b", 500)])
        self.assertEqual(self.compare(play, "# why\nfirst / b : /status = any"), (3, 0))
        self.assert_said("1 of the exchanges that passed are different on purpose.")

    def test_an_accepted_difference_is_no_cover_for_another(self) -> None:
        self.write()
        play = self.with_first([exchange("a"), {**exchange("b", 500), "body": 1}])
        self.assertEqual(self.compare(play, "# why\nfirst / b : /status = any"), (2, 1))
        self.assertEqual(self.said[:2], ["first / b differs:", "    /body: recorded null, answered 1"])

    def test_a_difference_that_is_gone_must_not_stay_listed(self) -> None:
        for value in ("any", "200"):
            with self.subTest(value):
                self.report = Report(say=self.said.append)
                self.write()
                self.assertEqual(self.compare(answering(RECORDED), f"# why\nfirst / b : /status = {value}"), (3, 1))
                self.assert_said("list:2, first / b : /status, is not needed any more")

    def test_lines_that_name_nothing_fail(self) -> None:
        for place, words in [
            ("first / z : /status", "that scenario has none of that label"),
            ("third / a : /status", "there is no scenario of that name"),
            ("first / a : /headers/Allow", "names a place that the recording does not have"),
        ]:
            with self.subTest(place):
                self.report = Report(say=self.said.append)
                self.write()
                self.assertEqual(self.compare(answering(RECORDED), f"# why\n{place} = any"), (3, 1))
                self.assert_said(words)

    def test_lines_of_what_is_not_replayed_are_not_judged(self) -> None:
        self.write()
        self.assertEqual(self.compare(answering(RECORDED), "# why\nfirst / a : /status = any", only="second"), (1, 0))
        self.report = Report(say=self.said.append)
        self.assertEqual(self.compare(answering(RECORDED), "# why\nthird / a : /status = any", is_whole=False), (3, 0))

    def test_a_line_without_a_reason_fails(self) -> None:
        self.write()
        self.assertEqual(self.compare(answering(RECORDED), "first / b : /status = any"), (3, 1))
        self.assert_said("list:1 has no reason")


class RecordingAnew(InAFolder):
    def read(self) -> Recording:
        return recording.read(self.folder / "suite.json")

    def test_what_is_recorded_compares_as_the_same(self) -> None:
        self.write(recorded=None)
        self.assertEqual(record(suites_of(self.folder, []), answering(RECORDED), self.report, []), 0)
        self.assertEqual(self.read(), RECORDED)
        self.report = Report(say=self.said.append)
        self.assertEqual(self.compare(answering(RECORDED)), (3, 0))

    def test_an_exchange_is_a_line(self) -> None:
        self.write()
        lines = (self.folder / "suite.json").read_text().splitlines()
        self.assertEqual((len(lines), lines[:2]), (9, ["{", '"first": [']))

    def test_one_scenario_is_recorded_anew_in_its_place(self) -> None:
        self.write(recorded={"second": RECORDED["second"], "gone": [], "first": RECORDED["first"]})
        anew = {"second": [exchange("c", 404)]}
        self.assertEqual(record(suites_of(self.folder, []), answering(anew), self.report, ["second"]), 0)
        self.assertEqual(list(self.read().items()), [("second", anew["second"]), ("first", RECORDED["first"])])

    def test_a_scenario_that_stops_leaves_the_recording_as_it_was(self) -> None:
        self.write()
        play = answering({"first": [], "second": []}, "RuntimeError: no")
        self.assertEqual(record(suites_of(self.folder, []), play, self.report, []), 1)
        self.assertEqual(self.read(), RECORDED)
        self.assert_said("suite.json is left as it was.")


class CommandLine(InAFolder):
    def test_compare_ends_with_the_count_and_with_a_failure(self) -> None:
        self.write()
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = main(["compare", "--cmd", "false", "--scenarios", str(self.folder / "suite.py")])
        self.assertEqual((code, said.getvalue().splitlines()[-1]), (1, "0 passed, 3 failed"))

    def test_a_list_of_differences_that_is_named_has_to_be_there(self) -> None:
        said = io.StringIO()
        with self.assertRaises(SystemExit) as caught, contextlib.redirect_stderr(said):
            main(["compare", "--cmd", "false", "--accept", str(self.folder / "nothing.txt")])
        self.assertNotEqual(caught.exception.code, 0)
        self.assertIn("there is no file", said.getvalue())
