"""No two actors can wait for each other: asks go up, and the table that says so is the truth."""

from __future__ import annotations

import asyncio
import re
from asyncio import Future
from collections import Counter
from graphlib import TopologicalSorter
from typing import Any

import pytest
from worlds import a_run, with_open_gates

from actors.app import bootstrap
from actors.app.arena import Arena
from actors.runtime import Ref
from arena.ids import AgentId
from arena.market import MarketView
from arena.money import Money
from arena.orders import Order
from arena.strategies import BookView, Decision, Memory, Strategy

NAMES = {"market_feed": "feed", "arena_manager": "manager", "trading_desk": "desk"}


def role(name: str) -> str:
    """Return an actor's role: agents have names of their own."""
    return "agents" if re.match(r"(g\d|baseline)", name) else NAMES.get(name, name)


def me() -> str:
    task = asyncio.current_task()
    return "nobody" if task is None else role(task.get_name())


def table() -> dict[str, dict[str, set[str]]]:
    """Return what the docstring of `bootstrap` says: who -> asks or tells -> whom."""
    said: dict[str, dict[str, set[str]]] = {}
    for line in (bootstrap.__doc__ or "").splitlines():
        found = re.match(r"    (\w+)\s+asks?\s+([\w, ]+?)(?:\s{2,}tells?\s+([\w, ]+))?$", line)
        if found:
            who, asked, told = found.groups(default="")
            said[who] = {"asks": set(re.findall(r"\w+", asked))}
            said[who]["tells"] = set(re.findall(r"\w+", told))
    return said


class Ear:
    """Hears every ask and every tell, and how many asks of each actor are open at once."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self.asks: dict[str, set[str]] = {}
        self.tells: dict[str, set[str]] = {}
        self.most_open: Counter[str] = Counter()
        self._open: Counter[tuple[str, str]] = Counter()
        ask, tell = Ref.ask, Ref.tell

        def heard_ask(ref: Ref[Any, Any], *args: Any, **kwargs: Any) -> Future[Any]:
            reply = ask(ref, *args, **kwargs)
            self._note_ask(ref, reply)
            return reply

        def heard_tell(ref: Ref[Any, Any], *args: Any, **kwargs: Any) -> None:
            self.tells.setdefault(me(), set()).add(role(ref.name))
            tell(ref, *args, **kwargs)

        patched.setattr(Ref, "ask", heard_ask)
        patched.setattr(Ref, "tell", heard_tell)

    def _note_ask(self, ref: Ref[Any, Any], reply: Future[Any]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.asks.setdefault(me(), set()).add(role(ref.name))
        pair = (task.get_name(), ref.name)
        self._open[pair] += 1
        self.most_open[me()] = max(self.most_open[me()], self._open[pair])
        reply.add_done_callback(lambda _: self._open.subtract([pair]))


class Moody(Strategy):
    """Trades, and breaks now and then, over either question."""

    name = "moody"
    family = "moody"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        if market.now % 6 == 0:
            raise RuntimeError("not today")
        return {"BTC": 0.5}

    def capacity(self, market: MarketView, book: BookView) -> Money | None:
        if market.now % 4 == 0:
            raise RuntimeError("not today")
        return None


async def listen(monkeypatch: pytest.MonkeyPatch) -> Ear:
    """Hear a run in which everything happens: trades, cycles, breaks, words from outside."""
    task = asyncio.current_task()
    assert task is not None
    task.set_name("app")
    own = Order(order_id="own", agent_id=AgentId("baseline-cash"), instrument="BTC", quantity=0.001)
    with monkeypatch.context() as patched:
        ear = Ear(patched)
        experiment, market = a_run(days=22, agents=8, strategies=[Moody])
        async with Arena(with_open_gates(experiment), market) as arena:
            await arena.backtest(15)
            await arena.desk.submit_trade(own)
            await arena.run_evolution_cycle()
            await arena.backtest()
            await arena.complete()
    return ear


@pytest.mark.asyncio
async def test_the_table_of_who_asks_and_tells_whom_is_the_truth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ear, said = await listen(monkeypatch), table()

    assert said.keys() == {"feed", "manager", "desk", "agents"}
    assert ear.asks.pop("app") == {"feed", "manager", "desk", "allocator"}
    assert ear.asks == {who: words["asks"] for who, words in said.items()}
    supervisor = ear.tells.pop("nobody")
    assert supervisor == {"manager"}, "an end is reported by no actor, and to the manager alone"
    assert ear.tells == {who: words["tells"] for who, words in said.items() if words["tells"]}


@pytest.mark.asyncio
async def test_nobody_can_wait_for_whoever_waits_for_him(monkeypatch: pytest.MonkeyPatch) -> None:
    ear = await listen(monkeypatch)

    order = [*TopologicalSorter(ear.asks).static_order()]  # It raises where there is a cycle.

    assert order[0] == "allocator", "who asks nobody"
    assert order[-1] == "app", "whom nobody asks"


@pytest.mark.asyncio
async def test_nobody_has_two_asks_open_with_the_same_actor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ear = await listen(monkeypatch)

    assert set(ear.most_open.values()) == {1}, "so a lane with room for each agent is never full"
