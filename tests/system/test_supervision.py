"""Whatever a strategy does, whenever, however often: it fails alone, and all of it is on record.

A strategy breaks in one of many ways, at some of the ticks.  Each time its agent misses that tick
and is hired again at the next; three times within twenty ticks are a quarantine, and the cycle
after that ends it.  The others trade on, the books balance, and the run comes to its end.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from worlds import a_run, with_open_gates

from actors.app.arena import Arena
from arena.events import AgentFailed, AgentKilled, AgentQuarantined, Event, EvolutionCycleComplete
from arena.market import MarketView
from arena.strategies import BookView, Decision, Memory, Strategy

pytestmark = pytest.mark.asyncio

WARMUP = 120
DAYS = 15
BUDGET_S = 0.1
SEED = 3


class Holder(Strategy):
    """Holds bitcoin, and never breaks."""

    name = "holder"
    family = "holder"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 0.5}


def raising(error: type[BaseException]) -> Callable[[], Any]:
    def step() -> Any:
        raise error("no")

    return step


def answering(answer: Any) -> Callable[[], Any]:
    return lambda: answer


def spin() -> None:
    while True:
        pass


def spin_and_catch() -> None:
    while True:
        try:
            spin()
        except Exception:  # noqa: BLE001, S112  # it does not help
            continue


def raise_many() -> None:
    raise BaseExceptionGroup("many", [SystemExit(), KeyboardInterrupt()])


def recurse() -> None:
    recurse()


class Grudging(Mapping[str, float]):
    """Weights that break when they are looked at."""

    def __getitem__(self, key: str) -> float:
        raise LookupError(key)

    def __iter__(self) -> Any:
        raise RuntimeError("not for you")

    def __len__(self) -> int:
        return 1


class Fickle(Grudging):
    """Weights that are fine when they are looked at first."""

    def __init__(self) -> None:
        self.looks = 0

    def __iter__(self) -> Any:
        self.looks += 1
        return iter(["BTC"])

    def __getitem__(self, key: str) -> float:
        return 0.5 if self.looks < 2 else float("nan")


class Spinning(Grudging):
    """Weights without an end."""

    def __iter__(self) -> Any:
        while True:
            pass


STEPS: dict[str, tuple[Callable[[], Any], str]] = {
    "raises": (raising(RuntimeError), "raised"),
    "runs out of memory": (raising(MemoryError), "raised"),
    "asks for too much memory": (lambda: bytearray(10**18), "raised"),
    "recurses": (recurse, "raised"),
    "raises a group": (raise_many, "raised"),
    "leaves a generator": (raising(GeneratorExit), "raised"),
    "exits": (raising(SystemExit), "exited"),
    "interrupts": (raising(KeyboardInterrupt), "exited"),
    "cancels itself": (raising(asyncio.CancelledError), "cancelled"),
    "answers nothing": (answering(None), "wrong_answer"),
    "answers a list": (answering(["BTC"]), "wrong_answer"),
    "answers a name": (answering("BTC"), "wrong_answer"),
    "answers no number": (answering({"BTC": "1"}), "wrong_answer"),
    "answers a truth": (answering({"BTC": True}), "wrong_answer"),
    "answers not a number": (answering({"BTC": float("nan")}), "wrong_answer"),
    "answers without bound": (answering({"BTC": float("inf")}), "wrong_answer"),
    "goes short": (answering({"BTC": -0.1}), "wrong_answer"),
    "borrows": (answering({"BTC": 0.6, "ETH": 0.6}), "wrong_answer"),
    "wants what there is not": (answering({"TULIP": 1.0}), "wrong_answer"),
    "wants a million things": (lambda: dict.fromkeys(range(10**6), 0.0), "wrong_answer"),
    "answers in a way that breaks": (answering(Grudging()), "raised"),
    "answers without an end": (answering(Spinning()), "hung"),
    "spins": (spin, "hung"),
    "spins and catches": (spin_and_catch, "hung"),
    "sleeps": (lambda: time.sleep(60), "hung"),
    "waits": (lambda: threading.Event().wait(), "hung"),
}


BURSTS: dict[str, tuple[set[int], int]] = {
    "once": ({3}, 1),
    "twice": ({3, 6}, 2),
    "three times": ({2, 4, 6}, 3),
    "at every tick": (set(range(DAYS)), 3),
}
"""At which ticks it breaks, and how many of them it lives to see."""


def breaking(step: Callable[[], Any], ticks: set[int]) -> type[Strategy]:
    """Return a strategy that holds bitcoin, except at some ticks."""

    class Breaking(Holder):
        name = "breaking"
        family = "breaking"

        def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
            if market.now + 1 - WARMUP in ticks:
                return step()
            return super().decide(market, book, memory)

    return Breaking


def world(*strategies: type[Strategy], agents: int = 2, days: int = DAYS) -> Any:
    """Return a run whose seed gives two strategies one agent each."""
    return a_run(days=days, agents=agents, strategies=strategies, seed=SEED)


def those_with(arena: Arena, strategy: str) -> list[str]:
    living = arena.treasury.living()
    return [agent.agent_id for agent in living if agent.genome.strategy == strategy]


async def story(arena: Arena) -> list[Event]:
    """Run to the end, check that the books balance, and return what happened."""
    assert await arena.backtest() == arena.experiment.market.ticks
    await arena.complete()
    return [event for _, event in await arena.replay_events()]


def first_failures(events: list[Event]) -> dict[str, list[str]]:
    """Return how the first generation failed, by agent: the later ones break as well."""
    failures: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event, AgentFailed) and event.agent_id.startswith("g000"):
            failures.setdefault(event.agent_id, []).append(event.kind)
    return failures


def assert_ended_after(lives: int, broken: str, events: list[Event], arena: Arena) -> None:
    """Check that three failures are a quarantine and then the end, and that fewer are not."""
    quarantined = [e for e in events if isinstance(e, AgentQuarantined) and e.agent_id == broken]
    killed = [e for e in events if isinstance(e, AgentKilled) and e.agent_id == broken]
    if lives < 3:
        assert not quarantined
        assert broken in arena.cast.agents, "it was hired again"
        return
    assert len(quarantined) == 1
    assert [event.rule for event in killed] == ["quarantined"]
    between = events[events.index(quarantined[0]) : events.index(killed[0])]
    assert between, "first the one, then the other"
    assert not any(isinstance(event, EvolutionCycleComplete) for event in between)


CASES = [
    *((kind, "at every tick") for kind in STEPS),
    *(
        (kind, burst)
        for kind in ("raises", "exits", "cancels itself", "spins")
        for burst in ("once", "twice", "three times")
    ),
]


@pytest.mark.parametrize(("kind", "burst"), CASES)
async def test_a_strategy_that_breaks_fails_alone_and_on_record(kind: str, burst: str) -> None:
    (step, word), (ticks, lives) = STEPS[kind], BURSTS[burst]
    async with Arena(*world(breaking(step, ticks), Holder), step_budget_s=BUDGET_S) as arena:
        (broken,) = those_with(arena, "breaking")
        events = await story(arena)

        assert first_failures(events) == {broken: [word] * lives}
        assert bool(arena.cast.overruns) is (word == "hung")
        assert_ended_after(lives, broken, events, arena)


async def test_an_answer_is_what_it_was_when_it_was_looked_at() -> None:
    strategy = breaking(Fickle, set(range(DAYS)))
    async with Arena(*world(strategy, agents=1)) as arena:
        events = await story(arena)

        assert first_failures(events) == {}
        assert all(agent.equity > 0 for agent in arena.treasury.population())


@pytest.mark.parametrize("kind", ["raises", "exits", "cancels itself", "spins"])
async def test_a_strategy_that_cannot_be_made_fails_alone_and_on_record(kind: str) -> None:
    step, word = STEPS[kind]

    class Unborn(Holder):
        name = "breaking"
        family = "breaking"

        def __init__(self, *_: Any) -> None:
            step()

    async with Arena(*world(Unborn, Holder), step_budget_s=BUDGET_S) as arena:
        (broken,) = those_with(arena, "breaking")
        events = await story(arena)

        assert first_failures(events) == {broken: [word] * 3}
        assert_ended_after(3, broken, events, arena)


@pytest.mark.parametrize("kind", ["raises", "exits", "cancels itself", "answers a name", "spins"])
async def test_a_strategy_that_breaks_over_the_cycles_question_fails_alone_and_on_record(
    kind: str,
) -> None:
    step, word = STEPS[kind]

    class Sulky(Holder):
        name = "breaking"
        family = "breaking"

        def capacity(self, market: MarketView, book: BookView) -> Any:
            return step()

    experiment, market = world(Sulky, Holder, days=37)
    async with Arena(with_open_gates(experiment), market, step_budget_s=BUDGET_S) as arena:
        (broken,) = those_with(arena, "breaking")
        events = await story(arena)

        failures = first_failures(events)
        assert failures == {broken: [word] * 3}, "in three cycles, which are fourteen days"
        assert_ended_after(3, broken, events, arena)


@pytest.mark.parametrize("kind", ["raises", "exits", "cancels itself", "answers nothing", "spins"])
async def test_an_arena_outlives_all_of_its_agents_breaking_at_once(kind: str) -> None:
    step, word = STEPS[kind]
    strategy = breaking(step, set(range(DAYS)))
    async with Arena(*world(strategy, agents=3), step_budget_s=BUDGET_S) as arena:
        events = await story(arena)

        failures = first_failures(events)
        assert len(failures) == 3
        assert all(kinds == [word] * 3 for kinds in failures.values())
        for broken in failures:
            assert_ended_after(3, broken, events, arena)
        assert arena.treasury.counts["born"] > 3, "the dead were replaced, and those broke too"
