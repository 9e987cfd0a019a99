"""Jumps of the machine's clock: seen by comparing it with the one that never jumps.

Nothing in a run depends on the machine's clock.  Whoever compares times in the logs, or when rows
were written, wants to know of a jump all the same.
"""

from __future__ import annotations

from actors.runtime import Clock

JUMP_S = 2.0
"""From how many seconds on the two clocks have parted."""


class Jumps:
    """Compares the two clocks."""

    def __init__(self, clock: Clock) -> None:
        """Take them to agree now."""
        self._clock = clock
        self._apart_s = self._difference_s()

    def since_last(self) -> float:
        """Return by how many seconds the machine's clock was set since the last jump; 0 if not.

        Positive is forward, to a tenth of a second.
        """
        jumped_s = self._difference_s() - self._apart_s
        if abs(jumped_s) <= JUMP_S:
            return 0.0
        self._apart_s += jumped_s
        return round(jumped_s, 1)

    def _difference_s(self) -> float:
        return self._clock.stamp().timestamp() - self._clock.monotonic_s()
