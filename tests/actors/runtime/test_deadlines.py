"""One timer keeps every deadline: never early, and late by no more than its grain."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest
import pytest_asyncio

from actors.runtime import Actor, AskTimeout, Deadlines, Ref

GRAIN_S = 0.5


class SlowLoop:
    """Time that is turned by hand, and the timers that wait in it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[asyncio.TimerHandle] = []

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, (), self._loop)
        self.timers.append(timer)
        return timer

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    @property
    def armed(self) -> list[float]:
        return [timer.when() for timer in self.timers if not timer.cancelled()]

    def turn(self, now: float) -> None:
        self.now = now
        for timer in [timer for timer in self.timers if timer.when() <= now]:
            self.timers.remove(timer)
            if not timer.cancelled():
                timer._run()


class Keeper:
    """Keeps numbers until they are due."""

    def __init__(self, deadlines: Deadlines) -> None:
        self.deadlines = deadlines
        self.kept: list[float] = []
        self.ended: list[float] = []
        deadlines.add(self)

    def keep(self, deadline: float) -> None:
        self.kept.append(deadline)
        self.deadlines.remind(deadline)

    def expire(self, now: float) -> float:
        self.ended += [deadline for deadline in self.kept if deadline <= now]
        self.kept = [deadline for deadline in self.kept if deadline > now]
        return min(self.kept, default=math.inf)


@pytest.fixture
def loop() -> SlowLoop:
    return SlowLoop()


@pytest_asyncio.fixture
async def wheel(loop: SlowLoop) -> Deadlines:
    deadlines = Deadlines(grain_s=GRAIN_S)
    deadlines.loop = loop  # type: ignore[assignment]
    deadlines.time = lambda: loop.now
    return deadlines


@pytest.mark.asyncio
async def test_a_deadline_is_never_early_and_late_by_at_most_the_grain(
    loop: SlowLoop, wheel: Deadlines
) -> None:
    keeper = Keeper(wheel)
    keeper.keep(103.0)
    keeper.keep(102.0)

    loop.turn(102.0)
    assert keeper.ended == []
    loop.turn(102.5)
    assert keeper.ended == [102.0]
    loop.turn(103.5)
    assert keeper.ended == [102.0, 103.0]


@pytest.mark.asyncio
async def test_there_is_one_timer_at_a_time_and_none_when_nothing_is_due(
    loop: SlowLoop, wheel: Deadlines
) -> None:
    keeper = Keeper(wheel)
    assert loop.armed == []

    for deadline in (105.0, 103.0, 104.0, math.inf):
        keeper.keep(deadline)
    assert loop.armed == [103.5]

    loop.turn(105.5)
    assert loop.armed == []
    assert keeper.kept == [math.inf]


@pytest.mark.asyncio
async def test_the_keepers_are_not_asked_more_often_than_the_grain(
    loop: SlowLoop, wheel: Deadlines
) -> None:
    keeper = Keeper(wheel)
    for deadline in (101.0, 101.6, 101.7):
        keeper.keep(deadline)

    loop.turn(101.5)
    assert (keeper.ended, loop.armed) == ([101.0], [102.1])
    loop.turn(102.1)
    assert keeper.ended == [101.0, 101.6, 101.7]


@pytest.mark.asyncio
async def test_keepers_are_asked_in_the_order_in_which_they_joined(
    loop: SlowLoop, wheel: Deadlines
) -> None:
    asked: list[str] = []

    class Named(Keeper):
        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__(wheel)

        def expire(self, now: float) -> float:
            asked.append(self.name)
            return super().expire(now)

    keepers = [Named("ada"), Named("bob"), Named("cid")]
    keepers[2].keep(101.0)
    wheel.discard(keepers[1])
    asked.clear()

    loop.turn(101.5)

    assert asked == ["ada", "cid"]


@pytest.mark.asyncio
async def test_no_timer_outlives_the_last_keeper(loop: SlowLoop, wheel: Deadlines) -> None:
    keeper = Keeper(wheel)
    keeper.keep(101.0)

    wheel.discard(keeper)
    wheel.discard(keeper)

    assert loop.armed == []


@pytest.mark.asyncio
async def test_an_actor_that_was_asked_before_it_joined_still_keeps_the_deadline(
    loop: SlowLoop, wheel: Deadlines
) -> None:
    actor: Actor[str, str] = Actor("ada", lanes={"inbox": 1})
    ref = Ref(actor.mailbox, wheel)
    ref._loop = asyncio.get_running_loop()
    answer = ref.ask("a", timeout_s=1.0)
    loop.turn(101.5)

    wheel.add(actor)
    loop.turn(102.0)

    assert isinstance(answer.exception(), AskTimeout)


@pytest.mark.asyncio
async def test_a_loop_with_its_own_time_is_asked_for_it() -> None:
    loop = asyncio.get_running_loop()
    stock = Deadlines()
    loop.time = lambda: 7.0  # type: ignore[method-assign]
    try:
        assert Deadlines().time() == 7.0
    finally:
        del loop.time
    assert stock.time() != 7.0
