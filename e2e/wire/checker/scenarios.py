"""Finds scenarios: functions that drive a server, marked with the configuration that they need."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

from checker.client import Wire

Scenario = Callable[[Wire], None]


def scenario(profile: str = "email-password") -> Callable[[Scenario], Scenario]:
    """Marks a function as a scenario, to be run with the configuration `profiles/PROFILE.yml`."""

    def mark(function: Scenario) -> Scenario:
        function.profile = profile  # type: ignore[attr-defined]
        return function

    return mark


def profile_of(function: Scenario) -> str:
    """The configuration that a scenario needs."""
    profile: str = function.profile  # type: ignore[attr-defined]
    return profile


def load(path: Path) -> dict[str, Scenario]:
    """The scenarios of a file by name, in the order in which they stand there. Passes on whatever the file raises.

    The file may import what stands beside it, and this package also as `wirecheck`, the name by which scenarios from
    elsewhere know their checker.
    """
    sys.modules.setdefault("wirecheck", sys.modules["checker"])
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if callable(value) and hasattr(value, "profile")}
