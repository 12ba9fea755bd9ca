"""Replays recordings and counts: each exchange passes or fails, and so does whatever keeps one from being replayed."""

from collections.abc import Callable
from dataclasses import dataclass

from checker import accepted, recording, scenarios
from checker.accepted import Accepted, Rule, RuleError
from checker.difference import Difference, differences
from checker.recording import Exchange, Log, Recording
from checker.scenarios import Scenario
from checker.suite import NotStarted, Play, Suite

SHOWN_DIFFERENCES = 5
SHOWN_CHARACTERS = 300


@dataclass
class Report:
    """Tells what fails as it comes, and counts."""

    say: Callable[[str], None] = print
    verbose: bool = False
    identical: int = 0
    on_purpose: int = 0
    failed: int = 0

    @property
    def passed(self) -> int:
        """How many exchanges are identical, or different on purpose."""
        return self.identical + self.on_purpose

    def fail(self, sentence: str, count: int = 1) -> None:
        """Says what is wrong, which counts as this many failures."""
        self.failed += count
        self.say(sentence)

    def show(self, found: list[Difference]) -> None:
        """Says where an exchange differs: all of it where that is asked for."""
        shown = len(found) if self.verbose else SHOWN_DIFFERENCES
        for difference in found[:shown]:
            line = str(difference)
            is_cut = len(line) > SHOWN_CHARACTERS and not self.verbose
            self.say(f"    {line[:SHOWN_CHARACTERS]}{'…' if is_cut else ''}")
        if len(found) > shown:
            self.say(f"    and {len(found) - shown} more, which --verbose shows")

    def close(self) -> bool:
        """Says how many passed and failed; gives back whether all is well. If nothing was replayed, it is not."""
        if self.passed + self.failed == 0:
            self.fail("Nothing was replayed.")
        if self.on_purpose:
            self.say(f"{self.on_purpose} of the exchanges that passed are different on purpose.")
        self.say(f"{self.passed} passed, {self.failed} failed")
        return self.failed == 0


