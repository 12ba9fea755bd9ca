"""Recordings: what a server answered to each scenario of a file, as JSON.

An exchange is an object with `label`, `request`, `status`, `headers` and `body`, or `label` and `value` for what a
scenario noted. `{"scenario": [exchange, …], …}` is the whole file, one exchange to a line.
"""

import json
from pathlib import Path
from typing import Any

Exchange = dict[str, Any]
Log = list[Exchange]
Recording = dict[str, Log]


def read(path: Path) -> Recording:
    """Reads a recording. Errors are those of `open` and of `json`."""
    recording: Recording = json.loads(path.read_text(encoding="utf-8"))
    return recording


def render(recording: Recording) -> str:
    """The text of a recording, scenarios in the order given."""
    scenarios = (f"{_json(name)}: [\n{_lines(log)}\n]" for name, log in recording.items())
    return "{\n" + ",\n".join(scenarios) + "\n}\n"


def merged(before: Recording, anew: Recording, scenarios: list[str]) -> Recording:
    """A recording in which some scenarios were recorded anew.

    Those that were there keep their place, those that are not among `scenarios` any more are gone, new ones come last.
    """
    kept = {name: anew.get(name, log) for name, log in before.items() if name in scenarios}
    return kept | {name: log for name, log in anew.items() if name not in kept}


def as_written(log: Log) -> Log:
    """A log as it would be read again: tuples become lists, and names of members texts."""
    written: Log = json.loads(json.dumps(log))
    return written


def _lines(log: Log) -> str:
    return ",\n".join(f" {_json(exchange)}" for exchange in log)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
