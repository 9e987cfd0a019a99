"""The pace of a run: when the next bar is due.

The rule: bar n is due n intervals after the first, however long the work on one of them took.  So
a run that fell behind catches up, and does not drift; only what it was paused is added.
"""

from __future__ import annotations

import math

from actors.runtime import Clock


class Pace:
    """Says when the next bar is due; nobody is made to wait.

    Attributes:
        clock: Measures.
        interval_s: Real seconds from one bar to the next; 0 where each is due at once.
    """

    def __init__(self, clock: Clock, interval_s: float = 0.0) -> None:
        """Begin now: the first bar is due at once.

        Args:
            clock: Measures.
            interval_s: Real seconds from one bar to the next, 0 or more.

        Raises:
            ValueError: `interval_s` is negative, infinite, or not a number.
        """
        self.interval_s = _checked(interval_s)
        self.clock = clock
        self._start_s = clock.monotonic_s()
        self._count = 0
        self._paused_s: float | None = None

    @property
    def paused(self) -> bool:
        """Whether no bar is due until `resume`."""
        return self._paused_s is not None

    @property
    def lag_s(self) -> float:
        """Seconds since the next bar was due; 0 where it is not yet, or where all are at once."""
        return max(0.0, self._now_s() - self._due_s()) if self.interval_s else 0.0

    def due_in_s(self) -> float:
        """Return the seconds until the next bar is due: 0 or more, infinity while paused."""
        return math.inf if self.paused else max(0.0, self._due_s() - self._now_s())

    def mark(self) -> None:
        """Note that the bar that was due is settled."""
        if self.interval_s:
            self._count += 1
        else:
            self._begin(self._now_s())

    def set_speed(self, interval_s: float) -> None:
        """Go on at another pace: the next bar is due so long after the last one.

        Raises:
            ValueError: `interval_s` is negative, infinite, or not a number.
        """
        last_s = self._due_s() - self.interval_s
        self.interval_s = _checked(interval_s)
        self._begin(last_s + self.interval_s)

    def begin_in(self, seconds: float) -> None:
        """Let the next bar be due in so many seconds, for whoever goes on where another stopped.

        Args:
            seconds: 0 or more; more than the interval counts as that.
        """
        self._begin(self._now_s() + min(max(seconds, 0.0), self.interval_s))

    def skip(self) -> None:
        """Forget what it is behind: there was no bar to settle, and the next is due at once."""
        self._begin(max(self._due_s(), self._now_s()))

    def pause(self) -> None:
        """Let no bar be due until `resume`."""
        if self._paused_s is None:
            self._paused_s = self.clock.monotonic_s()

    def resume(self) -> None:
        """Go on where it was paused: the next bar is as far off as it was then."""
        if self._paused_s is not None:
            self._start_s += self.clock.monotonic_s() - self._paused_s
            self._paused_s = None

    async def wait(self) -> None:
        """Let the time pass until the next bar is due.

        Raises:
            ValueError: It is paused, and nothing would ever be due.
        """
        if self.paused:
            raise ValueError("a pace that is paused has nothing to wait for: resume it first")
        await self.clock.sleep(self.due_in_s())

    def _now_s(self) -> float:
        return self.clock.monotonic_s() if self._paused_s is None else self._paused_s

    def _due_s(self) -> float:
        return self._start_s + self._count * self.interval_s

    def _begin(self, due_s: float) -> None:
        self._start_s, self._count = due_s, 0


def _checked(interval_s: float) -> float:
    if not 0 <= interval_s < math.inf:
        raise ValueError(f"interval_s must be 0 or more, and finite, was {interval_s}")
    return interval_s
