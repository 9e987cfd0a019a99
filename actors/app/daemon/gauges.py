"""Gauges: what the daemon measures of itself.

The rule: whoever is measured pays for an addition and no more.  A step and a commit are counted
where they end; everything else is read when somebody asks for a `snapshot`.  Nothing measured here
reaches the journal, so a run that is watched writes what one that is not watched writes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeAlias

from actors.app.bootstrap import Cast
from actors.journal.chain import Entry, Head
from actors.journal.port import Batch, Journal, Snapshot
from actors.journal.resuming import ResumingJournal
from actors.runtime import Clock, StepBudget, WallClock
from arena.events import AgentFailed, Event

COMMIT_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0)
"""Upper bounds of the buckets of a commit; from 30 s on a daemon does not count as alive."""

STEP_BOUNDS_S = (1e-5, 2.5e-5, 1e-4, 2.5e-4, 1e-3, 2.5e-3, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5)
"""The same of a step of a strategy."""

OF_ACTORS = (
    "allocator_queue_depth",
    "mailbox_depth",
    "mailbox_capacity",
    "mailbox_fill",
    "dead_letters",
    "agents_running",
    "overruns",
)
"""What is read from the actors; 0 before there are any."""

Committed: TypeAlias = Callable[[Sequence[Entry], Sequence[Event]], None]
"""Told which events are on disk now that were not before."""


class Histogram:
    """How often something took how long."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        """Begin empty.

        Args:
            bounds: The upper bound of each bucket, itself included; one without bound follows.

        Raises:
            ValueError: There is none, or they do not rise.
        """
        if not bounds or list(bounds) != sorted(set(bounds)):
            raise ValueError(f"bounds must rise, were {list(bounds)}")
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def snapshot(self) -> dict[str, Any]:
        """Return `buckets` as [upper bound, how many up to it], their `sum` and `count`.

        What is above the last bound is in `count` only.
        """
        upto = [*accumulate(self._counts)]
        buckets = [[bound, n] for bound, n in zip(self._bounds, upto, strict=False)]
        return {"buckets": buckets, "sum": self._sum, "count": upto[-1]}


class Gauges:
    """What is measured of one daemon, from its start.

    Attributes:
        commit_seconds: What each append to the journal took.
        agent_step_seconds: What each step of a strategy took.
        web_restarts: How often the web child was started again.
    """

    def __init__(self, database: Path | None = None, *, clock: Clock | None = None) -> None:
        """Begin to measure.

        Args:
            database: The run's; None where it is kept in memory.
            clock: Measures intervals.
        """
        self.commit_seconds = Histogram(COMMIT_BOUNDS_S)
        self.agent_step_seconds = Histogram(STEP_BOUNDS_S)
        self.web_restarts = 0
        self._database = database
        self._clock = clock or WallClock()
        self._failures: Counter[str] = Counter()
        self._committed_s = self._kept_s = self._clock.monotonic_s()
        self._cast: Cast | None = None

    def attach(self, cast: Cast, budget: StepBudget) -> None:
        """Measure the actors of `cast`, and the steps that `budget` bounds, from now on."""
        self._cast = cast
        budget.observed = self.agent_step_seconds.observe

    @property
    def commit_age_s(self) -> float:
        """Seconds since the last commit; since the start, where there was none."""
        return self._clock.monotonic_s() - self._committed_s

    def allocator_waiting(self) -> tuple[int, int]:
        """Return how many messages wait for the allocator, and how many may."""
        if self._cast is None:
            return 0, 1
        mailbox = self._cast.allocator.mailbox
        return len(mailbox), sum(mailbox.capacity.values())

    def now_s(self) -> float:
        """Return the clock's seconds, for what is timed elsewhere."""
        return self._clock.monotonic_s()

    def committed(self, began_s: float, events: Sequence[Event]) -> None:
        """Take note of a commit.

        Args:
            began_s: When it began, by `now_s`.
            events: What is on disk by it.
        """
        self._committed_s = self._clock.monotonic_s()
        self.commit_seconds.observe(self._committed_s - began_s)
        for event in events:
            if type(event) is AgentFailed:
                self._failures[event.kind] += 1

    def kept(self) -> None:
        """Take note of a snapshot."""
        self._kept_s = self._clock.monotonic_s()

    def snapshot(self) -> dict[str, Any]:
        """Return everything as plain JSON, by the names of `docs/reference/metrics.md`.

        `mailbox_fill` is that of the fullest mailbox among those that the whole run waits for, 0 to
        1; no agent's counts.  `snapshot_age_s` begins with the daemon.
        """
        return {
            **self._actors(),
            "agent_failures": dict(sorted(self._failures.items())),
            "commit_seconds": self.commit_seconds.snapshot(),
            "agent_step_seconds": self.agent_step_seconds.snapshot(),
            "snapshot_age_s": self._clock.monotonic_s() - self._kept_s,
            "db_bytes": self._size(""),
            "wal_bytes": self._size("-wal"),
            "web_restarts": self.web_restarts,
        }

    def _actors(self) -> dict[str, Any]:
        cast = self._cast
        if cast is None:
            return dict.fromkeys(OF_ACTORS, 0)
        boxes = [(len(box), sum(box.capacity.values())) for box in cast.system.mailboxes()]
        return {
            "allocator_queue_depth": len(cast.allocator.mailbox),
            "mailbox_depth": sum(waiting for waiting, _ in boxes),
            "mailbox_capacity": sum(room for _, room in boxes),
            "mailbox_fill": max(cast.allocator.mailbox.fill, cast.desk.mailbox.fill),
            "dead_letters": cast.system.dead_letters.count,
            "agents_running": len(cast.agents),
            "overruns": len(cast.overruns),
        }

    def _size(self, suffix: str) -> int:
        """Return the bytes of the database or what stands beside it; 0 where there is nothing."""
        if self._database is None:
            return 0
        try:
            return self._database.with_name(self._database.name + suffix).stat().st_size
        except FileNotFoundError:
            return 0


class MeteredJournal(ResumingJournal):
    """The same journal, and what is written is measured and told.

    What was on record before, and is only done again, is neither.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        head: Head,
        end: Head,
        gauges: Gauges,
        committed: Committed | None = None,
    ) -> None:
        """Begin at `head`; see `ResumingJournal`.

        Args:
            journal: What is on record.
            head: Where the re-execution begins.
            end: The journal's own head.
            gauges: Where a commit is measured.
            committed: Told of each commit, on the loop, before anyone is answered.
        """
        super().__init__(journal, head=head, end=end)
        self._gauges = gauges
        self._committed = committed

    async def append(self, batch: Batch) -> Head:
        """See `ResumingJournal.append`."""
        before = (await self.head()).seq
        began_s = self._gauges.now_s()
        head = await super().append(batch)
        known = min(max(self._end.seq - before, 0), len(batch.entries))
        if known < len(batch.entries) or not batch.entries:
            events = batch.events[known:]
            self._gauges.committed(began_s, events)
            if self._committed is not None and events:
                self._committed(batch.entries[known:], events)
        return head

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `Journal.save_snapshot`."""
        await super().save_snapshot(snapshot)
        self._gauges.kept()
