"""Anchors: places and hashes of entries, kept beside the database, so that a cut tail is missed.

A chain inside a file cannot know that its end was cut off.  So each commit also leaves the head in
`run.anchors.jsonl`, one JSON object a line.  The last line is written over at each commit, which
costs no sync and survives the death of the process; once a second, or every thousand events, it is
synced, and the next one begins.  What a power cut takes with the last line is at most that second.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from actors.journal.chain import Head
from arena.exceptions import EventSourcingError

SYNC_EVERY_S = 1.0
SYNC_EVERY_EVENTS = 1000

_LINE_MAX = 192
"""No line is longer, and no two are shorter."""


class HistoryLostError(EventSourcingError):
    """The journal ends before an entry that it once had.

    Attributes:
        seq: The last entry that is left.
    """

    def __init__(self, left: int, known: int) -> None:
        super().__init__(f"history lost after seq {left}: an anchor names seq {known}")
        self.seq = left


def anchors_path(database: Path) -> Path:
    """Return where the anchors of `database` are."""
    return database.with_suffix(".anchors.jsonl")


def read_anchors(path: Path) -> list[Head] | None:
    """Return the anchors in `path`, oldest first; None where there is no such file.

    A last line that is torn is no anchor: the power went while it was written over.  What is left
    of it may be anything, line ends too.

    Raises:
        EventSourcingError: Another line is no anchor.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    anchors, end = _split(content)
    if len(content) - end > _LINE_MAX:
        line, number = content[end : end + 80], len(anchors) + 1
        raise EventSourcingError(f"{str(path)!r} line {number} is no anchor: {line!r}")
    return anchors


def _split(content: bytes) -> tuple[list[Head], int]:
    """Return the anchors before the first thing that is none, and where they end."""
    anchors, end = [], 0
    for line in content.splitlines(keepends=True):
        anchor = _anchor(line)
        if anchor is None:
            break
        anchors.append(anchor)
        end += len(line)
    return anchors, end


def _line(head: Head) -> bytes:
    check = sha256(f"{head.seq}:{head.hash}".encode()).hexdigest()[:16]
    facts = {"seq": head.seq, "hash": head.hash, "check": check}
    return json.dumps(facts, separators=(",", ":")).encode() + b"\n"


def _anchor(line: bytes) -> Head | None:
    """Return what `line` says, if it is to the byte what `_line` writes."""
    try:
        facts = json.loads(line)
        head = Head(facts["seq"], facts["hash"])
    except (ValueError, TypeError, KeyError):
        return None
    return head if _line(head) == line else None


def is_torn(path: Path) -> bool:
    """Say whether the last line of the anchors in `path` is none."""
    return any(_anchor(line) is None for line in path.read_bytes().splitlines(keepends=True)[-1:])


def check_anchors(anchors: list[Head], head: Head, hash_at: Callable[[int], str | None]) -> None:
    """Check that the journal still has every entry that was anchored.

    Args:
        anchors: As `read_anchors` gives them.
        head: The journal's.
        hash_at: Returns the hash that the journal has at a `seq`; at 0 that of the manifest.

    Raises:
        HistoryLostError: An anchor is beyond the head.
        EventSourcingError: An entry is not the one that was anchored.
    """
    for anchor in anchors:
        if anchor.seq > head.seq:
            raise HistoryLostError(head.seq, anchor.seq)
        if hash_at(anchor.seq) != anchor.hash:
            raise EventSourcingError("it is not the entry that was anchored", seq=anchor.seq)


class Anchors:
    """The anchors of one run, for its writer."""

    def __init__(self, path: Path, head: Head) -> None:
        """Open, or begin, the file at `path`, and anchor `head`."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._handle = os.open(path, flags, 0o600)
        try:
            size = os.fstat(self._handle).st_size
            _, self._end = _split(os.pread(self._handle, size, 0))
            os.ftruncate(self._handle, self._end)
            self._write(head)
            self._sync(head)
        except OSError:
            os.close(self._handle)
            raise

    def note(self, head: Head) -> None:
        """Leave the new head; sync it if that is due."""
        self._write(head)
        many = head.seq - self._synced.seq >= SYNC_EVERY_EVENTS
        if many or time.monotonic() - self._synced_at >= SYNC_EVERY_S:
            self._sync(head)

    def close(self, head: Head) -> None:
        """Anchor `head` for good and let go of the file."""
        try:
            if head != self._synced:
                self._write(head)
                self._sync(head)
        finally:
            os.close(self._handle)

    def abandon(self) -> None:
        """Let go of the file as it is."""
        os.close(self._handle)

    def _write(self, head: Head) -> None:
        line = _line(head)
        if os.pwrite(self._handle, line, self._end) < len(line):  # No error, where a part has room.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._line = len(line)

    def _sync(self, head: Head) -> None:
        os.fsync(self._handle)
        self._end += self._line
        self._synced, self._synced_at = head, time.monotonic()
