"""`SimJournal`: a journal on a disk that is slow, full, broken or dead when the seed says so.

The rule: a batch is volatile from the moment it is written until it is synced, and only then
durable.  A crash asks the disk which of the volatile batches survive: none, or the first few, as a
checksummed log has it.  The disk outlives the process; each life opens a journal of its own on it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from actors.journal.chain import Entry, Head
from actors.journal.memory import MemoryJournal
from actors.journal.port import Batch, CommandRow, Snapshot, StorageError, TradeTotals
from arena.exceptions import ArenaError, EventSourcingError
from arena.words import Book, Scalar


class Moment(StrEnum):
    """Where an append can be when the power goes."""

    BEFORE = "before_commit"
    DURING = "during_commit"
    AFTER = "after_commit"
    RETURNED = "before_reply"


@dataclass(frozen=True, slots=True)
class DiskFaults:
    """How bad a disk is; the rates are probabilities for each append.

    Attributes:
        latency_s: The longest that one step of an append takes, unless it stalls.
        stall: That it stands still for `stall_s`.
        full: That there is no room: nothing is written, and it says so.
        sync_error: That the sync fails: nobody knows what was written.
        stall_s: How long a stall is.
    """

    latency_s: float = 0.0
    stall: float = 0.0
    full: float = 0.0
    sync_error: float = 0.0
    stall_s: float = 30.0


NO_FAULTS = DiskFaults()


class SimDisk:
    """What outlives a process.

    Attributes:
        rows: What is durable.
        volatile: What was written and not synced.
    """

    def __init__(self, manifest: str) -> None:
        self.rows = MemoryJournal(manifest)
        self.volatile: list[Batch] = []

    @property
    def seq(self) -> int:
        """The last durable entry."""
        return len(self.rows.entries)

    async def sync(self) -> Head:
        """Make durable what was written.

        Raises:
            EventSourcingError: It does not follow; nothing of it is kept.
        """
        waiting, self.volatile = self.volatile, []
        for batch in waiting:
            await self.rows.append(batch)
        return await self.rows.head()

    async def restart(self, rng: random.Random) -> None:
        """Come back after a crash with some of what was not synced: the first so many batches."""
        survivors = self.volatile[: rng.randint(0, len(self.volatile))]
        self.volatile = []
        for batch in survivors:
            try:
                await self.rows.append(batch)
            except EventSourcingError:  # The database would have refused it before the commit.
                return


class SimJournal:
    """One process's journal on a `SimDisk`; see `Journal` for what it promises.

    Attributes:
        faults: How bad the disk is now; can be changed at any time.
        watch: Called at each moment of each append; it may cut the power.
        appends: How many were begun.
        sync_failed: Whether a sync failed: nobody knows what is on the disk.
        defied: Appends that were begun nevertheless.
    """

    def __init__(
        self, disk: SimDisk, rng: random.Random, *, watch: Callable[[Moment], None]
    ) -> None:
        self.faults = NO_FAULTS
        self.watch = watch
        self.appends = 0
        self.sync_failed = False
        self.defied = 0
        self._disk = disk
        self._rng = rng
        self._power: ArenaError | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def cut(self) -> None:
        """Cut the power: whoever waits for the disk, now or later, waits in vain."""
        self._power = error = StorageError("the power was cut", definite=False)
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(error)

    async def append(self, batch: Batch) -> Head:
        """See `Journal.append`."""
        self.appends += 1
        self.defied += self.sync_failed
        await self._take_time()
        self._pass(Moment.BEFORE)
        if self._rng.random() < self.faults.full:
            raise StorageError("the disk is full", definite=True)
        self._disk.volatile.append(batch)
        await self._take_time()
        self._pass(Moment.DURING)
        if self._rng.random() < self.faults.sync_error:
            self.sync_failed = True
            self._power = failed = StorageError("the sync failed", definite=False)
            raise failed
        head = await self._disk.sync()
        self._pass(Moment.AFTER)
        await self._take_time()
        self._pass(Moment.RETURNED)
        return head

    async def recall(self, command_ids: Sequence[str]) -> dict[str, CommandRow]:
        """See `Journal.recall`."""
        await self._take_time()
        return await self._disk.rows.recall(command_ids)

    async def read(self, after_seq: int = 0, limit: int = 1000) -> list[Entry]:
        """See `Journal.read`."""
        await self._take_time()
        return await self._disk.rows.read(after_seq, limit)

    async def head(self) -> Head:
        """See `Journal.head`."""
        await self._take_time()
        return await self._disk.rows.head()

    async def trial_balance(self, upto: int | None = None) -> dict[Book, dict[str, int]]:
        """See `Journal.trial_balance`."""
        await self._take_time()
        return await self._disk.rows.trial_balance(upto)

    async def trade_totals(
        self,
        agent_id: str | None = None,
        low: str = "",
        high: str = "~",
        *,
        upto: int | None = None,
    ) -> TradeTotals:
        """See `Journal.trade_totals`."""
        await self._take_time()
        return await self._disk.rows.trade_totals(agent_id, low, high, upto=upto)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `Journal.save_snapshot`."""
        await self._take_time()
        await self._disk.rows.save_snapshot(snapshot)

    async def snapshots(self) -> list[Snapshot]:
        """See `Journal.snapshots`."""
        await self._take_time()
        return await self._disk.rows.snapshots()

    async def record(self, kind: str, data: Mapping[str, Scalar]) -> None:
        """See `Journal.record`."""
        await self._take_time()
        await self._disk.rows.record(kind, data)

    async def close(self) -> None:
        """See `Journal.close`."""
        self._power = EventSourcingError("the journal is closed")

    def _pass(self, moment: Moment) -> None:
        """Let the watcher see this moment; it is the last one if the power is cut in it."""
        self.watch(moment)
        if self._power is not None:
            raise self._power

    async def _take_time(self) -> None:
        """Wait for the disk."""
        if self._power is not None:
            raise self._power
        faults = self.faults
        delay_s = self._rng.random() * faults.latency_s
        if self._rng.random() < faults.stall:
            delay_s += faults.stall_s
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(delay_s, _wake, waiter)
        self._waiting = [each for each in self._waiting if not each.done()] + [waiter]
        try:
            await waiter
        finally:
            timer.cancel()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
