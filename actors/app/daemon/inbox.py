"""The inbox: what operators ask for, waiting for the moment between two ticks.

The rule: a change is carried out when nobody is in the middle of anything, so that a run which is
done again meets it at the same place.  What waits is bounded, and so is what is done at one such
moment: a flood of requests is refused, and never keeps the next tick from coming.  A panic waits
behind nothing else, and is not refused because others wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Any

from actors.app.control.errors import Code, ControlError
from actors.app.control.requests import Request
from actors.app.control.wire import URGENT

WAITING_MAX = 256
"""How many requests may wait, and as many urgent ones; one more is refused as `overloaded`."""

AT_ONCE = 64
"""How many are carried out between two ticks."""


class Asked:
    """A request, and whoever waits for what becomes of it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def answer(self, result: dict[str, Any]) -> None:
        """Tell who asked, if they still wait."""
        if not self._reply.done():
            self._reply.set_result(result)

    def fail(self, error: Exception) -> None:
        """Tell who asked that it came to nothing, if they still wait."""
        if not self._reply.done():
            self._reply.set_exception(error)

    async def reply(self) -> dict[str, Any]:
        """Wait for what becomes of it; who leaves is not waited for, and it is done all the same.

        Raises:
            ControlError: It was refused, or came to nothing.
        """
        return await self._reply


class Inbox:
    """Requests in the order in which they came, the urgent ones first.

    Both a panic and its end are urgent, so that the last word on it counts.
    """

    def __init__(self) -> None:
        self._urgent: deque[Asked] = deque()
        self._waiting: deque[Asked] = deque()
        self._closed: ControlError | None = None
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._urgent) + len(self._waiting)

    async def ask(self, request: Request) -> dict[str, Any]:
        """Let `request` wait for its moment, and return what became of it.

        Raises:
            ControlError: It was refused, or came to nothing.
        """
        if self._closed is not None:
            raise self._closed
        lane = self._urgent if request.op in URGENT else self._waiting
        if len(lane) >= WAITING_MAX:
            needed = f"{WAITING_MAX} requests wait already: ask again later, under the same id"
            raise ControlError(Code.OVERLOADED, needed)
        asked = Asked(request)
        lane.append(asked)
        self.wake()
        return await asked.reply()

    def take(self) -> Iterator[Asked]:
        """Yield what is to be carried out now; more may come meanwhile, and it may be closed."""
        for _ in range(AT_ONCE):
            if not self:
                return
            yield (self._urgent or self._waiting).popleft()

    def wake(self) -> None:
        """Let whoever waits for news look around."""
        self._news.set()

    async def wait(self, at_most_s: float | None) -> None:
        """Return when a request is there or somebody called `wake`, or after so many seconds."""
        if self:
            return  # More than is done at once: the news of them was heard already.
        try:
            async with asyncio.timeout(at_most_s):
                await self._news.wait()
        except TimeoutError:
            return  # Nothing came: that is one of the two answers.
        finally:
            self._news.clear()

    def close(self, why: ControlError) -> None:
        """Refuse what waits and what comes, because of `why`."""
        self._closed = why
        while self:
            (self._urgent or self._waiting).popleft().fail(why)

    def open(self) -> None:
        """Take requests again."""
        self._closed = None
