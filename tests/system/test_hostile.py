"""Whoever breaks, whenever, breaks alone: what was found by trying hard, kept as tests."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from worlds import a_run, with_open_gates

from actors.agent import AgentActor
from actors.app.arena import Arena
from actors.runtime import ActorStopped, AskTimeout, spawn
from arena.events import AgentFailed, CapitalAllocated, NoteRecorded
from arena.exceptions import ValidationError
from arena.ids import AgentId
from arena.market import MarketView
from arena.money import Money
from arena.orders import Order, OrderRefusal
from arena.strategies import BookView, Decision, Memory, Strategy

pytestmark = pytest.mark.asyncio


class Holder(Strategy):
    """Holds bitcoin; a base for those that do one thing wrong."""

    name = "holder"
    family = "holder"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 0.5}


class Moody(Holder):
    name = "moody"

    def capacity(self, market: MarketView, book: BookView) -> Money | None:
        if market.now % 3 == len(book.agent_id + str(book.equity)) % 3:
            raise RuntimeError("not today")
        return Money(book.equity // 2)


class Unborn(Holder):
    name = "unborn"

    def __init__(self, *_: Any) -> None:
        raise RuntimeError("not made")


class MuteError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class Speechless(Holder):
    name = "speechless"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        raise MuteError


class Frugal(Holder):
    name = "frugal"

    def capacity(self, market: MarketView, book: BookView) -> Money | None:
        return Money(0)


class Sulky(Holder):
    name = "sulky"

    def capacity(self, market: MarketView, book: BookView) -> Money | None:
        raise RuntimeError("never")


class Greedy(Holder):
    name = "greedy"

    def capacity(self, market: MarketView, book: BookView) -> Money | None:
        return Money(-5)


async def hashes(*, delays: random.Random | None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run three weeks of agents that break over the cycle's question now and then."""
    receive = AgentActor.receive

    async def late(actor: AgentActor, message: Any) -> None:
        for _ in range(delays.randrange(4) if delays is not None else 0):
            await asyncio.sleep(0)
        await receive(actor, message)

    with monkeypatch.context() as patched:
        patched.setattr(AgentActor, "receive", late)
        experiment, market = a_run(days=21, agents=9, strategies=[Moody])
        async with Arena(with_open_gates(experiment), market) as arena:
            await arena.backtest()
            story = await arena.replay_events()
    assert any(isinstance(event, AgentFailed) for _, event in story)
    return [entry.hash for entry, _ in story]


async def test_wishes_that_come_late_or_never_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undisturbed = await hashes(delays=None, monkeypatch=monkeypatch)

    for seed in range(5):
        assert await hashes(delays=random.Random(seed), monkeypatch=monkeypatch) == undisturbed


@pytest.mark.parametrize("broken", [Unborn, Speechless])
async def test_a_strategy_that_cannot_be_made_or_described_fails_alone(
    broken: type[Strategy],
) -> None:
    async with Arena(*a_run(days=4, agents=3, strategies=[broken])) as arena:
        assert await arena.backtest() == 4

        failures = [event for _, event in await arena.replay_events(event_type="AgentFailed")]
        assert len(failures) == 9, "three strikes each"
        assert {f.kind for f in failures if isinstance(f, AgentFailed)} == {"raised"}


async def test_a_capacity_of_nothing_is_given_nothing() -> None:
    experiment, market = a_run(days=21, agents=5, strategies=[Frugal])
    async with Arena(with_open_gates(experiment), market) as arena:
        await arena.backtest()

        breakdown = arena.get_capital_allocation_breakdown()
        assert breakdown["arena_capital"] > 0
        assert breakdown["allocated"] == 0


@pytest.mark.parametrize(("strategy", "grows"), [(Sulky, False), (Holder, True)])
async def test_who_breaks_over_the_question_is_given_no_more(
    strategy: type[Strategy], grows: bool
) -> None:
    tables = {"risk": {"failures_max": 20}}
    experiment, market = a_run(days=35, agents=3, strategies=[strategy], tables=tables)
    async with Arena(with_open_gates(experiment), market) as arena:
        await arena.backtest()

        given = [e for _, e in await arena.replay_events() if isinstance(e, CapitalAllocated)]
        assert {event.reason for event in given} >= {"seat", "entry"}
        assert ("rebalance" in {event.reason for event in given}) is grows


async def test_a_capacity_below_nothing_is_no_answer() -> None:
    experiment, market = a_run(days=15, agents=2, strategies=[Greedy])
    async with Arena(with_open_gates(experiment), market) as arena:
        await arena.backtest()

        kinds = {e.kind for _, e in await arena.replay_events() if isinstance(e, AgentFailed)}
        assert kinds == {"wrong_answer"}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("note", {"a": float("nan")}),
        ("note", {"a": object()}),
        ("note", {"a": [1, 2]}),
        ("note", {"a": "\ud800"}),
        ("note", {1: "x"}),
        ("\udfff", {}),
    ],
)
async def test_a_note_that_could_not_be_read_back_is_refused(kind: str, data: Any) -> None:
    async with Arena(*a_run(agents=1)) as arena:
        with pytest.raises(ValidationError, match="note"):
            await arena.emit_event(kind, data)

        await arena.emit_event("fine", {"a": 1, "b": 2.5, "c": None, "d": True, "e": "ß"})
        ((_, note),) = await arena.replay_events(event_type="NoteRecorded")
        assert isinstance(note, NoteRecorded)
        assert await arena.backtest(1) == 1


