"""The journal's port: append a batch, read it back, and say what its ledger rows add up to.

A batch is on the record as a whole or not at all.  It must begin right after the head, or nothing
is written.  Every implementation passes the same suite, `actors.testing.conformance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, Protocol

from actors.journal.chain import Entry, Head
from arena.events import Event
from arena.exceptions import ArenaError, EventSourcingError
from arena.words import Book, Scalar

SNAPSHOTS_KEPT = 2
"""How many snapshots a journal keeps: the newest, and one in case that is spoiled."""


class CommandRow(NamedTuple):
    """What is remembered of a command that was decided.

    `body_hash` is the SHA-256 of what was asked; `first_seq` is None where it caused nothing, and
    `last_seq` is the head after it.  `body` is what was asked, as `actors.journal.bodies` writes
    it, where that came from outside: None of what actors ask by themselves.
    """

    command_id: str
    body_hash: str
    first_seq: int | None
    last_seq: int
    body: str | None = None


class TradeTotals(NamedTuple):
    """What trades add up to: how many, and micro-USD of those that happened."""

    total: int = 0
    successful: int = 0
    fees: int = 0
    slippage: int = 0
    gas: int = 0
    notional: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """What is recorded together.

    Attributes:
        entries: As `link` made them, one after the other.
        events: The event of each entry, from which ledger rows and trades are derived.
        state: Rows of `arena_state` to write anew: key -> value.
        commands: What the entries answer.
    """

    entries: tuple[Entry, ...]
    events: tuple[Event, ...]
    state: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[CommandRow, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a batch whose entries are not its events'.

        Raises:
            EventSourcingError: An entry has no event, or another type of event.
        """
        kinds = [type(event).__name__ for event in self.events]
        if [entry.event_type for entry in self.entries] != kinds:
            raise EventSourcingError("the entries of a batch are not those of its events")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a resumed run may begin.

    Attributes:
        seq: The entry after which it was taken.
        tick: The last tick that was settled.
        version: Of the shape of `state`.
        state: JSON.
        event_hash: Hash of the entry at `seq`.
    """

    seq: int
    tick: int
    version: int
    state: str
    event_hash: str

    @property
    def state_hash(self) -> str:
        """Return the SHA-256 of `state`."""
        return sha256(self.state.encode()).hexdigest()


class KnownCommandError(EventSourcingError):
    """Commands of a batch are on record already; nothing was written.

    Attributes:
        command_ids: Which.
    """

    def __init__(self, command_ids: Sequence[str]) -> None:
        super().__init__(f"commands on record already: {', '.join(command_ids)}")
        self.command_ids = tuple(command_ids)


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
            KnownCommandError: One of its commands is on record.  Nothing was written.
            EventSourcingError: It does not follow the head, or holds a row that is no transfer of
                money.  Nothing was written.
            StorageError: The disk refused.
        """
        ...

    async def recall(self, command_ids: Sequence[str]) -> dict[str, CommandRow]:
        """Return what is remembered of these commands, by id; of some it may be nothing."""
        ...

    async def read(self, after_seq: int = 0, limit: int = 1000) -> list[Entry]:
        """Return at most `limit` entries in order, from the first one after `after_seq`."""
        ...

    async def head(self) -> Head:
        """Return the last entry's place and hash: seq 0 and the manifest's hash at the start."""
        ...

    async def trial_balance(self, upto: int | None = None) -> dict[Book, dict[str, int]]:
        """Return every account's balance in micro-USD, added up from the ledger's rows.

        An account is there if any row names it, at 0 too; both books are always there.

        Args:
            upto: Leave out what moved after this `seq`; None leaves out nothing.
        """
        ...

    async def trade_totals(
        self,
        agent_id: str | None = None,
        low: str = "",
        high: str = "~",
        *,
        upto: int | None = None,
    ) -> TradeTotals:
        """Return what the trades add up to.

        Args:
            agent_id: Only this agent's.
            low: Only what is stamped with this instant or a later one.
            high: Only what is stamped with an earlier instant.
            upto: Leave out what happened after this `seq`; None leaves out nothing.
        """
        ...

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep `snapshot` and the one before; older ones go.

        Raises:
            StorageError: The disk refused.
        """
        ...

    async def snapshots(self) -> list[Snapshot]:
        """Return the snapshots that are kept, the newest first; one that was spoiled is not."""
        ...

    async def record(self, kind: str, data: Mapping[str, Scalar]) -> None:
        """Write a line about the process (a start, a stop) that is no part of the history."""
        ...

    async def close(self) -> None:
        """Let go of everything; a second call does nothing."""
        ...
