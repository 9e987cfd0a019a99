"""Momentum holds what rose most, and nothing in a market that falls."""

import pytest
from arena_momentum import Momentum

from actors.testing import ArenaHarness, assert_conserved, assert_schedule_free, synthetic, trend


@pytest.mark.arena(seeds=5)
async def test_it_holds_the_strongest_coin_and_no_other() -> None:
    market = trend("BTC", daily=0.002, warmup=300) + trend("ETH", daily=0.01, warmup=300)
    async with ArenaHarness(strategies=[Momentum], market=market) as arena:
        agent = await arena.do(lambda here: here.spawn_agent("momentum", coins=1))
        await arena.run(10)

        assert [*arena.agent(agent).portfolio.positions] == ["ETH"]
        assert_conserved(arena)


@pytest.mark.arena(seeds=5)
async def test_it_stays_out_of_a_market_that_falls() -> None:
    market = trend("BTC", "ETH", daily=-0.01, warmup=300)
    async with ArenaHarness(strategies=[Momentum], market=market) as arena:
        await arena.run(30)

        assert all(agent.trades == 0 for agent in arena.treasury.population())


@pytest.mark.arena(seeds=2)
async def test_no_schedule_changes_what_it_does() -> None:
    async with ArenaHarness(strategies=[Momentum], market=synthetic(days=20)) as arena:
        await arena.run()

        assert arena.events("AgentFailed") == []
        await assert_schedule_free(arena)
