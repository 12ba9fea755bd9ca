"""Starts the server under test, on an empty database."""

import os
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import requests

from checker.addresses import ADMIN_PORT, PUBLIC_PORT, SINK

READY_S, STOP_S = 30, 15
POLL_S = 0.02
SHOWN_OF_A_LOG = 1500
"""How many characters of a log a message shows."""


class StartError(Exception):
    """Why a server did not start, as a sentence without a full stop."""


@dataclass(frozen=True)
class Launch:
    """How to start a server. In commands, `{config}` stands for the configuration file."""

    command: str
    migrate: str | None = None
    """Brings an empty database to the newest schema."""
    dsn: str | None = None
    """The database to use, in place of a new SQLite file."""
    reset: str | None = None
    """Empties that database: a command of the shell."""
    ports: tuple[int, ...] = (PUBLIC_PORT, ADMIN_PORT)
    """Where it has to answer `/health/ready`."""


class Server:
    """A server that runs as long as the `with` statement that it is made by."""

    def __init__(self, launch: Launch, profile: Path) -> None:
        self._launch = launch
        self._profile = profile

    def __enter__(self) -> "Server":
        for port in self._launch.ports:
            _ensure_free(port)
        self._folder = tempfile.TemporaryDirectory(prefix="wire-")
        try:
            self._start(Path(self._folder.name))
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._folder.cleanup()

    def _start(self, folder: Path) -> None:
        launch = self._launch
        config = folder / "kratos.yml"
        text = self._profile.read_text(encoding="utf-8")
        config.write_text(
            text.replace("{here}", str(self._profile.resolve().parent)).replace("{sink}", SINK), encoding="utf-8"
        )
        environment = {**os.environ, "DSN": launch.dsn or f"sqlite://{folder}/db.sqlite?_fk=true&mode=rwc"}
        if launch.reset:
            _run(launch.reset, "emptying the database", shell=True)
        if launch.migrate:
            _run(_filled(launch.migrate, config), "the migration", env=environment)
        self._log = folder / "server.log"
        with self._log.open("w", encoding="utf-8") as log:
            try:
                self._process = subprocess.Popen(
                    _filled(launch.command, config), env=environment, stdin=subprocess.DEVNULL,
                    stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise StartError(f"its command cannot be run: {error}") from error
        self._await()

    def _await(self) -> None:
        """Waits until it answers that it is ready."""
        end = time.monotonic() + READY_S
        while True:
            code = self._process.poll()
            if code is None and all(map(_is_ready, self._launch.ports)):
                return
            if code is not None or time.monotonic() > end:
                self._stop()
                how = f"was not ready after {READY_S} s" if code is None else f"ended with exit code {code}"
                raise StartError(f"it {how}; its log: {_end_of(self._log.read_text(errors='replace'))}")
            time.sleep(POLL_S)

    def _stop(self) -> None:
        """Asks it and the processes that it started to end, and makes them where they do not."""
        try:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(STOP_S)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait(STOP_S)


def _ensure_free(port: int) -> None:
    """Makes sure that no other server is tested by mistake."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StartError(f"port {port} is in use by something else: {error.strerror}") from error


def _filled(command: str, config: Path) -> list[str]:
    return [word.replace("{config}", str(config)) for word in shlex.split(command)]


def _run(command: str | list[str], what: str, shell: bool = False, env: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command, shell=shell, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        raise StartError(f"{what} cannot be run: {error}") from error
    if done.returncode:
        raise StartError(f"{what} ended with exit code {done.returncode}: {_end_of(done.stdout)}")


def _is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/health/ready", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def _end_of(log: str) -> str:
    return log[-SHOWN_OF_A_LOG:].strip() or "(empty)"
