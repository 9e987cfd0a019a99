"""The lock: one process writes a run, and whoever comes second is told who that is.

The rule: the kernel holds the lock, so a process that dies leaves none behind, and what the file
says is only for people.  A writer also has an epoch in the database (see `Store`): somebody who
lost the lock file without knowing it cannot write either.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path

from actors.journal.mounts import refuse_network
from arena.exceptions import ArenaError

NAMED_WITHIN_S = 0.5
"""How long whoever came second waits for the name of a living process in the file."""


class LockedError(ArenaError):
    """Another process is writing this run.

    Attributes:
        pid: Which one; None where the lock file does not say.
    """

    def __init__(self, path: Path, pid: int | None) -> None:
        who = "another process" if pid is None else f"process {pid}"
        super().__init__(f"{str(path)!r} is being written by {who}; wait for it, or stop it")
        self.pid = pid


class WriterLock:
    """The right to write one run, from its making to `release`."""

    def __init__(self, database: Path) -> None:
        """Take the lock of `database`.

        Raises:
            ValidationError: It lies on a network file system, where a lock is no lock.
            LockedError: Somebody else has it, be it in this process.
            OSError: The folder takes no file, or the disk is full.
        """
        refuse_network(database)
        path = database.with_suffix(".lock")
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _owner(self._handle)
            os.close(self._handle)
            raise LockedError(database, pid) from None
        try:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, json.dumps({"pid": os.getpid()}).encode(), 0)
        except OSError:
            os.close(self._handle)  # Else nobody had a run that nobody could open.
            raise

    def release(self) -> None:
        """Let go; the file stays, for removing it would let two hold a lock of one name."""
        os.ftruncate(self._handle, 0)  # Whoever has it next is not taken for this process.
        os.close(self._handle)


def _owner(handle: int) -> int | None:
    """Return who has the lock: who has just taken it says so in a moment."""
    until = time.monotonic() + NAMED_WITHIN_S
    while True:
        pid = _pid_in(os.pread(handle, 4096, 0))
        if pid is not None and _lives(pid):
            return pid
        if time.monotonic() >= until:
            return None
        time.sleep(NAMED_WITHIN_S / 100)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # It lives, and is somebody else's.
    return True


def _pid_in(content: bytes) -> int | None:
    try:
        pid = json.loads(content)["pid"]
    except (ValueError, TypeError, KeyError):
        return None
    return pid if isinstance(pid, int) and 0 < pid < 1 << 31 else None
