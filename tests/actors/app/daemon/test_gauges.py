"""What is measured is what happened, and a run that is watched writes the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.arena import Arena
from actors.app.daemon.gauges import STEP_BOUNDS_S, Gauges, Histogram, MeteredJournal
from actors.journal.chain import Head
from actors.journal.memory import MemoryJournal
from actors.journal.port import Journal
from actors.journal.resuming import BorrowedJournal
from actors.runtime import ManualClock
from arena.events import Event
from arena.experiment import manifest
from arena.market import MarketView
from arena.strategies import BookView, Decision, Memory, Strategy
from tests.worlds import a_run

CONTRACT = {
    "allocator_queue_depth",
    "mailbox_depth",
    "mailbox_capacity",
    "mailbox_fill",
    "dead_letters",
    "agents_running",
    "overruns",
    "agent_failures",
    "commit_seconds",
    "agent_step_seconds",
    "snapshot_age_s",
    "db_bytes",
    "wal_bytes",
    "web_restarts",
}


class Broken(Strategy):
    """Breaks whenever it is asked.

    Idea: none.  Watches: nothing.  Trades: nothing.  Risk: none.
    """

    name = "broken"
    family = "test"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        raise RuntimeError


@given(st.lists(st.floats(0, 5), max_size=50))
def test_each_bucket_holds_what_is_up_to_its_bound(values: list[float]) -> None:
    histogram = Histogram(STEP_BOUNDS_S)
    for value in values:
        histogram.observe(value)
    shown = histogram.snapshot()

    assert shown["buckets"] == [
        [bound, sum(value <= bound for value in values)] for bound in STEP_BOUNDS_S
    ]
    assert shown["count"] == len(values)
    assert shown["sum"] == pytest.approx(sum(values))


@pytest.mark.parametrize("bounds", [(), (1.0, 1.0), (2.0, 1.0)])
def test_bounds_that_do_not_rise_are_refused(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="bounds must rise"):
        Histogram(bounds)


@pytest.mark.asyncio
async def test_a_watched_run_is_measured_and_writes_the_same() -> None:
    experiment, market = a_run(days=9, agents=3)
    plain, watched = MemoryJournal(manifest(experiment)), MemoryJournal(manifest(experiment))
    gauges, told = Gauges(clock=ManualClock(datetime(2026, 1, 1, tzinfo=UTC))), []
    async with Arena(experiment, market, plain) as arena:
        await arena.backtest(9)
        expected = await plain.head()
    metered = await begin(watched, gauges, told)
    async with Arena(experiment, market, metered) as arena:
        gauges.attach(arena.cast, arena.budget)
        await arena.backtest(9)
        await arena.save_snapshot()
        shown = gauges.snapshot()
        assert await watched.head() == expected

    assert shown.keys() == CONTRACT
    assert json.loads(json.dumps(shown)) == shown
    assert shown["agents_running"] >= 3
    assert shown["mailbox_capacity"] > shown["mailbox_depth"] == 0
    assert shown["commit_seconds"]["count"] > 9
    assert shown["agent_step_seconds"]["count"] >= 3 * 9
    assert [seq for seq, _ in told] == list(range(1, expected.seq + 1))


@pytest.mark.asyncio
async def test_failures_are_counted_by_their_kind() -> None:
    experiment, market = a_run(days=2, agents=2, strategies=[Broken])
    gauges = Gauges()
    metered = await begin(MemoryJournal(manifest(experiment)), gauges, [])
    async with Arena(experiment, market, metered) as arena:
        await arena.backtest(2)

    assert gauges.snapshot()["agent_failures"] == {"raised": 4}


@pytest.mark.asyncio
async def test_what_is_only_done_again_is_neither_measured_nor_told() -> None:
    experiment, market = a_run(days=6, agents=3)
    record = MemoryJournal(manifest(experiment))
    genesis = await record.head()
    async with Arena(
        experiment, market, BorrowedJournal(record, head=genesis, end=genesis)
    ) as arena:
        await arena.backtest(3)
    gauges, told = Gauges(), []
    end = await record.head()
    metered = await begin(record, gauges, told, start=genesis)
    async with Arena(experiment, market, metered) as arena:
        await arena.backtest(3)
        before = (list(told), gauges.snapshot()["commit_seconds"]["count"])
        await arena.backtest(1)
        new = range(end.seq + 1, (await record.head()).seq + 1)

    assert before == ([], 0)
    assert [seq for seq, _ in told] == [*new]
    assert gauges.snapshot()["commit_seconds"]["count"] > 0


def test_ages_are_counted_from_the_last_time_and_first_from_the_start(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    (tmp_path / "run.db").write_bytes(b"12345")
    gauges = Gauges(tmp_path / "run.db", clock=clock)
    clock.advance(3.0)
    began_s = gauges.now_s()
    clock.advance(0.02)

    assert gauges.commit_age_s == pytest.approx(3.02)
    gauges.committed(began_s, [])
    gauges.kept()
    clock.advance(2.0)
    shown = gauges.snapshot()

    assert gauges.commit_age_s == shown["snapshot_age_s"] == pytest.approx(2.0)
    assert shown["commit_seconds"]["sum"] == pytest.approx(0.02)
    assert (shown["db_bytes"], shown["wal_bytes"]) == (5, 0)
    assert shown["mailbox_depth"] == 0


async def begin(
    journal: Journal, gauges: Gauges, told: list[tuple[int, Event]], *, start: Head | None = None
) -> MeteredJournal:
    """Return a metered journal at `start` or the end; `told` gets what is committed."""
    end = await journal.head()
    return MeteredJournal(
        journal,
        head=start or end,
        end=end,
        gauges=gauges,
        committed=lambda entries, events: told.extend(
            (entry.seq, event) for entry, event in zip(entries, events, strict=True)
        ),
    )
