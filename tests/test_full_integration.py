"""The mission, as a list: each test is one line of what the arena was built to do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from worlds import a_run, with_open_gates

from actors import app
from actors.app.arena import Arena
from arena.events import (
    AgentGraduated,
    AllocationError,
    CapitalAllocated,
    EvolutionCycleComplete,
    TickSettled,
)
from arena.exceptions import AllocationError as Refused
from arena.ids import AgentId
from arena.money import parse_usd
from arena.orders import Order, TradeStatus
from arena.words import Layer

pytestmark = pytest.mark.asyncio


async def test_ten_agents_are_spawned_in_simulation() -> None:
    async with Arena(*a_run(agents=0)) as arena:
        for _ in range(5):
            await arena.spawn_agent("defi-yield-farmer")
            await arena.spawn_agent("tactical-trader", asset="ETH", signal="trend")

        population = arena.treasury.population()

        assert len(population) == 10
        assert {agent.layer for agent in population} == {Layer.SIMULATION}
        assert {agent.equity for agent in population} == {parse_usd("10000.00")}


async def test_a_thirty_day_backtest_settles_thirty_days() -> None:
    async with Arena(*a_run(days=30)) as arena:
        reached = await arena.backtest(30)

        settled = await arena.replay_events(event_type="TickSettled")

        assert reached == 30
        assert [e.tick for _, e in settled if isinstance(e, TickSettled)] == list(range(1, 31))


async def test_top_performers_graduate() -> None:
    async with Arena(*a_run(days=60, agents=20)) as arena:
        await arena.backtest()

        rose = await arena.replay_events(event_type="AgentGraduated")

        assert rose, "nobody graduated"
        for _, event in rose:
            assert isinstance(event, AgentGraduated)
            assert (event.metrics["fitness"] or 0) > 2.0
            assert (event.metrics["age"] or 0) >= 30


async def test_capital_is_allocated_and_the_request_is_validated() -> None:
    experiment, market = a_run(days=10, agents=1)
    async with Arena(with_open_gates(experiment), market) as arena:
        agent = arena.treasury.population()[0].agent_id
        await arena.graduate_to_proving(agent)
        await arena.graduate_to_arena(agent)
        before = arena.treasury.agents[agent].equity

        answer = await arena.allocate_capital(agent, "1000.00")

        assert arena.treasury.agents[agent].equity - before == parse_usd("1000.00")
        assert isinstance(answer.events[0], CapitalAllocated)
        with pytest.raises(Refused, match="amount_must_be_positive"):
            await arena.allocate_capital(agent, "0.00")
        with pytest.raises(Refused, match="unknown_agent"):
            await arena.allocate_capital(AgentId("nobody"), "1.00")


async def test_trades_are_executed_in_simulation_mode() -> None:
    experiment, market = a_run(days=10, agents=0)
    async with Arena(experiment, market) as arena:
        cash = arena.treasury.agents[AgentId("baseline-cash")]
        order = Order(order_id="by-hand", agent_id=cash.agent_id, instrument="BTC", quantity=0.01)
        refused = Order(order_id="too-much", agent_id=cash.agent_id, instrument="BTC", quantity=1e9)

        assert await arena.desk.validate_trade(order) is not None, "there is no price yet"
        await arena.backtest(1)
        assert await arena.desk.validate_trade(order) is None
        assert await arena.desk.submit_trade(order) is TradeStatus.PENDING
        await arena.desk.submit_trade(refused)
        await arena.backtest(1)
        stats = await arena.desk.get_execution_stats()

        held = arena.treasury.agents[cash.agent_id].portfolio.positions
        # The agent's own strategy wants cash, but answers before the order is submitted.
        assert "BTC" in held
        assert stats.successful >= 1
        assert stats.failed == 1
        assert stats.fees > 0
        assert stats.slippage > 0


async def test_a_trade_can_be_awaited_until_its_open() -> None:
    async with Arena(*a_run(days=10, agents=0)) as arena:
        await arena.backtest(1)
        agent = AgentId("baseline-cash")
        order = Order(order_id="awaited", agent_id=agent, instrument="ETH", quantity=0.1)

        fill, _ = await asyncio.gather(arena.desk.execute_trade(order), arena.backtest(1))

        assert fill.order_id == "awaited"
        assert fill.quantity == 0.1


async def test_an_evolution_cycle_runs_and_says_what_it_did() -> None:
    async with Arena(*a_run(days=20, agents=10)) as arena:
        await arena.backtest(14)

        complete = await arena.run_evolution_cycle()

        assert isinstance(complete, EvolutionCycleComplete)
        assert complete.cycle == 3
        assert complete.births
        assert len(complete.ranks) == len(arena.treasury.population()) - len(complete.births)


async def test_the_events_tell_the_whole_story_without_a_gap() -> None:
    async with Arena(*a_run(days=30)) as arena:
        await arena.backtest()
        await arena.complete()

        story = await arena.replay_events()

        assert [entry.seq for entry, _ in story] == list(range(1, arena.treasury.seq + 1))
        assert story[0][0].event_type == "ArenaOpened"
        assert story[-1][0].event_type == "RunCompleted"
        assert not any(isinstance(event, AllocationError) for _, event in story)


async def test_capital_is_conserved() -> None:
    async with Arena(*a_run(days=60, agents=20)) as arena:
        await arena.backtest()

        check = await arena.verify_capital_conservation()

        assert (check.real_sum, check.virtual_sum) == (0, 0)
        assert check.rows_agree
        breakdown = arena.get_capital_allocation_breakdown()
        assert breakdown["total"] == -sum(
            balance
            for account, balance in check.real.items()
            if account in {"endowment", "market"} or account.startswith("costs:")
        )


async def test_a_config_file_is_an_arena() -> None:
    config = Path(__file__).parents[1] / "config" / "quickstart.toml"

    async with app.Arena.from_config(config, overrides=["run.days=3"]) as arena:
        assert await arena.backtest() == 3
        assert len(arena.treasury.population()) == 50
