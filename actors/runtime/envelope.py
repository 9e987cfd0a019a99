"""A message on its way: a letter in the mailbox, an envelope in the hands of a `BatchActor`.

The rule: an ask is settled once.  Whoever comes second (a late answer, a deadline, a crash) finds
the reply done and leaves it alone: settling a cancelled future would raise, and kill the actor.
"""

from __future__ import annotations

import asyncio
from typing import Generic, TypeAlias, TypeVar

M = TypeVar("M")
R = TypeVar("R")

# The message, where the answer goes (None if it was told), its deadline in the loop's seconds, and
# its lane.  A bare tuple: an object with names would cost 4 % of an ask.
Letter: TypeAlias = tuple[M, asyncio.Future[R] | None, float, str]


class Envelope(Generic[M, R]):
    """One message that an actor has taken and will answer itself.

    Attributes:
        message: What was told or asked.
        reply: Where the answer goes; None where it was told, or is answered.
        deadline: When the asker stops waiting, in the loop's seconds; infinite where nobody waits.
        lane: The lane it came by.
    """

    __slots__ = ("deadline", "lane", "message", "reply")

    def __init__(
        self, message: M, reply: asyncio.Future[R] | None, deadline: float, lane: str
    ) -> None:
        self.message = message
        self.reply = reply
        self.deadline = deadline
        self.lane = lane

    @property
    def abandoned(self) -> bool:
        """Whether it was asked and the asker has left: timed out or cancelled."""
        return self.reply is not None and self.reply.done()

    def expired(self, now: float) -> bool:
        """Whether the deadline has passed at `now`, in the loop's seconds."""
        return self.deadline <= now

    def answer(self, value: R) -> None:
        """Give the asker `value`, if somebody still waits for it."""
        reply, self.reply = self.reply, None
        if reply is not None and not reply.done():
            reply.set_result(value)

    def fail(self, error: Exception) -> None:
        """Give the asker `error`, if somebody still waits for it."""
        reply, self.reply = self.reply, None
        if reply is not None:
            fail(reply, error)


def fail(reply: asyncio.Future[R], error: Exception) -> None:
    """Give whoever awaits `reply` the `error`, if somebody still waits."""
    if not reply.done():
        reply.set_exception(error)
        # An asker that died before it awaited this reply is no error of its own: unless it counts
        # as seen, asyncio reports one when the future is collected.
        reply.exception()
