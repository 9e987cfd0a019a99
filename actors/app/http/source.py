"""Where the web reads: a run's file, through connections that cannot write it.

The rule: a connection belongs to one thread while it is lent, and to nobody afterwards.  Where the
file was replaced by another one, the connections to the old one are not lent again.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.journal.chain import Head
from actors.journal.files import database_path
from actors.journal.reader import JournalReader, open_run
from arena.exceptions import EventSourcingError

Identity = tuple[int, int]


class ReplacedError(EventSourcingError):
    """What is on record is not what was read before: it is another history."""


@dataclass(frozen=True, slots=True)
class Source:
    """The run that is served.

    Attributes:
        path: Its folder, or its `run.db`.
    """

    path: Path

    def identity(self) -> Identity:
        """Return what another file in its place would not have.

        Raises:
            EventSourcingError: No file is there.
        """
        try:
            found = os.stat(database_path(self.path))
        except OSError as error:
            raise EventSourcingError(f"there is no run at {str(self.path)!r}: {error}") from error
        return found.st_dev, found.st_ino


class Readers:
    """Read-only connections to one run, opened as they are needed and lent one thread at a time."""

    def __init__(self, source: Source) -> None:
        """Open nothing yet."""
        self._source = source
        self._idle: deque[tuple[Identity, JournalReader]] = deque()
        self._closed = False

    @contextmanager
    def lend(self, head: Head | None = None) -> Iterator[JournalReader]:
        """Lend a connection.

        Args:
            head: What was the last entry when somebody looked; None where nobody has.

        Raises:
            EventSourcingError: The run cannot be opened.
            ReplacedError: What is on record does not go on from `head`.
        """
        identity = self._source.identity()
        reader = self._take(identity) or open_run(self._source.path)
        try:
            _check(reader, head)
            yield reader
        except BaseException:
            reader.close()
            raise
        self._idle.append((identity, reader))
        if self._closed:
            self.close()

    def _take(self, identity: Identity | None) -> JournalReader | None:
        """Return an idle connection to the file of that identity, and close those to others."""
        while self._idle:
            try:
                found, reader = self._idle.pop()
            except IndexError:  # Another thread was faster.
                break
            if found == identity:
                return reader
            reader.close()
        return None

    def close(self) -> None:
        """Close what is not lent, and what is lent as soon as it comes back."""
        self._closed = True
        self._take(None)


def _check(reader: JournalReader, head: Head | None) -> None:
    if head is not None and head.seq and reader.head_at(head.seq) != head:
        raise ReplacedError("another run stands in its place", seq=head.seq)
