"""Children: processes that are forked from here with everything imported, and killed on time.

The rule: the process that forks has one thread and no connection.  A child is alive for as long as
somebody holds the other end of its pipe, so that its end is seen at once and nobody polls.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE_S = 300.0
"""Who has not ended by then hangs, however slow the machine is."""


class HungError(AssertionError):
    """A child did not end."""


class Child:
    """A forked process.

    Attributes:
        pid: Of the process.
        folder: Holds what it said: `out` and `err`.
        took_s: How long it lived, once it has ended.
    """

    def __init__(self, work: Callable[[], object], folder: Path) -> None:
        """Fork, and do `work` in the child; what it returns is the exit code."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.took_s = 0.0
        self._code: int | None = None
        self._alive, held = os.pipe()
        sys.stdout.flush()
        self._born = time.monotonic()
        self.pid = os.fork()
        if not self.pid:
            _be_child(work, folder, held)
        os.close(held)

    def ended(self, within_s: float) -> bool:
        """Wait at most so long for its end, and say whether it came."""
        if self._code is None and select.select([self._alive], [], [], max(within_s, 0.0))[0]:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self.took_s = time.monotonic() - self._born
            os.close(self._alive)
        return self._code is not None

    @property
    def alive(self) -> int:
        """A handle that can be read once it has ended; for `select`."""
        return self._alive

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self._code is None:
            os.kill(self.pid, number)

    def kill_after(self, seconds: float) -> bool:
        """Kill it when that time has passed, and say whether that was needed."""
        if not self.ended(seconds):
            self.send(signal.SIGKILL)
        return self.code() == -signal.SIGKILL

    def code(self) -> int:
        """Wait for its end and return the exit code; of a signal, its negative number.

        Raises:
            HungError: It does not end.
        """
        if not self.ended(PATIENCE_S):
            self.send(signal.SIGKILL)
            self.ended(PATIENCE_S)
            raise HungError(f"process {self.pid} did not end; it had said:\n{self.said()}")
        assert self._code is not None
        return self._code

    def said(self, stream: str = "err") -> str:
        """Return what it wrote."""
        return (self.folder / stream).read_text()

    def result(self) -> Any:
        """Return the JSON that it wrote, after it ended well."""
        assert self.code() == 0, f"exit {self.code()}: {self.said()}"
        return json.loads(self.said("out"))


@contextmanager
def ending(child: Child) -> Iterator[Child]:
    """Yield `child`; after the block it has ended, whatever happened."""
    try:
        yield child
    finally:
        child.send(signal.SIGKILL)
        child.code()


def _be_child(work: Callable[[], object], folder: Path, held: int) -> None:
    """Do `work` and end, without coming back into the code that forked."""
    code: object = 1
    try:
        os.set_inheritable(held, True)  # A program that takes this process over goes on holding it.
        for number, name in enumerate(("out", "err"), start=1):
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(handle, number)
            os.close(handle)
        code = work()
    except SystemExit as left:
        code = left.code
    except BaseException:  # noqa: BLE001  # whatever it is, it is written down
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))
