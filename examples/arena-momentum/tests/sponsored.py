"""Two tasks that ask one sponsor for more than it may give: one of them must be turned down."""

from __future__ import annotations

import asyncio

from arena_momentum import Momentum, Sponsor

from actors.app import Arena
from actors.testing import ArenaHarness, trend
from arena.money import Money, parse_usd

BUDGET = parse_usd("100.00")


async def two_ask(kind: type[Sponsor]) -> Money:
    """Let two tasks ask a sponsor of `kind` for all that it has; return what was given."""
    async with ArenaHarness(
        strategies=[Momentum], market=trend("BTC"), agents=2, open_gates=True
    ) as harness:
        return await harness.do(lambda arena: _race(arena, kind))


async def _race(arena: Arena, kind: type[Sponsor]) -> Money:
    names = [agent.agent_id for agent in arena.treasury.population()]
    for name in names:
        await arena.graduate_to_proving(name)
    sponsor = kind(arena, BUDGET)

    async def at_once() -> None:
        await sponsor.support(names[0], BUDGET)

    async def after_a_note() -> None:
        await arena.emit_event("note", {"text": "the second one writes something down first"})
        await sponsor.support(names[1], BUDGET)

    await asyncio.gather(at_once(), after_a_note())
    return sponsor.given
