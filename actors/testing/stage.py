"""Where an arena under test is played: on the loop of a sweep, or on a simulated loop of its own.

The rule: no real time passes.  In a test that `@pytest.mark.arena` runs, the running loop is a
`SimLoop` and the arena's tasks join it: whoever else runs there races with them.  Anywhere else
(pytest-asyncio, `asyncio.run`, no loop at all) the arena has a `SimLoop` of its own, which runs
inside each call and stands still between calls: nothing of it is ever on somebody else's loop.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import _set_running_loop
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from actors.simulator import Explore, SimLoop, SimulationError
from actors.simulator.loop import STEPS_MAX, wind_up

T = TypeVar("T")


def explore_of(seed: int) -> Explore:
    """Return how a seed explores: most draw every step, some hold one task up for long."""
    chance = random.Random(f"explore-{seed}")  # noqa: S311 - a schedule keeps no secret
    return chance.choice([Explore.WALK, Explore.WALK, Explore.PRIORITY])


class Stage(Protocol):
    """Where coroutines of an arena run."""

    async def play(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what `call()` comes to."""
        ...

    async def strike(self) -> None:
        """Take the stage down.

        Raises:
            SimulationError: Somebody was left on it.
        """
        ...


def set_stage(schedule: int | str | None) -> Stage:
    """Return a stage.

    Args:
        schedule: None joins the sweep where there is one; `stock` is a loop of its own, in the
            order of asyncio; a number is one with the schedule of that seed.
    """
    if schedule is None and isinstance(running_loop(), SimLoop):
        return SharedLoop()
    return OwnLoop(schedule if isinstance(schedule, int) else None)


class SharedLoop:
    """The loop of a sweep, which looks itself for what was left behind."""

    async def play(self, call: Callable[[], Awaitable[T]]) -> T:
        """See `Stage.play`."""
        return await call()

    async def strike(self) -> None:
        """See `Stage.strike`."""


class OwnLoop:
    """A simulated loop that runs inside each call."""

    def __init__(self, seed: int | None) -> None:
        explore = Explore.FIFO if seed is None else explore_of(seed)
        self._loop = SimLoop(seed or 0, explore)

    async def play(self, call: Callable[[], Awaitable[T]]) -> T:
        """See `Stage.play`."""

        async def main() -> T:
            return await call()

        def run() -> T:
            self._loop.allow(STEPS_MAX)
            return self._loop.run_until_complete(main())

        return await _aside(run)

    async def strike(self) -> None:
        """See `Stage.strike`."""
        left = await _aside(lambda: wind_up(self._loop))
        if left:
            raise SimulationError("left behind:" + "".join(f"\n  {each}" for each in left))


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs now."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _aside(act: Callable[[], T]) -> T:
    """Return `act()`, in which another loop may run.

    It is a callback of the loop that runs now, and no step of this task: tasks do not nest.
    """
    outer = running_loop()
    if outer is None:  # Another library's loop, or none.
        return act()
    answer: asyncio.Future[T] = outer.create_future()
    outer.call_soon(_answer, answer, act, outer)
    return await answer


def _answer(
    answer: asyncio.Future[T], act: Callable[[], T], outer: asyncio.AbstractEventLoop
) -> None:
    _set_running_loop(None)
    try:
        value = act()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  # what ends a test is none of this loop's errors
        if not answer.done():
            answer.set_exception(error)
    else:
        if not answer.done():
            answer.set_result(value)
    finally:
        _set_running_loop(outer)
