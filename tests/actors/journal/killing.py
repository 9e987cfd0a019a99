"""Do something to a run again and again, killed one step later each time, until it gets through.

    python killing.py upgrade run.db FOLDER

A step is an SQL statement, a slice of a long one, a sync, or a change to a folder.  Each attempt is
a process of its own on a copy of its own, `FOLDER/1/run.db`, `FOLDER/2/run.db`, ...; how many there
were is printed, and the last one ended by itself.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from actors.journal.backup import back_up, restore
from actors.journal.upgrade import prepare_for_writing
from actors.journal.verify import verify

SLICE = 1000
"""Instructions of SQLite's machine between two chances to be killed in a statement."""

CHANGES = {"os.link", "os.rename", "os.remove", "tempfile.mkstemp", "sqlite3.connect"}


def upgrade(run: Path) -> None:
    prepare_for_writing(run)


def backup(run: Path) -> None:
    back_up(run, run.with_name("backup.db"))


def restored(run: Path) -> None:
    folder = run.with_name("restored")
    restore(run, folder)


ACTIONS: dict[str, Callable[[Path], None]] = {
    "upgrade": upgrade,
    "backup": backup,
    "restore": restored,
}


def die_at(number: int) -> None:
    """Have this process killed at its step `number`."""
    steps = count(1)

    def step(*_: object) -> None:
        if next(steps) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    class Mortal(sqlite3.Connection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.set_progress_handler(step, SLICE)

        def execute(self, *args: Any) -> sqlite3.Cursor:
            step()
            return super().execute(*args)

    def fsync(handle: int, really: Callable[[int], None] = os.fsync) -> None:
        step()
        really(handle)

    sqlite3.connect = partial(sqlite3.connect, factory=Mortal)  # type: ignore[assignment]
    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(lambda event, _: step() if event in CHANGES else None)


def attempt(number: int, act: Callable[[Path], None], run: Path) -> bool:
    """Return whether `act` came to its end before step `number`."""
    child = os.fork()
    if not child:
        die_at(number)
        act(run)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status):
        raise SystemExit(f"attempt {number} failed")
    return not os.WIFSIGNALED(status)


def main(action: str, source: Path, folder: Path) -> None:
    verify(source)  # What is imported and made for that, no attempt has to make again.
    for number in count(1):
        (folder / str(number)).mkdir()
        run = Path(shutil.copy(source, folder / str(number) / "run.db"))
        if attempt(number, ACTIONS[action], run):
            sys.stdout.write(f"{number}\n")
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
