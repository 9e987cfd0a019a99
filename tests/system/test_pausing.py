"""A paused agent is not asked, keeps what it holds and remembers, and goes on where it was."""

from __future__ import annotations

import pytest

from actors.app.arena import Arena
from arena import commands as c
from arena.commands import Command
from arena.events import CapitalRequested
from arena.ids import AgentId
from arena.market import MarketView
from arena.strategies import BookView, Decision, Memory, Strategy
from arena.words import Layer
from tests.worlds import a_run, with_open_gates

pytestmark = pytest.mark.asyncio

FIRST, SECOND = AgentId("g000-001"), AgentId("g000-002")


class Counting(Strategy):
    """Holds half of what it has in ether, and counts how often it was asked."""

    name = "counting"
    family = "counting"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        memory["asked"] = memory.get("asked", 0) + 1
        return {"ETH": 0.5}


def an_arena() -> Arena:
    experiment, market = a_run(days=30, agents=2, strategies=[Counting])
    return Arena(with_open_gates(experiment), market)


async def do(arena: Arena, kind: type[Command]) -> None:
    name = f"{kind.__name__}-{arena.treasury.seq}"
    assert (await arena.send(kind(command_id=name, agent_id=FIRST))).refusal is None  # type: ignore[call-arg]


async def test_it_is_not_asked_and_goes_on_with_what_it_remembers() -> None:
    async with an_arena() as arena:
        await arena.backtest(3)
        await do(arena, c.PauseAgent)
        held = arena.treasury.agents[FIRST].portfolio

        await arena.backtest(2)

        assert arena.treasury.agents[FIRST].portfolio == held
        assert FIRST not in arena.cast.agents
        assert [arena.cast.memories[each]["asked"] for each in (FIRST, SECOND)] == [3, 5]
        await do(arena, c.UnpauseAgent)
        await arena.backtest(2)
        assert FIRST in arena.cast.agents
        assert [arena.cast.memories[each]["asked"] for each in (FIRST, SECOND)] == [5, 7]


async def test_a_cycle_asks_it_nothing_and_moves_nothing_of_it() -> None:
    async with an_arena() as arena:
        await arena.backtest(1)
        await arena.graduate_to_proving(FIRST)
        await arena.graduate_to_arena(FIRST)
        await arena.backtest(2)
        await do(arena, c.PauseAgent)
        before = arena.treasury.agents[FIRST]

        await arena.run_evolution_cycle()

        after = arena.treasury.agents[FIRST]
        assert (after.layer, after.equity) == (Layer.ARENA, before.equity)
        asked = {
            e.agent_id for _, e in await arena.replay_events() if isinstance(e, CapitalRequested)
        }
        assert FIRST not in asked


async def test_somebody_can_end_it() -> None:
    async with an_arena() as arena:
        await arena.backtest(3)
        await do(arena, c.PauseAgent)
        await do(arena, c.KillAgent)
        await arena.backtest(2)

        assert arena.treasury.dead[FIRST].cause == "operator"
        assert (await arena.verify_capital_conservation()).rows_agree
