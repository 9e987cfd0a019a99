"""Clocks: the only place where the time is read.

The rule: an interval is measured with `monotonic_s`, which never jumps; a moment that somebody will
read is a `stamp`, in UTC and aware of it.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where an actor asks for the time."""

    def monotonic_s(self) -> float:
        """Return seconds since some fixed moment; never less than before."""

    def stamp(self) -> datetime:
        """Return the moment, aware and in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass."""


class WallClock:
    """The machine's time."""

    def monotonic_s(self) -> float:
        """Return the seconds of the machine's monotonic clock."""
        return time.monotonic()

    def stamp(self) -> datetime:
        """Return the machine's idea of now.  It may jump when the machine is set right."""
        return datetime.now(UTC)  # noqa: TID251 - this is the Clock that everybody else must ask

    async def sleep(self, seconds: float) -> None:
        """Let that much real time pass."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that moves when it is told to, for tests and experiments."""

    def __init__(self, start: datetime) -> None:
        """Stand still at `start`.

        Args:
            start: An aware moment, in any zone.

        Raises:
            ValueError: `start` has no zone.
        """
        if start.tzinfo is None:
            raise ValueError(f"start must be aware of its zone, was {start!r}")
        self._start = start.astimezone(UTC)
        self._elapsed_s = 0.0

    def monotonic_s(self) -> float:
        """Return the seconds that were added since the start."""
        return self._elapsed_s

    def stamp(self) -> datetime:
        """Return the start and what was added to it."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def advance(self, seconds: float) -> None:
        """Move forward.

        Raises:
            ValueError: `seconds` is negative, or not a number.
        """
        if not seconds >= 0:
            raise ValueError(f"a clock moves forward: seconds must be at least 0, was {seconds}")
        self._elapsed_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Move forward at once: nobody waits."""
        self.advance(seconds)
