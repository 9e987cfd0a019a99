"""How often something may be started again, and how soon.

The rule: time has the unit that the caller gives it, seconds in a daemon and ticks in an
experiment.  Nothing here restarts anything: it counts, and says when it is too often.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """At most `restarts_max` restarts within any `window`.

    Attributes:
        restarts_max: How many failures are followed by a restart; the next one is too many.
        window: How long a failure counts, in the caller's unit of time, > 0.
        backoff_min: The wait before the first restart, in the same unit.
        backoff_max: The wait never grows beyond this.
    """

    restarts_max: int
    window: float
    backoff_min: float = 0.0
    backoff_max: float = 0.0

    def __post_init__(self) -> None:
        if self.restarts_max < 0 or self.window <= 0:
            raise ValueError(f"restarts_max must be at least 0 and window positive, found {self}")
        if not 0 <= self.backoff_min <= self.backoff_max:
            raise ValueError(f"backoff must satisfy 0 <= min <= max, found {self}")

    def backoff(self, failures: int) -> float:
        """Return the wait after the `failures`-th failure in a row: it doubles each time."""
        # Past 2**64 any wait has met its bound, and a float would overflow on the way.
        return min(self.backoff_max, self.backoff_min * 2.0 ** min(failures - 1, 64))


class Intensity:
    """Counts the failures of one thing against its policy."""

    __slots__ = ("_failures", "_policy")

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self._failures: deque[float] = deque()

    @property
    def failures(self) -> int:
        """How many failures counted when the last one was recorded."""
        return len(self._failures)

    def record(self, now: float) -> bool:
        """Count a failure at `now`.

        Args:
            now: Not before the failure that was recorded last.

        Returns:
            Whether this is one too many: more than `restarts_max` failures are younger than
            `window`.  One that is exactly as old as the window no longer counts.
        """
        self._failures.append(now)
        while now - self._failures[0] >= self._policy.window:
            self._failures.popleft()
        return len(self._failures) > self._policy.restarts_max
