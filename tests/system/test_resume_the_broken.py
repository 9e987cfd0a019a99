"""A run goes on from the end of any day, whichever agents break, and whenever they do."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import a_run, with_open_gates

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.app.snapshots import (
    NotPlainError,
    memories_in,
    take_snapshot,
    treasury_in,
)
from actors.journal.chain import Head
from actors.journal.memory import MemoryJournal
from actors.journal.port import Snapshot
from actors.journal.resuming import ResumingJournal
from arena.experiment import Experiment, manifest
from arena.ids import AgentId
from arena.market import Market, MarketView
from arena.money import Money
from arena.strategies import BookView, Decision, Memory, Strategy
from arena.treasury import Treasury

pytestmark = pytest.mark.asyncio

AHEAD = 8
"""Days that are done again after each snapshot: one cycle is among them."""


class Calm(Strategy):
    name = "calm"
    family = "calm"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        memory["days"] = memory.get("days", 0) + 1
        return {"BTC": market.now % 4 / 5}


class Moody(Calm):
    name = "moody"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        decision = super().decide(market, book, memory)
        if memory["days"] == 5:
            raise RuntimeError("not today")
        return decision

    def capacity(self, market: MarketView, book: BookView) -> Money | None:
        if market.now % 3 == 0:
            raise RuntimeError("do not ask")
        return None


class Unborn(Calm):
    name = "unborn"

    def __init__(self, *_: Any) -> None:
        raise RuntimeError("not made")


async def whole(experiment: Experiment, market: Market) -> tuple[MemoryJournal, list[Snapshot]]:
    """Run it undisturbed; return its journal, and a snapshot of the end of each day."""
    journal, snapshots = MemoryJournal(manifest(experiment)), []
    async with Arena(experiment, market, journal) as arena:
        for _ in range(experiment.market.ticks):
            await arena.backtest(1)
            cast = arena.cast
            snapshots.append(take_snapshot(arena.treasury, cast.allocator.head, cast.memories))
    return journal, snapshots


class Kept(ResumingJournal):
    """What is on record; it stays open for the next resumption."""

    async def close(self) -> None:
        """Leave it open."""


@pytest.mark.parametrize("broken", [Moody, Unborn])
async def test_a_run_goes_on_from_any_day_whoever_breaks(broken: type[Strategy]) -> None:
    experiment, market = a_run(days=21, agents=8, strategies=[broken, Calm])
    experiment = with_open_gates(experiment)
    journal, snapshots = await whole(experiment, market)
    again = MemoryJournal(manifest(experiment))
    again.entries, again.commands = journal.entries, journal.commands
    again.ledger, end = journal.ledger, Head(journal.entries[-1].seq, journal.entries[-1].hash)
    run_id = Start.beginning(experiment).run_id

    for snapshot in snapshots[:-AHEAD]:
        head, treasury = Head(snapshot.seq, snapshot.event_hash), treasury_in(snapshot, experiment)
        start = Start(run_id, head, treasury, memories_in(snapshot))
        record = Kept(again, head=head, end=end)
        async with Arena(experiment, market, record, start=start) as arena:
            assert await arena.backtest(AHEAD) == snapshot.tick + AHEAD, "else it diverged"


def _deep() -> Memory:
    memory: Memory = {}
    for _ in range(100_000):
        memory = {"before": memory}
    return memory


def _shared() -> Memory:
    window: list[float] = []
    return {"all": window, "by name": {"BTC": window}}


@pytest.mark.parametrize("memory", [_deep(), _shared(), {1: 2}, {"pair": (1, 2)}])
async def test_a_memory_that_would_not_come_back_as_it_is_is_not_saved(memory: Memory) -> None:
    experiment, _ = a_run(days=1)

    with pytest.raises(NotPlainError):
        take_snapshot(Treasury(experiment), Head(0, ""), {AgentId("one"): memory})
