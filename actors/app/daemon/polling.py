"""Looking for bars that are made while the daemon runs, beside the loop and never in its way.

A look reads files, and may fetch them first: it has a task of its own, and what it found is taken
between two ticks, as requests are.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from actors.app.live import LiveSource
from actors.runtime import Clock, Exit, spawn
from actors.runtime.tasks import wait_ended
from arena.market import Market


class Polling:
    """Looks again and again."""

    def __init__(self, source: LiveSource, clock: Clock, news: Callable[[], None]) -> None:
        """Look for the first time when asked to.

        Args:
            source: Where bars come from; it has begun, or was resumed.
            clock: When to look.
            news: Called when a look has come to its end.
        """
        self._source = source
        self._clock = clock
        self._news = news
        self._looked_s = -math.inf
        self._looking: asyncio.Task[Exit] | None = None
        self._found: Market | None = None
        self._error: BaseException | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why there may be bars that the run does not have."""
        return self._source.reasons

    def look_if_due(self, every_s: float) -> float:
        """Look, if it is time to; return the seconds until it is, infinity while it looks.

        Args:
            every_s: Seconds from the end of the last look to the next, as the config says now.
        """
        if self._looking is not None:
            return math.inf
        wait_s = self._looked_s + every_s - self._clock.monotonic_s()
        if wait_s > 0:
            return wait_s

        def ended(exited: Exit) -> None:
            self._looking, self._error = None, exited.error
            self._looked_s = self._clock.monotonic_s()
            self._news()

        self._looking = spawn("look_for_bars", self._look, on_exit=ended)
        return math.inf

    def take(self) -> Market | None:
        """Return the market with what was found, once; None where there is nothing new.

        Raises:
            StorageError: What was found could not be recorded.
        """
        error, self._error = self._error, None
        if error is not None:
            raise error
        found, self._found = self._found, None
        return found

    async def close(self) -> None:
        """Look no more; a look that is under way is given up."""
        if self._looking is not None:
            self._looking.cancel()
            await wait_ended(self._looking)
        # A look that reads may hang with its disk; whoever ends the process then is on the loop.
        await asyncio.get_running_loop().run_in_executor(None, self._source.close)

    async def _look(self) -> None:
        self._found = await self._source.poll() or self._found
