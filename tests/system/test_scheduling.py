"""No result depends on scheduling luck: whoever is woken first, the journal is the same."""

from __future__ import annotations

import random
from typing import Any

import pytest
from worlds import a_run, with_open_gates

from actors.app.arena import Arena
from actors.runtime import Group
from arena.ids import AgentId
from arena.market import MarketView
from arena.money import Money
from arena.strategies import BookView, Decision, Memory, Strategy


class Modest(Strategy):
    """Has a capacity of its own, so that what it asks for is on the record."""

    name = "modest"
    family = "modest"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 0.5} if market.now % 3 else {"aave": 0.7}

    def capacity(self, market: MarketView, book: BookView) -> Money | None:
        return Money(1_500_000_000 + market.now)


async def journal_of(shuffle: random.Random | None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run a month and return the hashes; `shuffle` tells agents in another order each time."""
    tell = Group.tell

    def tell_in_disorder(group: Group[Any, Any], message: Any, *, to: str | None = None) -> None:
        names = list(group.names) if to is None else [to]
        if shuffle is not None:
            shuffle.shuffle(names)
        for name in names:
            tell(group, message, to=name)

    with monkeypatch.context() as patched:
        patched.setattr(Group, "tell", tell_in_disorder)
        experiment, market = a_run(days=30, agents=12, strategies=[Modest])
        async with Arena(with_open_gates(experiment), market) as arena:
            await arena.backtest()
            return [entry.hash for entry, _ in await arena.replay_events()]


@pytest.mark.asyncio
async def test_the_order_in_which_agents_are_woken_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undisturbed = await journal_of(None, monkeypatch)

    for seed in range(3):
        assert await journal_of(random.Random(seed), monkeypatch) == undisturbed


@pytest.mark.asyncio
async def test_who_is_born_or_dies_between_ticks_is_in_step_at_the_next() -> None:
    async with Arena(*a_run(days=10, agents=2)) as arena:
        await arena.backtest(3)
        late = await arena.spawn_agent("defi-yield-farmer")
        await arena.backtest(2)

        assert arena.treasury.agents[AgentId(late)].trades > 0, "it answered the first roll after"
        assert late in arena.cast.agents
        assert not await arena.replay_events(event_type="AgentFailed")
