"""A served run: the process that serves it now, and whoever asks it."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from actors.app.control.client import ControlClient
from actors.app.control.errors import ControlError, NoAnswerError, NotRunningError
from tests.daemon.nursery import Nursery

PATIENCE_S = 60.0
LOOK_EVERY_S = 0.02
PROC = Path("/proc")

Status = dict[str, Any]


class Served:
    """A run that is served, by one process after the other.

    Attributes:
        folder: Of the run.
        pid: Of the process that was started last.
    """

    def __init__(self, nursery: Nursery, folder: Path, config: Path, *words: str) -> None:
        """Start nothing yet.

        Args:
            nursery: Forks the processes.
            folder: Of the run; what the processes say lies beside it.
            config: What is served.
            words: Further words of the command line.
        """
        self.folder = folder
        self.pid = 0
        self._nursery = nursery
        self._words = ("serve", config, "--out", folder, "--json", *words)
        self._lives = 0
        self._client = ControlClient(folder / "control.sock", timeout_s=PATIENCE_S)

    def start(self, *words: str, environ: Mapping[str, str] | None = None) -> None:
        """Start a process; it may not be there yet when this returns."""
        self._lives += 1
        self.pid = self._nursery.start(
            self._said_in(), *self._words, *words, environ=environ
        )  # fmt: skip

    def start_and_wait(
        self, *words: str, tick: int = 0, environ: Mapping[str, str] | None = None
    ) -> Status:
        """Start a process, and return its status once it is ready and has settled so many bars."""
        self.start(*words, environ=environ)
        return self.until(lambda status: status["ready"] and (status["tick"] or 0) >= tick)

    def ask(self, op: str, args: dict[str, Any] | None = None, **who: str) -> dict[str, Any]:
        """Ask it; a change that names nobody is a tester's."""
        said = {"command_id": f"{op}-1", "by": "tester", "reason": f"to {op}"} | who
        return self._client.ask(op, args, **said)

    def status(self) -> Status:
        """Return its status."""
        return self._client.ask("status")

    def until(self, true: Callable[[Status], bool]) -> Status:
        """Return its status once something is true of it."""
        found: list[Status] = []

        def look() -> bool:
            try:
                status = self.status()
            except (NotRunningError, NoAnswerError, ControlError):
                return False  # It is not there yet; if it is no more, its end is seen.
            found[:] = [status]
            return true(status)

        self.until_so(look)
        return found[0]

    def until_so(self, true: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
        """Return once something is true, which must be while the process lives."""
        until = time.monotonic() + within_s
        while not true():
            code = self.code(LOOK_EVERY_S)
            assert code is None, f"it ended with {code}: {self.said()}"
            assert time.monotonic() < until, f"it takes too long: {self.said()}"

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send(signal.SIGKILL)
        assert self.code() == -signal.SIGKILL

    def end(self) -> None:
        """Leave no process behind, however it is."""
        if self.pid and self.code(0) is None:
            self.kill()

    def stop(self) -> int | None:
        """Let SIGTERM end it, and return its exit code."""
        self.send(signal.SIGTERM)
        return self.code()

    def code(self, within_s: float = PATIENCE_S) -> int | None:
        """Wait for its end, and return its exit code; None if it does not come."""
        return self._nursery.code(self.pid, within_s)

    def said(self, stream: str = "err") -> str:
        """Return what the process wrote."""
        return (self._said_in() / stream).read_text(errors="replace")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of its log that tell of `event`."""
        lines = [line for line in self.said().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line.get("event") == event]

    def web(self) -> int | None:
        """Return the pid of the web's process; None where there is none."""
        found = PROC / str(self.pid) / "task" / str(self.pid) / "children"
        try:
            children = found.read_text().split()
        except FileNotFoundError:
            return None
        return int(children[0]) if children else None

    def hears_term(self) -> bool:
        """Return whether the process has said what SIGTERM means to it."""
        status = (PROC / str(self.pid) / "status").read_text()
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status)
        return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)

    def _said_in(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-said-{self._lives}")
