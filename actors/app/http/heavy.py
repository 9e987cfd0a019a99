"""Heavy questions: those that read much of the history, and could read for ever.

The rule: a few threads answer them, a few more may wait, and the rest is told to come back.  Nobody
waits longer than `DEADLINE_S`, and whatever is computed asks `Until.check` between two steps, so
that a thread soon ends what nobody waits for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from actors.app.http.problems import ProblemError
from actors.app.http.source import Readers
from actors.journal.chain import Head
from actors.journal.reader import JournalReader

T = TypeVar("T")

THREADS = 2
UNDER_WAY_MAX = 8
DEADLINE_S = 10.0


class Until:
    """When an answer comes too late."""

    def __init__(self, seconds: float) -> None:
        """Count from now."""
        self._seconds = seconds
        self._at = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Seconds that are left; 0 where none are."""
        return max(0.0, self._at - time.monotonic())

    def end(self) -> None:
        """Let it be now."""
        self._at = 0.0

    def check(self) -> None:
        """Go on only while there is time.

        Raises:
            ProblemError: There is none left.
        """
        if not self.left_s:
            raise self.problem()

    def problem(self) -> ProblemError:
        """Return what a late answer is answered with."""
        detail = f"the answer would take longer than {self._seconds:g} s"
        return ProblemError(503, "too_slow", detail)

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """Yield `items` while there is time."""
        for item in items:
            self.check()
            yield item


class Heavy:
    """Threads for heavy questions."""

    def __init__(self, readers: Readers, deadline_s: float = DEADLINE_S) -> None:
        """Answer from `readers`, each question within `deadline_s`."""
        self._readers = readers
        self._deadline_s = deadline_s
        self._pool = ThreadPoolExecutor(THREADS, "heavy")
        self._under_way: set[Until] = set()

    async def run(self, ask: Callable[[JournalReader, Until], T], head: Head | None = None) -> T:
        """Return what `ask` makes of the run, in another thread.

        Args:
            ask: Given a connection, and when it is too late.
            head: See `Readers.lend`.

        Raises:
            ProblemError: Too many are under way, or it took too long.
            EventSourcingError: The run cannot be read, or another one stands in its place.
        """
        if len(self._under_way) >= UNDER_WAY_MAX:
            detail = f"{UNDER_WAY_MAX} such questions are under way; come back"
            raise ProblemError(503, "busy", detail, retry_s=2)
        until = Until(self._deadline_s)
        self._under_way.add(until)
        work = asyncio.wrap_future(self._pool.submit(self._answer, ask, until, head))
        try:
            async with asyncio.timeout(self._deadline_s):
                return await work
        except TimeoutError:
            raise until.problem() from None
        finally:
            until.end()
            self._under_way.discard(until)

    def close(self) -> None:
        """End what is under way, and answer nothing more."""
        for until in self._under_way:
            until.end()
        self._pool.shutdown(cancel_futures=True)

    def _answer(
        self, ask: Callable[[JournalReader, Until], T], until: Until, head: Head | None
    ) -> T:
        until.check()
        with self._readers.lend(head) as reader:
            return ask(reader, until)
