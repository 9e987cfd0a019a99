"""A daemon in a process of its own, as somebody who runs `arena serve` has it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from actors.app.control.client import ControlClient
from actors.app.control.errors import ControlError, NoAnswerError, NotRunningError
from arena.exceptions import ArenaError

ARENA = (sys.executable, "-P", "-c", "from actors.app.cli import main; main()")
"""What a shell would call `arena`."""

LOOK_EVERY_S = 0.02
WITHIN_S = 120.0
"""How long any one thing may take before the trial is given up."""


class TrialError(ArenaError):
    """The daemon did not do what the trial waits for."""


class ServedProcess:
    """A daemon, from its start to its end.

    Attributes:
        folder: Of its run.
    """

    def __init__(self, config: Path, folder: Path, *words: str) -> None:
        """Start nothing yet.

        Args:
            config: What to serve.
            folder: Where; the control socket must fit below it.
            words: Further words of the command line.
        """
        self.folder = folder
        self._words = (*ARENA, "serve", str(config), "--out", str(folder), "--json", *words)
        self._client = ControlClient(folder / "control.sock", timeout_s=WITHIN_S)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it; its log goes to a file beside its folder."""
        log = self.folder.with_suffix(".log").open("ab")
        with log:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                self._words, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it, however it is."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process.

        Raises:
            RuntimeError: It was not started.
        """
        if self._process is None:
            raise RuntimeError("it was not started: use `with`")
        return self._process

    def ask(self, op: str, args: dict[str, Any] | None = None, **who: str) -> dict[str, Any]:
        """Ask it, as `ControlClient.ask` does."""
        return self._client.ask(op, args, **who)

    def wait_for_tick(self, tick: int) -> dict[str, Any]:
        """Return its status once so many ticks are settled, or the run is over.

        Raises:
            TrialError: It ended, or took too long.
        """
        until = time.monotonic() + WITHIN_S
        while time.monotonic() < until:
            status = self._status()
            if status is not None and (status["tick"] or 0) >= tick and status["ready"]:
                return status
            if self.process.poll() is not None:
                raise TrialError(f"the daemon ended with {self.process.returncode}: {self.said()}")
            time.sleep(LOOK_EVERY_S)
        raise TrialError(f"the daemon did not settle day {tick} within {WITHIN_S:g} s")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """Let SIGTERM end it, and return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=WITHIN_S)

    def said(self, lines: int = 3) -> str:
        """Return the last lines of its log."""
        text = self.folder.with_suffix(".log").read_text(errors="replace")
        return " / ".join(text.splitlines()[-lines:])

    def _status(self) -> dict[str, Any] | None:
        try:
            return self.ask("status")
        except (NotRunningError, NoAnswerError, ControlError):
            return None  # It is not there yet, or not any more: who waits looks at the process.


def words_of(sets: Sequence[str]) -> tuple[str, ...]:
    """Return `--set` for each of `sets`."""
    return tuple(word for each in sets for word in ("--set", each))
