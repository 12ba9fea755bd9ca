"""The command line of the check."""

import argparse
import fnmatch
import sys
import unittest
from collections.abc import Callable
from pathlib import Path

from checker import accepted, recording
from checker.accepted import Accepted
from checker.compare import Comparison, Report, load
from checker.server import Launch
from checker.suite import NotStarted, Play, Suite, player

HOME = Path(__file__).resolve().parent.parent
"""Where scenarios and recordings are."""

DESCRIPTION = """\
Replays recorded HTTP exchanges of Ory Kratos against a server.

A scenario is a function in NAME.py, beside this file, that drives a server over HTTP. NAME.json holds what Kratos
answered.

  check.py compare --cmd COMMAND [NAME…]   replays, says what differs, and ends with `N passed, N failed`
  check.py record --cmd COMMAND [NAME…]    asks the server of COMMAND anew, and writes NAME.json
  check.py test                            tests this program itself
"""

EPILOG = """\
The server is started anew for each configuration (profiles/NAME.yml), on an empty SQLite file unless --dsn names
another database. It has to listen on 127.0.0.1:4433 (public) and :4434 (admin); port 4461 takes what it calls.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; gives back its exit code, 0 if all is well."""
    options = _parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def suites_of(folder: Path, names: list[str]) -> list[Suite]:
    """The suites of a folder: one for each name, or for each Python file and each recording.

    Some of those files have no scenarios, but what scenarios share.
    """
    names = names or sorted({path.stem for kind in ("*.py", "*.json") for path in folder.glob(kind)} - {"check"})
    return [Suite(folder / f"{name}.py", folder / f"{name}.json", folder / "profiles") for name in names]


def record(suites: list[Suite], play: Play, report: Report, only: list[str]) -> int:
    """Records suites; gives back the exit code. Writes a recording only if all of its scenarios came to their end."""
    for suite in suites:
        found = load(suite, report)
        wanted = {name: scenario for name, scenario in (found or {}).items() if _chooser(only)(name)}
        if not found or not wanted:
            continue
        anew: recording.Recording = {}
        whole = True
        for outcome in play(suite, wanted):
            if isinstance(outcome, NotStarted):
                report.fail(f"The server did not start with {outcome.profile}.yml: {outcome.why}")
                whole = False
            elif outcome[1].stopped is not None:
                report.fail(f"{outcome[0]} stopped: {outcome[1].stopped}")
                whole = False
            else:
                anew[outcome[0]] = outcome[1].log
        if whole:
            before = recording.read(suite.recording) if suite.recording.is_file() else {}
            text = recording.render(recording.merged(before, anew, list(found)))
            suite.recording.write_text(text, encoding="utf-8")
            report.say(
                f"{suite.recording.name}: recorded {sum(map(len, anew.values()))} exchanges of {len(anew)} scenarios."
            )
            report.identical += len(anew)
        else:
            report.say(f"{suite.recording.name} is left as it was.")
    if report.identical + report.failed == 0:
        report.fail("Nothing was recorded.")
    return 1 if report.failed else 0


def test() -> int:
    """Runs the unit tests of this program; gives back the exit code."""
    tests = unittest.defaultTestLoader.discover(str(HOME / "checker" / "tests"), top_level_dir=str(HOME))
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=1).run(tests)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    # A module that cannot be read is an error without having been run.
    print(f"{max(0, result.testsRun - failed)} passed, {failed} failed")
    return 0 if result.wasSuccessful() and result.testsRun else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="check.py",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="check.py {compare,record,test} [OPTIONS] [NAME…]",
    )
    modes = parser.add_subparsers(required=True, metavar="{compare,record,test}")
    for name, run in [("compare", _run_compare), ("record", _run_record)]:
        mode = modes.add_parser(name, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
        mode.set_defaults(run=run)
        mode.add_argument("names", nargs="*", metavar="NAME", help="a file of scenarios, without .py (all)")
        mode.add_argument("--cmd", required=True, help="starts the server; {config} stands for its configuration file")
        mode.add_argument("--migrate", help="brings an empty database to the newest schema, as --cmd")
        mode.add_argument("--dsn", help="the database to use, in place of a new SQLite file")
        mode.add_argument("--reset", help="a command of the shell that empties that database")
        mode.add_argument("--only", action="append", default=[], metavar="SCENARIO",
                          help="only scenarios whose name begins so, or matches a pattern such as '*_api'")  # fmt: skip
        mode.add_argument("--scenarios", type=_file, help="a file of scenarios that is elsewhere")
        mode.add_argument("--recording", type=Path, help="the recording of --scenarios (beside it)")
        mode.add_argument("--profiles", type=Path, help="the configurations of --scenarios (profiles/ beside it)")
        if run is _run_compare:
            mode.add_argument(
                "--accept", type=_file, help="differences on purpose (differences.txt beside --scenarios)"
            )
            mode.add_argument("-v", "--verbose", action="store_true", help="shows differences in full")
    modes.add_parser("test").set_defaults(run=lambda _: test())
    return parser


def _file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {name}")
    return path


def _run_compare(options: argparse.Namespace) -> int:
    report = Report(say=_say, verbose=options.verbose)
    folder = HOME if options.scenarios is None else options.scenarios.parent
    file = options.accept or folder / "differences.txt"
    listed = accepted.read(file) if options.accept or file.is_file() else Accepted()
    comparison = Comparison(
        player(_launch(options)), report, listed, _chooser(options.only), is_whole=not options.names
    )
    comparison.run(_suites(options))
    return 0 if report.close() else 1


def _run_record(options: argparse.Namespace) -> int:
    return record(_suites(options), player(_launch(options)), Report(say=_say), options.only)


def _suites(options: argparse.Namespace) -> list[Suite]:
    if options.scenarios is None:
        return suites_of(HOME, options.names)
    path: Path = options.scenarios
    return [Suite(path, options.recording or path.with_suffix(".json"), options.profiles or path.parent / "profiles")]


def _launch(options: argparse.Namespace) -> Launch:
    return Launch(options.cmd, options.migrate, options.dsn, options.reset)


def _chooser(only: list[str]) -> Callable[[str], bool]:
    def is_chosen(name: str) -> bool:
        return not only or any(name.startswith(wanted) or fnmatch.fnmatch(name, wanted) for wanted in only)

    return is_chosen


def _say(sentence: str) -> None:
    # At once, so that whoever reads along sees it while the next exchanges run.
    print(sentence, flush=True)
