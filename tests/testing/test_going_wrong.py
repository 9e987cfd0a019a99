"""What can go wrong goes wrong when the test says so, and the arena bears it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actors.journal.port import StorageError
from actors.journal.resuming import DivergenceError
from actors.testing import (
    ArenaHarness,
    Fault,
    Moment,
    assert_conserved,
    assert_gapless,
    assert_replays,
    assert_same_journal,
    floods,
    hangs,
    raises,
    returns_nan,
    trend,
)
from arena.events import AgentFailed, AgentQuarantined, TickSettled
from tests.contracts.exchange import Exchange
from tests.testing.troupe import Counter, Forgetful, Half

RISING = trend("BTC", days=24)

KINDS = [
    (raises, "raised", "InjectedError: g000-002 was told to raise on day 5"),
    (hangs, "hung", "decide took more than 2 s"),
    (returns_nan, "wrong_answer", "weight of 'BTC' is nan, needed 0 to 1"),
    (floods, "raised", "MailboxFull: 'allocator' has 16384 messages waiting in lane 'agents'"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("fault", "kind", "message"), KINDS, ids=lambda each: str(each)[:12])
async def test_who_breaks_breaks_alone_and_on_its_day(
    fault: Callable[..., Fault], kind: str, message: str
) -> None:
    async with ArenaHarness(
        strategies=[Half], market=RISING, agents=3, faults=[fault("g000-002", on=5)]
    ) as arena:
        await arena.run(20)

        (failed,) = arena.events(AgentFailed)
        assert (failed.agent_id, failed.tick, failed.kind) == ("g000-002", 5, kind)
        assert message in failed.message
        assert arena.agent("g000-001").trades
        assert_conserved(arena)
        assert_replays(arena)


@pytest.mark.asyncio
async def test_three_faults_are_a_quarantine() -> None:
    async with ArenaHarness(strategies=[Half], market=RISING, agents=2) as arena:
        await arena.run(2)
        for day in (2, 3, 4):
            arena.inject(raises("g000-001", on=day))
        await arena.until(lambda arena: arena.events(AgentQuarantined), days_max=5)


@pytest.mark.asyncio
async def test_a_full_disk_stops_the_run_and_loses_nothing() -> None:
    async with ArenaHarness(strategies=[Half], market=RISING) as arena:
        await arena.run(10)
        known = len(arena.entries)
        arena.fill_disk()

        with pytest.raises(StorageError, match="the disk is full"):
            await arena.tick()
        assert len(arena.entries) == known
        arena.mend_disk()
        await arena.restart()
        await arena.run()

        async with arena.twin() as never:
            await never.run()
            assert_same_journal(arena, never)


@pytest.mark.asyncio
@pytest.mark.parametrize("moment", [None, *Moment])
@pytest.mark.parametrize("day", [0, 7, 16])
async def test_a_crash_at_any_moment_leads_to_the_bytes_of_none(
    moment: Moment | None, day: int
) -> None:
    faults = [raises("g000-001", on=15), hangs("g000-002", on=day)]
    async with ArenaHarness(
        strategies=[Counter, Half], market=RISING, open_gates=True, faults=faults
    ) as arena:
        await arena.run(day)
        before = arena.treasury
        await arena.crash(moment)
        await arena.restart()
        assert arena.treasury is not before, "everything but the journal is gone"
        await arena.restart()
        await arena.run()
        assert_gapless(arena)
        assert_conserved(arena)
        assert_replays(arena)

        async with arena.twin() as never:
            await never.run()
            assert_same_journal(arena, never)


@pytest.mark.asyncio
async def test_what_was_done_by_hand_survives_a_crash() -> None:
    async with ArenaHarness(strategies=[Half], market=RISING, agents=1) as arena:
        await arena.run(3)
        late = await arena.do(lambda real: real.spawn_agent("half"))
        await arena.run(2)
        await arena.crash()
        await arena.restart()

        assert arena.agent(late).trades
        await arena.run(3)
        assert_replays(arena)


@pytest.mark.asyncio
async def test_who_keeps_what_a_crash_takes_is_found_out() -> None:
    async with ArenaHarness(strategies=[Forgetful], market=RISING, agents=2) as arena:
        await arena.run(10)
        with pytest.raises(DivergenceError, match="the record has TickSettled"):
            await arena.restart()


@pytest.mark.asyncio
async def test_a_venue_that_fails_is_one_of_the_test_s_own() -> None:
    fates = iter(["refused", "fine", "silent", "fine", "lost", "fine"] + ["fine"] * 999)
    exchange = Exchange(lambda: next(fates))
    async with ArenaHarness(strategies=[Half], market=RISING, agents=2, venue=exchange) as arena:
        await arena.run(8)
        await arena.restart()
        await arena.run()

        fills = [fill for tick in arena.events(TickSettled) for fill in tick.fills]
        assert [fill.order_id for fill in exchange.executed] == [fill.order_id for fill in fills]
        assert_conserved(arena)
