"""Where a play takes place: in a process of its own that is thrown away, or here.

A process of its own begins as a copy of this one and ends with the play: whatever the strategy
keeps, spoils, starts or leaves behind is gone with it, and no play can learn from another.  One
that does not end is ended.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any, Protocol

from actors.journal.walk import uncollected

PLAY_MAX_S = 60.0
"""A play that takes longer has been taken over by code that cannot be interrupted."""

_PIPE_BYTES = 1 << 16


class PlayLostError(Exception):
    """A play gave no result: it was ended, or it ended its process."""


class Isolation(Protocol):
    """Carries out plays.

    Attributes:
        apart: Whether each one has a process of its own.
    """

    apart: bool

    def run(self, work: Callable[[], Any]) -> Any:
        """Return `work()`, which is plain JSON data.

        Raises:
            PlayLostError: It gave no result.
        """


class Here:
    """Plays take place in this process, one after the other, and no garbage is collected meanwhile.

    A collection takes as long as the process is large, and a step would have to answer for it.
    """

    apart = False

    def run(self, work: Callable[[], Any]) -> Any:
        """Return `work()`."""
        with uncollected():
            return work()


class Apart:
    """Each play has a process of its own; only for a process that has no threads."""

    apart = True

    def run(self, work: Callable[[], Any]) -> Any:
        """Return `work()`, carried out in a copy of this process.

        Raises:
            PlayLostError: The copy ended without a result, or took longer than `PLAY_MAX_S`.
        """
        reading, writing = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _work(work, writing)
        os.close(writing)
        try:
            found = _read(reading)
        finally:
            os.close(reading)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        try:
            return json.loads(found)
        except ValueError:
            raise PlayLostError("its process ended in the middle of the play") from None


def _work(work: Callable[[], Any], writing: int) -> None:
    """Do the work and write its result; this process ends here, and runs nobody's last words."""
    code = 1
    gc.disable()  # It would touch, and so copy, all of what is shared with the process above.
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        left = json.dumps(work()).encode()
        while left:
            left = left[os.write(writing, left) :]
        code = 0
    finally:
        os._exit(code)


def _read(reading: int) -> bytes:
    """Return all that is written at the other end.

    Raises:
        PlayLostError: Nothing came for too long.
    """
    parts: list[bytes] = []
    while True:
        ready, _, _ = select.select([reading], [], [], PLAY_MAX_S)
        if not ready:
            words = f"it did not come to an end in {PLAY_MAX_S:g} s, and could not be interrupted"
            raise PlayLostError(words)
        part = os.read(reading, _PIPE_BYTES)
        if not part:
            return b"".join(parts)
        parts.append(part)