async def test_a_command_that_cannot_be_recorded_fails_alone() -> None:
    async with Arena(*a_run(agents=1)) as arena:
        answers = await asyncio.gather(
            arena.emit_event("before"),
            arena.allocate_capital(AgentId("\ud800"), "5.00"),
            arena.emit_event("after"),
            return_exceptions=True,
        )

        assert isinstance(answers[1], UnicodeEncodeError)
        notes = [e.kind for _, e in await arena.replay_events() if isinstance(e, NoteRecorded)]
        assert notes == ["before", "after"]
        assert await arena.backtest(1) == 1
        await arena.verify_capital_conservation()


async def test_two_cycles_that_are_asked_for_at_once_run_one_after_the_other() -> None:
    experiment, market = a_run(days=10, agents=4)
    async with Arena(with_open_gates(experiment), market) as arena:
        await arena.backtest(8)

        one, other = await asyncio.gather(arena.run_evolution_cycle(), arena.run_evolution_cycle())

        assert (one.cycle, other.cycle) == (2, 3)


async def test_an_arena_that_is_left_in_mid_tick_leaves_nobody_behind() -> None:
    for patience in (3, 17, 40):
        before = asyncio.all_tasks()

        async def live(patience: int = patience) -> None:
            async with Arena(*a_run(days=30, agents=8)) as arena:
                spawn("backtest", arena.backtest, on_exit=lambda _: None)
                for _ in range(patience):
                    await asyncio.sleep(0)
                raise KeyError("enough")

        with pytest.raises(KeyError, match="enough"):
            await live()
        for _ in range(3):
            await asyncio.sleep(0)

        assert asyncio.all_tasks() == before


async def test_who_is_killed_between_ticks_is_asked_nothing_more() -> None:
    old = {"id": "old", "all": [{"metric": "age", "op": ">=", "value": 5}]}
    async with Arena(*a_run(days=10, agents=4, tables={"rules": {"kill": [old]}})) as arena:
        await arena.backtest(5)

        killed = await arena.kill_underperformers()
        await arena.backtest(1)

        assert len(killed) == 4
        assert not await arena.replay_events(event_type="AgentFailed")


@pytest.mark.parametrize("quantity", ["1", None, True, 10**400])
async def test_an_order_of_no_quantity_is_none(quantity: Any) -> None:
    with pytest.raises(ValidationError, match="quantity"):
        Order(order_id="x", agent_id=AgentId("a"), instrument="BTC", quantity=quantity)


@pytest.mark.parametrize("quantity", [float("nan"), float("inf"), float("-inf")])
async def test_an_order_of_no_finite_quantity_cannot_be_submitted(quantity: float) -> None:
    async with Arena(*a_run(days=3, agents=0)) as arena:
        agent = AgentId("baseline-cash")
        order = Order(order_id="wild", agent_id=agent, instrument="BTC", quantity=quantity)
        await arena.backtest(1)

        with pytest.raises(ValidationError, match="a finite number of units"):
            await arena.desk.submit_trade(order)

        assert await arena.desk.validate_trade(order) is OrderRefusal.QUANTITY_NOT_FINITE
        assert await arena.backtest() == 3


@pytest.mark.parametrize("quantity", [1e308, -1e308, 10**15])
async def test_an_order_beyond_reason_is_refused_and_recorded(quantity: float) -> None:
    async with Arena(*a_run(days=3, agents=0)) as arena:
        agent = AgentId("baseline-cash")
        await arena.desk.submit_trade(
            Order(order_id="wild", agent_id=agent, instrument="BTC", quantity=quantity)
        )
        await arena.backtest(1)

        assert (await arena.desk.get_execution_stats()).failed == 1


async def test_an_order_id_is_used_once_for_ever() -> None:
    async with Arena(*a_run(days=3, agents=0)) as arena:
        agent = AgentId("baseline-cash")
        order = Order(order_id="twin", agent_id=agent, instrument="BTC", quantity=0.001)
        other = Order(order_id="twin", agent_id=agent, instrument="ETH", quantity=0.001)
        await arena.desk.submit_trade(order)

        for again in (order, other):
            with pytest.raises(ValidationError, match="an id that no order had"):
                await arena.desk.execute_trade(again)
        await arena.backtest(1)
        for again in (order, other):
            with pytest.raises(ValidationError, match="an id that no order had"):
                await arena.desk.submit_trade(again)
        await arena.backtest(1)

        assert (await arena.desk.get_execution_stats(agent)).total == 1


@pytest.mark.parametrize("name", ["1-baseline-cash-0", "12-halt-g000-001-3", "", "\ud800"])
async def test_an_order_id_that_is_none_or_could_be_the_desks_is_refused(name: str) -> None:
    async with Arena(*a_run(days=3, agents=0)) as arena:
        agent = AgentId("baseline-cash")
        order = Order(order_id=name, agent_id=agent, instrument="BTC", quantity=0.001)

        with pytest.raises(ValidationError, match="order_id"):
            await arena.desk.submit_trade(order)


async def test_an_arena_takes_only_what_is_its_own() -> None:
    experiment, market = a_run(days=3, agents=1)
    _, longer = a_run(days=4, agents=1)

    with pytest.raises(ValidationError, match="3 to settle"):
        async with Arena(experiment, longer):
            pytest.fail("it opened")
    async with Arena(experiment, market) as arena:
        await arena.backtest()
        await arena.complete()
        await arena.complete()
        assert len(await arena.replay_events(event_type="RunCompleted")) == 1
    with pytest.raises((ActorStopped, AskTimeout)):
        await arena.emit_event("late")
