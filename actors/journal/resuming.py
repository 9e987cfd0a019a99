"""`ResumingJournal`: a journal that first checks a re-execution against what is on record.

A run that is resumed does again what it had done since its last snapshot.  Until it comes to the
end of the record, every entry must be the one that is there; nothing is written, and what is asked
about the past is answered as it was then.  From there on it is the journal behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from actors.journal.chain import Entry, Head, check_follows
from actors.journal.port import (
    Batch,
    CommandRow,
    Journal,
    KnownCommandError,
    Snapshot,
    TradeTotals,
)
from arena.exceptions import EventSourcingError
from arena.words import Book, Scalar


class Recorded(NamedTuple):
    """An entry that is on record, and what is remembered of the command that it answers."""

    entry: Entry
    command: CommandRow | None


class DivergenceError(EventSourcingError):
    """A re-execution did something else than what is on record.

    Attributes:
        seq: The first entry that is not the same.
    """

    def __init__(self, stored: Entry, again: Entry, *, outside: bool = False) -> None:
        """Say what differs.

        Args:
            stored: The entry on record.
            again: The one that was made again.
            outside: Whether the one on record answers a command from outside: it came while a tick
                was under way.
        """
        message = f"the record has {stored.event_type}, and the run carried out again makes"
        other = again.event_type if again.event_type != stored.event_type else "another one"
        if outside:
            what = f"{stored.command_id!r} came from outside while a tick was under way"
            other += f": {what}, and cannot be done again at the same instant"
        super().__init__(f"{message} {other}", seq=stored.seq)


class ResumingJournal:
    """The history of one run, of which the part after `head` is about to be done again."""

    def __init__(self, journal: Journal, *, head: Head, end: Head) -> None:
        """Begin at `head`.

        Args:
            journal: What is on record.
            head: Where the re-execution begins.
            end: The journal's own head: where it ends.
        """
        self._journal = journal
        self._head = head
        self._end = end

    @property
    def caught_up(self) -> bool:
        """Whether everything that is on record has been done again."""
        return self._head.seq >= self._end.seq

    async def append(self, batch: Batch) -> Head:
        """See `Journal.append`.

        Raises:
            DivergenceError: An entry is not the one on record.
        """
        if self.caught_up:
            self._head = await self._journal.append(batch)
            return self._head
        known = await self.recall([row.command_id for row in batch.commands])
        if known:
            raise KnownCommandError(sorted(known))
        head = check_follows(self._head, batch.entries)
        stored = await self._journal.read(self._head.seq, len(batch.entries))
        for before, again in zip(stored, batch.entries, strict=False):
            if before != again:
                raise await self._divergence(before, again)
        rest = len(stored)
        if rest < len(batch.entries):
            rows = tuple(row for row in batch.commands if row.last_seq > self._end.seq)
            await self._journal.append(
                Batch(batch.entries[rest:], batch.events[rest:], batch.state, rows)
            )
        self._head = head
        return head

    async def _divergence(self, stored: Entry, again: Entry) -> DivergenceError:
        if stored.command_id == again.command_id:
            return DivergenceError(stored, again)
        row = await self._row_of(stored)
        return DivergenceError(stored, again, outside=row is not None and row.body is not None)

    async def ahead(self) -> Recorded | None:
        """Return the first entry that was not done again yet; None where all were."""
        if self.caught_up:
            return None
        (entry,) = await self._journal.read(self._head.seq, 1)
        return Recorded(entry, await self._row_of(entry))

    async def _row_of(self, entry: Entry) -> CommandRow | None:
        name = entry.command_id or ""
        return (await self._journal.recall([name])).get(name)

    async def read(self, after_seq: int = 0, limit: int = 1000) -> list[Entry]:
        """See `Journal.read`."""
        return await self._journal.read(after_seq, min(limit, max(0, self._head.seq - after_seq)))

    async def head(self) -> Head:
        """See `Journal.head`."""
        return self._head

    async def recall(self, command_ids: Sequence[str]) -> dict[str, CommandRow]:
        """See `Journal.recall`."""
        rows = await self._journal.recall(command_ids)
        return {name: row for name, row in rows.items() if row.last_seq <= self._head.seq}

    async def trial_balance(self, upto: int | None = None) -> dict[Book, dict[str, int]]:
        """See `Journal.trial_balance`."""
        return await self._journal.trial_balance(self._head.seq if upto is None else upto)

    async def trade_totals(
        self,
        agent_id: str | None = None,
        low: str = "",
        high: str = "~",
        *,
        upto: int | None = None,
    ) -> TradeTotals:
        """See `Journal.trade_totals`."""
        upto = self._head.seq if upto is None else upto
        return await self._journal.trade_totals(agent_id, low, high, upto=upto)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `Journal.save_snapshot`."""
        await self._journal.save_snapshot(snapshot)

    async def snapshots(self) -> list[Snapshot]:
        """See `Journal.snapshots`."""
        return await self._journal.snapshots()

    async def record(self, kind: str, data: Mapping[str, Scalar]) -> None:
        """See `Journal.record`."""
        await self._journal.record(kind, data)

    async def close(self) -> None:
        """See `Journal.close`."""
        await self._journal.close()


class BorrowedJournal(ResumingJournal):
    """The same for an arena that is not the last one to write it: it stays open."""

    async def close(self) -> None:
        """Leave it open."""
