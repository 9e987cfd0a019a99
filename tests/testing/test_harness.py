"""A whole arena in memory: it is the product's own, and no time passes in it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from actors.app.arena import Arena
from actors.testing import (
    ArenaHarness,
    DownError,
    NeverError,
    assert_conserved,
    assert_gapless,
    assert_replays,
    assert_same_journal,
    deposit,
    flat,
    from_table,
    synthetic,
    trend,
)
from arena.events import AgentSpawned, CapitalAllocated, TickSettled
from arena.exceptions import ValidationError
from arena.money import Money, parse_usd
from arena.policies import POLICIES, Candidate, Target
from arena.rules import AllocationRules
from arena.strategies import BuyAndHold, TacticalTrader
from arena.words import Layer, Tier
from tests.testing.troupe import Half, Part

RISING = trend("BTC", days=40) + flat("ETH", days=40)


@pytest.mark.asyncio
async def test_a_day_is_settled_after_another_and_no_time_passes() -> None:
    async with ArenaHarness(strategies=[Half], market=RISING, agents=3) as arena:
        assert arena.day == 0
        assert await arena.tick() == 1
        assert await arena.run(5) == 6
        assert await arena.run() == 40
        assert await arena.run(3) == 40, "the market has ended"
        await arena.complete()

        assert len(arena.events(TickSettled)) == 40
        assert arena.treasury.completed
        assert_conserved(arena)
        assert_gapless(arena)
        assert_replays(arena)


@pytest.mark.asyncio
async def test_what_a_trader_computes_by_hand_is_what_it_earns() -> None:
    market = from_table("""
        day  BTC
         0   100
         1   100    # decided after this close, 30 days of warm-up are not needed
         2   110
         3   121
    """)
    async with ArenaHarness(
        strategies=[Half], market=market, agents=1, overrides=["costs.fee_bps=0"]
    ) as arena:
        await arena.run()

        assert arena.agent("half") is arena.agent("g000-001")
        assert arena.agent("half").nav == pytest.approx(1 + 0.5 * 0.10 + 0.5 * 0.21 / 2, rel=0.02)


@pytest.mark.asyncio
async def test_what_it_does_is_what_the_product_does() -> None:
    async with ArenaHarness(market=synthetic(days=30), agents=10) as arena:
        await arena.run()
        await arena.complete()

    async with Arena(arena.experiment, arena.spec.market.market) as real:
        await real.backtest()
        await real.complete()
        entries = [entry for entry, _ in await real.replay_events()]

    assert_same_journal(arena, entries)


@pytest.mark.parametrize("runner", ["no loop", "asyncio"])
def test_it_needs_nobody_s_loop(runner: str) -> None:
    async def main() -> int:
        async with ArenaHarness(strategies=[Half], market=RISING) as arena:
            return await arena.run(10)

    if runner == "asyncio":
        assert asyncio.run(main()) == 10
        return
    coroutine = main()
    with pytest.raises(StopIteration) as ended:  # It never waits: as on the loop of any library.
        coroutine.send(None)
    assert ended.value.value == 10


@pytest.mark.asyncio
async def test_it_leaves_no_task_no_thread_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tasks, threads = asyncio.all_tasks(), threading.active_count()

    async with ArenaHarness(strategies=[Half], market=RISING) as arena:
        await arena.run(10)
        assert asyncio.all_tasks() == tasks, "its own tasks are on its own loop"
    with pytest.raises(KeyError, match="enough"):
        async with ArenaHarness(strategies=[Half], market=RISING):
            raise KeyError("enough")

    assert asyncio.all_tasks() == tasks
    assert threading.active_count() == threads
    assert [*tmp_path.iterdir()] == []  # noqa: ASYNC240  # nothing else runs here


@pytest.mark.asyncio
async def test_a_slow_disk_takes_virtual_time_only() -> None:
    began = time.perf_counter()
    async with ArenaHarness(strategies=[Half], market=RISING) as slow:
        slow.slow_disk(latency_s=60.0)
        await slow.run(30)
        slow.mend_disk()
        await slow.run(1)

    assert time.perf_counter() - began < 60
    async with slow.twin() as quick:
        await quick.run(31)
        assert_same_journal(slow, quick)


@pytest.mark.asyncio
async def test_until_waits_for_what_holds_and_says_how_things_stood_where_it_never_does() -> None:
    def rich(arena: ArenaHarness) -> bool:
        return arena.agent("g000-001").equity > parse_usd("10500.00")

    async with ArenaHarness(strategies=[Half], market=RISING, agents=2) as arena:
        assert await arena.until(lambda arena: arena.day >= 3) == 3
        assert await arena.until(lambda _: True) == 3, "at once"
        day = await arena.until(rich)
        assert 8 < day < 14
        with pytest.raises(NeverError) as never:
            await arena.until(lambda arena: arena.agent("g000-001").trades > 99, days_max=4)

    message = str(never.value)
    assert "test_harness.py:" in message
    assert f"did not hold on any of the days {day} to {day + 4}" in message
    assert "g000-001 (half) in simulation: $10," in message


@pytest.mark.asyncio
async def test_agents_and_events_are_found_by_their_names() -> None:
    async with ArenaHarness(strategies=[Half], market=RISING, agents=2) as arena:
        await arena.tick()

        born = arena.events(AgentSpawned)
        assert [event.agent_id for event in born] == ["g000-001", "g000-002"]
        assert arena.events("AgentSpawned") == born
        assert len(arena.events()) == len(arena.entries)
        with pytest.raises(KeyError, match="no event is called 'AgentBorn'; there are"):
            arena.events("AgentBorn")
        with pytest.raises(
            KeyError, match=r"2 agents are called 'half'; there are g000-001 \(half"
        ):
            arena.agent("half")
        with pytest.raises(KeyError, match="0 agents are called 'ada'"):
            arena.agent("ada")


@pytest.mark.asyncio
async def test_the_verbs_of_the_product_are_there() -> None:
    async with ArenaHarness(strategies=[Part], market=RISING, agents=0) as arena:
        plain, bold = await arena.spawn("part"), await arena.spawn("part", share=0.9)
        note = await arena.do(lambda real: real.emit_event("hello"))
        await arena.run(3)

        held = [arena.agent(one).portfolio.positions["BTC"] for one in (plain, bold)]
        assert held[1] / held[0] == pytest.approx(0.9 / 0.5, rel=0.05)
        assert arena.entries[note.receipt.seq - 1].event_type == "NoteRecorded"


@pytest.mark.asyncio
async def test_open_gates_let_everyone_rise_to_real_capital() -> None:
    async with ArenaHarness(strategies=[Half], market=RISING, open_gates=True) as arena:
        await arena.until(lambda arena: arena.agent("g000-001").layer is Layer.ARENA)

        assert {event.reason for event in arena.events(CapitalAllocated)} == {"seat", "entry"}
        assert_conserved(arena)


@pytest.mark.asyncio
async def test_a_policy_of_the_test_s_own_weighs() -> None:
    asked: list[int] = []

    def weigh_nobody(
        candidates: Sequence[Candidate], amount: int, rules: AllocationRules
    ) -> list[Target]:
        asked.append(len(candidates))
        return [Target(candidate=one, tier=Tier.ELITE, amount=Money(0)) for one in candidates]

    async with ArenaHarness(
        strategies=[Half], market=RISING, open_gates=True, policy=weigh_nobody, agents=3
    ) as arena:
        await arena.run(30)

        assert arena.experiment.rules.allocation.policy == "nobody"
        assert max(asked) >= 3
        assert arena.agent("g000-001").equity == 0, "it had its entry, and then nothing"
    assert (
        ArenaHarness(policy="equal", market=RISING, strategies=[Half]).experiment.policy
        is (POLICIES["equal"])
    )


def test_what_cannot_be_run_is_refused_before_anything_runs() -> None:
    with pytest.raises(ValidationError, match="policy: found 'fair', needed a function, or one of"):
        ArenaHarness(policy="fair")
    with pytest.raises(ValidationError, match="one of kind lending, for strategy 'defi-yield-"):
        ArenaHarness(market=RISING)
    with pytest.raises(ValidationError, match="'btc_mvrv', which strategy 'tactical-trader' can"):
        ArenaHarness(market=RISING, strategies=[TacticalTrader])
    with pytest.raises(ValidationError, match="one of kind spot, for strategy 'buy-and-hold'"):
        ArenaHarness(strategies=[BuyAndHold], market=deposit("aave"))


@pytest.mark.asyncio
async def test_who_is_not_up_says_so() -> None:
    arena = ArenaHarness(strategies=[Half], market=RISING)

    with pytest.raises(DownError, match="async with"):
        await arena.tick()
    async with arena:
        await arena.crash()
        with pytest.raises(DownError, match="restart"):
            await arena.tick()