class Comparison:
    """The replay of some suites."""

    def __init__(
        self,
        play: Play,
        report: Report,
        accepted_differences: Accepted | None = None,
        chosen: Callable[[str], bool] = lambda _: True,
        is_whole: bool = True,
    ) -> None:
        """`chosen` tells whether a scenario of a name is to be replayed.

        `is_whole` says that the suites hold all scenarios that accepted differences may name.
        """
        self._play = play
        self._report = report
        self._accepted = accepted_differences or Accepted()
        self._chosen = chosen
        self._is_whole = is_whole
        self._scenarios: set[str] = set()
        self._replayed: set[str] = set()
        self._used: set[Rule] = set()
        self._needed: set[Rule] = set()

    def run(self, suites: list[Suite]) -> None:
        """Replays suites, and holds the accepted differences against what was found."""
        for problem in self._accepted.problems:
            self._report.fail(problem)
        for suite in suites:
            self._run_suite(suite)
        self._judge_rules()

    def _run_suite(self, suite: Suite) -> None:
        found = load(suite, self._report)
        if found is None:
            return
        self._scenarios.update(found)
        if not suite.recording.is_file():
            if any(map(self._chosen, found)):
                self._report.fail(
                    f"{suite.scenarios.name} has scenarios, but there is no recording {suite.recording.name} of them."
                )
            return
        try:
            recorded = recording.read(suite.recording)
        except ValueError as error:
            self._report.fail(f"{suite.recording.name} is not a recording: {error}")
            return
        for name in filter(self._chosen, sorted(recorded.keys() - found.keys())):
            self._report.fail(
                f"{suite.recording.name} holds the scenario {name}, which {suite.scenarios.name} does not have.",
                max(1, len(recorded[name])),
            )
        wanted: dict[str, Scenario] = {}
        for name in filter(self._chosen, found):
            if name in recorded:
                wanted[name] = found[name]
            else:
                self._report.fail(
                    f"{suite.recording.name} does not hold the scenario {name} of {suite.scenarios.name}."
                )
        if wanted:
            self._replay(suite, wanted, recorded)

    def _replay(self, suite: Suite, wanted: dict[str, Scenario], recorded: Recording) -> None:
        for outcome in self._play(suite, wanted):
            if isinstance(outcome, NotStarted):
                count = sum(len(recorded[name]) for name in outcome.scenarios)
                self._report.fail(
                    f"The server did not start with {outcome.profile}.yml, so {count} exchanges of "
                    f"{suite.recording.name} were not replayed: {outcome.why}",
                    max(1, count),
                )
                continue
            name, played = outcome
            self._replayed.add(name)
            if played.stopped is not None:
                self._report.fail(f"{name} stopped after {len(played.log)} exchanges: {played.stopped}")
            self._compare(name, recorded[name], recording.as_written(played.log))

    def _compare(self, scenario: str, recorded: Log, answered: Log) -> None:
        left = list(answered)
        for exchange in recorded:
            label = exchange["label"]
            answer = next((found for found in left if found["label"] == label), None)
            if answer is None:
                self._report.fail(f"{scenario} / {label} is recorded, but was not replayed.")
                continue
            left.remove(answer)
            self._judge(scenario, exchange, answer)
        for exchange in left:
            self._report.fail(f"{scenario} / {exchange['label']} was replayed, but is not recorded.")

    def _judge(self, scenario: str, recorded: Exchange, answer: Exchange) -> None:
        rules = self._accepted.of(scenario, recorded["label"])
        self._used.update(rules)
        wanted = recorded
        try:
            wanted = accepted.expected(recorded, rules)
        except RuleError as error:
            self._report.fail(f"{error}.")
            self._needed.update(rules)  # which of them are is not known before all of them fit
            rules = []
        if found := list(differences(wanted, answer)):
            self._needed.update(rules)  # nor before the rest of the exchange is right
            self._report.fail(f"{scenario} / {recorded['label']} differs:")
            self._report.show(found)
            return
        needed = [rule for rule in rules if _is_needed(rule, rules, recorded, answer)]
        self._needed.update(needed)
        if needed:
            self._report.on_purpose += 1
        else:
            self._report.identical += 1

    def _judge_rules(self) -> None:
        """Reports the lines that list no difference."""
        for rule in self._accepted.rules:
            if rule in self._used:
                if rule not in self._needed:
                    self._report.fail(f"{rule} is not needed any more: the answer is the same without this line.")
            elif rule.scenario in self._replayed:
                self._report.fail(f"{rule} names no exchange: that scenario has none of that label.")
            elif self._is_whole and rule.scenario not in self._scenarios:
                self._report.fail(f"{rule} names no exchange: there is no scenario of that name.")


def load(suite: Suite, report: Report) -> dict[str, Scenario] | None:
    """The scenarios of a suite, or `None` where there are none. A failure, but for a file that others import."""
    try:
        found = scenarios.load(suite.scenarios) if suite.scenarios.is_file() else {}
    except Exception as error:  # whatever a file raises as it is read
        report.fail(f"{suite.scenarios.name} cannot be read: {type(error).__name__}: {error}")
        return None
    if found:
        return found
    if suite.recording.is_file():
        report.fail(f"{suite.recording.name} is a recording of no scenarios: {suite.scenarios.name} has none.")
    elif not suite.scenarios.is_file():
        report.fail(f"There is no {suite.scenarios.name}.")
    return None


def _is_needed(rule: Rule, rules: list[Rule], recorded: Exchange, answer: Exchange) -> bool:
    """Whether an exchange that is right differs without this line."""
    others = [other for other in rules if other is not rule]
    try:
        return any(differences(accepted.expected(recorded, others), answer))
    except RuleError:
        return True  # the other lines count on this one
