"""A mailbox: bounded lanes in strict order of priority, and one reader who takes many at a time.

The rule: a message is either in the mailbox or returned by `take`, and the step between the two has
no `await` in it.  A cancelled reader therefore loses nothing, and a full lane says so at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Generic, TypeVar

from actors.runtime.exceptions import ActorError, ActorStopped, MailboxFull

T = TypeVar("T")


class Mailbox(Generic[T]):
    """What waits for one reader.  Iterating shows what waits, the most urgent first.

    Attributes:
        name: Whose mailbox it is, for the messages of errors.
        capacity: By lane, the most urgent lane first.
        refused: Called with what was not accepted, and why, before whoever put it is told.
    """

    __slots__ = (
        "_closed",
        "_high_water",
        "_inlets",
        "_queues",
        "_shutters",
        "_waiter",
        "capacity",
        "name",
        "refused",
    )

    def __init__(self, lanes: Mapping[str, int], *, name: str = "mailbox") -> None:
        """Open an empty mailbox.

        Args:
            lanes: Capacity by lane, the most urgent lane first.  At least one, each >= 1.
            name: Whose mailbox it is.

        Raises:
            ValueError: There is no lane, or one that holds nothing.
        """
        if not lanes or min(lanes.values()) < 1:
            raise ValueError(f"{name!r} needs lanes that hold at least 1, found {dict(lanes)!r}")
        self.name = name
        self.capacity = dict(lanes)
        self.refused: Callable[[T, ActorError], None] = _ignore
        self._queues: tuple[deque[T], ...] = tuple(deque() for _ in lanes)
        self._shutters: list[Callable[[], None]] = []
        self._inlets = {
            lane: self._inlet(lane, queue) for lane, queue in zip(lanes, self._queues, strict=True)
        }
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._high_water = 0

    def __len__(self) -> int:
        return sum(map(len, self._queues))

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._queues)

    @property
    def lanes(self) -> tuple[str, ...]:
        """The names of the lanes, the most urgent first."""
        return tuple(self._inlets)

    @property
    def closed(self) -> bool:
        """Whether it accepts nothing more."""
        return self._closed

    @property
    def high_water(self) -> int:
        """The most that ever waited at one time, over all lanes."""
        return max(self._high_water, len(self))

    @property
    def fill(self) -> float:
        """How full its fullest lane is, 0 to 1."""
        lanes = zip(self._queues, self.capacity.values(), strict=True)
        return max(len(queue) / most for queue, most in lanes)

    def put(self, lane: str, item: T) -> None:
        """Leave `item` in `lane`, at once or not at all.

        Raises:
            MailboxFull: The lane is at its bound.
            ActorStopped: The mailbox is closed.
            KeyError: There is no such lane.
        """
        self._inlets[lane](item)

    def inlet(self, lane: str) -> Callable[[T], None]:
        """Return `put` for one lane, for whoever uses it often.

        Raises:
            KeyError: There is no such lane.
        """
        return self._inlets[lane]

    async def take(self, batch_max: int) -> list[T]:
        """Wait until something is there, then take up to `batch_max`, the most urgent first.

        Everybody else has a turn first, even where something is there already: a reader that is
        never without work must not keep the loop to itself.

        Returns:
            At least one item, in order of lane and then of arrival; none once the mailbox is closed
            and empty.

        Raises:
            RuntimeError: Somebody else waits in `take`: a mailbox has one reader.
        """
        if any(self._queues):
            await asyncio.sleep(0)
        elif not self._closed:
            if self._waiter is not None and not self._waiter.done():
                raise RuntimeError(f"the mailbox of {self.name!r} already has a reader")
            self._waiter = waiter = asyncio.get_running_loop().create_future()
            # Nothing to undo if this is cancelled: a waiter that is done counts as none.
            await waiter
        return self._remove(batch_max)

    def drain(self) -> list[T]:
        """Take everything that waits, without waiting for more."""
        return self._remove(len(self))

    def close(self) -> None:
        """Accept nothing more.  What waits can still be taken.  Closing twice is harmless."""
        self._closed = True
        for shut in self._shutters:
            shut()
        self._wake()

    def _inlet(self, lane: str, queue: deque[T]) -> Callable[[T], None]:
        # A closure: every message passes here, and looking all this up again would double the cost.
        limit = self.capacity[lane]

        def put(item: T) -> None:
            if len(queue) >= limit:
                raise self._refusal(lane, item)
            queue.append(item)
            if self._waiter is not None:
                self._wake()

        def shut() -> None:
            nonlocal limit
            limit = 0

        self._shutters.append(shut)
        return put

    def _refusal(self, lane: str, item: T) -> ActorError:
        error: ActorError = ActorStopped(self.name)
        if not self._closed:
            capacity = self.capacity[lane]
            error = MailboxFull(self.name, lane, waiting=capacity, capacity=capacity)
        self.refused(item, error)
        return error

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _remove(self, count: int) -> list[T]:
        # More never waits than just before some of it is taken: `put` need not keep the mark.
        waiting = len(self)
        self._high_water = max(self._high_water, waiting)
        taken: list[T] = []
        for queue in self._queues:
            if waiting <= count:
                taken += queue
                queue.clear()
            else:
                taken += [queue.popleft() for _ in range(min(len(queue), count - len(taken)))]
        return taken


def _ignore(item: object, error: ActorError) -> None:
    """Let a refusal be the business of whoever gets the exception."""
