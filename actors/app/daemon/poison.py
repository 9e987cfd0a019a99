"""Poison: a request that breaks the core is answered and forgotten; one that keeps coming is not.

The rule: five times the same fault within a minute end the daemon.  Each time the arena was left as
it was, but whoever sends such a thing again and again has found something that nobody understands,
and a treasury that is not understood must not go on by itself.
"""

from __future__ import annotations

from collections import deque

from actors.runtime import Clock
from arena.exceptions import ArenaError

FAULTS_MAX = 5
WINDOW_S = 60.0
KNOWN_MAX = 1_000
"""How many faults are told apart."""


class PoisonedError(ArenaError):
    """The same fault came too often."""

    def __init__(self, fault: str) -> None:
        super().__init__(
            f"{FAULTS_MAX} requests within {WINDOW_S:g} s broke the arena in the same way, the last"
            f" with {fault}; nothing was written by them"
        )


class Poison:
    """Counts faults by what they are."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, deque[float]] = {}

    def note(self, error: Exception) -> None:
        """Take note of one more fault.

        Raises:
            PoisonedError: It came `FAULTS_MAX` times within `WINDOW_S` seconds.
        """
        fault, now = f"{type(error).__name__}: {error}"[:200], self._clock.monotonic_s()
        times = self._seen.pop(fault, deque())
        times.append(now)
        while now - times[0] > WINDOW_S:
            times.popleft()
        self._seen[fault] = times  # The latest stands last, so that the oldest is forgotten first.
        if len(self._seen) > KNOWN_MAX:
            del self._seen[next(iter(self._seen))]
        if len(times) >= FAULTS_MAX:
            raise PoisonedError(fault) from error
