"""Deadlines of many asks, kept by one timer.

The rule: an ask that is answered in time costs one comparison.  Nothing is registered for it and
nothing removed; when the earliest deadline is due, every keeper looks through what it keeps.  A
deadline is never early, and late by at most `grain_s` and what blocks the loop.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Protocol


class Keeper(Protocol):
    """Whoever keeps things that are waited for, but not for ever."""

    def expire(self, now: float) -> float:
        """End what is due at `now`; return the next deadline after that, or infinity."""


class Deadlines:
    """The one timer of an event loop; made while that loop runs.

    Attributes:
        loop: The loop it serves.
        time: The loop's clock, in whose seconds deadlines are counted.
        due: The earliest deadline it knows of; infinite where there is none.
    """

    __slots__ = ("_grain_s", "_keepers", "_timer", "due", "loop", "time")

    def __init__(self, *, grain_s: float = 0.02) -> None:
        """Start with nothing to wait for.

        Args:
            grain_s: Seconds by which a deadline may be late; the keepers look no more often.
        """
        self.loop = asyncio.get_running_loop()
        self.time = _clock(self.loop)
        self.due = math.inf
        self._grain_s = grain_s
        self._keepers: dict[Keeper, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, keeper: Keeper) -> None:
        """Let `keeper` look from now on, after those that joined before it."""
        self._keepers[keeper] = None
        # It may have been asked before it joined.
        self.remind(keeper.expire(self.time()))

    def discard(self, keeper: Keeper) -> None:
        """Let `keeper` look no more."""
        self._keepers.pop(keeper, None)
        if not self._keepers:
            self._disarm()

    def remind(self, deadline: float) -> None:
        """Let the keepers look at `deadline`, unless they do so before; infinite means never."""
        if deadline < self.due:
            self._disarm()
            self.due = deadline
            self._timer = self.loop.call_at(deadline + self._grain_s, self._ring)

    def _ring(self) -> None:
        self._disarm()
        now = self.time()
        self.remind(min((keeper.expire(now) for keeper in self._keepers), default=math.inf))

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self.due = None, math.inf


def _clock(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """Return `loop.time`, or what it calls: every ask reads it, and the detour costs 2 % of one."""
    stock = getattr(loop.time, "__func__", None) is asyncio.BaseEventLoop.time
    return time.monotonic if stock else loop.time
