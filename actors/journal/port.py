"""The journal's port: append a batch, read it back, and say what its ledger rows add up to.

A batch is on the record as a whole or not at all.  It must begin right after the head, or nothing
is written.  Every implementation passes the same contract suite, `tests/contracts/test_journal.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from actors.journal.chain import Entry, Head
from arena.events import Event
from arena.exceptions import ArenaError, EventSourcingError
from arena.words import Book, Scalar


@dataclass(frozen=True, slots=True)
class Batch:
    """What is recorded together.

    Attributes:
        entries: As `link` made them, one after the other.
        events: The event of each entry, from which ledger rows and trades are derived.
        state: Rows of `arena_state` to write anew: key -> value.
    """

    entries: tuple[Entry, ...]
    events: tuple[Event, ...]
    state: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a batch whose entries are not its events'.

        Raises:
            EventSourcingError: An entry has no event, or another type of event.
        """
        kinds = [type(event).__name__ for event in self.events]
        if [entry.event_type for entry in self.entries] != kinds:
            raise EventSourcingError("the entries of a batch are not those of its events")


class StorageError(ArenaError):
    """The storage did not take what it was given.

    Attributes:
        definite: Nothing was written, and the head is where it was; False where nobody knows.
    """

    def __init__(self, message: str, *, definite: bool) -> None:
        super().__init__(message)
        self.definite = definite


class Journal(Protocol):
    """The append-only history of one run."""

    async def append(self, batch: Batch) -> Head:
        """Record `batch` durably and return the new head; an empty one only writes its state.

        Raises:
            EventSourcingError: It does not follow the head, or holds a row that is no transfer of
                money.  Nothing was written.
            StorageError: The disk refused.
        """
        ...

    async def read(self, after_seq: int = 0, limit: int = 1000) -> list[Entry]:
        """Return at most `limit` entries in order, from the first one after `after_seq`."""
        ...

    async def head(self) -> Head:
        """Return the last entry's place and hash: seq 0 and the manifest's hash at the start."""
        ...

    async def trial_balance(self) -> dict[Book, dict[str, int]]:
        """Return every account's balance in micro-USD, added up from the ledger's rows.

        An account is there if any row names it, at 0 too; both books are always there.
        """
        ...

    async def record(self, kind: str, data: Mapping[str, Scalar]) -> None:
        """Write a line about the process (a start, a stop) that is no part of the history."""
        ...

    async def close(self) -> None:
        """Let go of everything; a second call does nothing."""
        ...
