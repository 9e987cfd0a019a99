"""One life of an arena under test: from its start, or from what its journal says, to its end.

The rule: a life knows nothing but the disk.  It resumes as the product does: from the newest
snapshot that fits, by doing again what is on record since then, entry by entry.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.app.snapshots import VERSION, NotPlainError, delayed_in, memories_in, treasury_in
from actors.journal.chain import Head
from actors.journal.resuming import ResumingJournal
from actors.runtime import ManualClock
from actors.simulator import DiskFaults, Moment, SimDisk, SimJournal
from actors.testing.spec import Spec
from actors.venues import Courier
from arena.experiment import Experiment

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""What the clock of a courier says: it moves when somebody waits, and nobody does."""


class Life:
    """An arena on a disk, from one start to one end.

    Attributes:
        arena: As the product has it.
        journal: Its journal, whose disk may fail.
    """

    def __init__(self, arena: Arena, journal: SimJournal, resuming: ResumingJournal) -> None:
        self.arena = arena
        self.journal = journal
        self._resuming = resuming
        self._cycle = arena.treasury.cycle
        self._plain = True

    @classmethod
    async def begin(
        cls,
        experiment: Experiment,
        spec: Spec,
        disk: SimDisk,
        rng: random.Random,
        *,
        faults: DiskFaults,
        opened: Callable[[Arena], None],
    ) -> Life:
        """Start an arena on `disk`, and do again what is on record and in no snapshot.

        Args:
            experiment: What is run.
            spec: On which market, and at which venue.
            disk: What is on record.
            rng: Draws how long the disk takes.
            faults: How bad the disk is.
            opened: Called with the arena before anything is done again.

        Raises:
            DivergenceError: It is not done again as it is on record.
        """
        journal = SimJournal(disk, rng, watch=lambda _: None)
        journal.faults = faults
        start = await find_start(disk, experiment)
        resuming = ResumingJournal(journal, head=start.head, end=await disk.rows.head())
        courier = None if spec.venue is None else Courier(spec.venue, ManualClock(NEVER))
        bars = spec.market.market
        arena = Arena(experiment, bars, resuming, start=start, courier=courier)
        await arena.__aenter__()
        try:
            opened(arena)
            while not resuming.caught_up:
                await arena.backtest(1)
        except BaseException:
            await arena.__aexit__(None, None, None)
            raise
        return cls(arena, journal, resuming)

    async def end(self) -> None:
        """Stop everyone, and close the journal."""
        await self.arena.__aexit__(None, None, None)

    def cut_power_at(self, moment: Moment) -> None:
        """Let the power go when the next append passes `moment`."""

        def watch(passed: Moment) -> None:
            if passed is moment:
                self.journal.cut()

        self.journal.watch = watch

    async def save(self, *, always: bool) -> None:
        """Save a snapshot if a cycle has ended since the last one; between days only."""
        cycle, self._cycle = self._cycle, self.arena.treasury.cycle
        if self._plain and (always or self._cycle > cycle):
            try:
                await self.arena.save_snapshot()
            except NotPlainError:
                self._plain = False  # As in the product: it will be resumed from its beginning.


async def find_start(disk: SimDisk, experiment: Experiment) -> Start:
    """Return where a life begins: at the newest snapshot that is of this history."""
    start = Start.beginning(experiment)
    for snapshot in await disk.rows.snapshots():
        entries = disk.rows.entries[: snapshot.seq]
        fits = len(entries) == snapshot.seq and entries[-1].hash == snapshot.event_hash
        if fits and snapshot.version == VERSION:
            return replace(
                start,
                head=Head(snapshot.seq, snapshot.event_hash),
                treasury=treasury_in(snapshot, experiment),
                memories=memories_in(snapshot),
                delayed=delayed_in(snapshot),
            )
    return start
