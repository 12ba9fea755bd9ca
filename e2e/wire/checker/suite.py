"""Files of scenarios with their recordings, and what runs them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from checker.addresses import SINK_PORT
from checker.client import Wire
from checker.recording import Log
from checker.scenarios import Scenario, profile_of
from checker.server import Launch, Server, StartError
from checker.sink import Sink


@dataclass(frozen=True)
class Suite:
    """A file of scenarios, its recording, and the folder of the configurations that it names."""

    scenarios: Path
    recording: Path
    profiles: Path


@dataclass(frozen=True)
class Played:
    """What came of one scenario."""

    log: Log
    stopped: str | None = None
    """Why it did not come to its end."""


@dataclass(frozen=True)
class NotStarted:
    """Scenarios that were not played, since their server did not start."""

    profile: str
    scenarios: list[str]
    why: str


Play = Callable[[Suite, dict[str, Scenario]], Iterator[tuple[str, Played] | NotStarted]]
"""Plays scenarios, and gives back what came of each."""


def player(launch: Launch, sink_port: int = SINK_PORT) -> Play:
    """Plays scenarios on a server that is started anew, on an empty database, for each configuration."""

    def play(suite: Suite, scenarios: dict[str, Scenario]) -> Iterator[tuple[str, Played] | NotStarted]:
        by_profile: dict[str, list[str]] = {}
        for name, scenario in scenarios.items():
            by_profile.setdefault(profile_of(scenario), []).append(name)
        try:
            sink = Sink(sink_port)
        except OSError as error:
            why = f"what it calls cannot listen: {error}"
            yield from (NotStarted(profile, names, why) for profile, names in by_profile.items())
            return
        try:
            for profile, names in by_profile.items():
                yield from _on_one_server(launch, suite, profile, {name: scenarios[name] for name in names}, sink)
        finally:
            sink.close()

    return play


def _on_one_server(
    launch: Launch, suite: Suite, profile: str, scenarios: dict[str, Scenario], sink: Sink
) -> Iterator[tuple[str, Played] | NotStarted]:
    config = suite.profiles / f"{profile}.yml"
    if not config.is_file():
        yield NotStarted(profile, list(scenarios), f"there is no {config}")
        return
    played: list[tuple[str, Played]] = []
    try:
        with Server(launch, config):
            for name, scenario in scenarios.items():
                played.append((name, _played(name, scenario, sink)))
    except StartError as error:
        yield NotStarted(profile, list(scenarios), str(error))
    yield from played


def _played(name: str, scenario: Scenario, sink: Sink) -> Played:
    sink.hooks, sink.answers = [], {}
    wire = Wire(name, sink)
    try:
        scenario(wire)
    except Exception as error:  # whatever a scenario trips over is what it has to say
        return Played(wire.log, f"{type(error).__name__}: {error}")
    finally:
        wire.close()
    return Played(wire.log)
