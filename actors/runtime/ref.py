"""A ref: all that others hold of an actor.  It can be told and asked, and nothing else.

The rule: a message is in the mailbox, or refused, before `tell` or `ask` returns.  Whoever asks
three times and then awaits has three messages waiting, in that order.
"""

from __future__ import annotations

import math
from asyncio import Future
from typing import Generic, TypeVar

from actors.runtime.deadlines import Deadlines
from actors.runtime.envelope import Letter
from actors.runtime.mailbox import Mailbox

M = TypeVar("M")
R = TypeVar("R")


class Ref(Generic[M, R]):
    """The address of one actor; what `spawn` returns.

    Attributes:
        name: The actor's name.
        lane: The lane that messages take when none is named.
    """

    __slots__ = ("_deadlines", "_loop", "_mailbox", "_put", "_time", "lane", "name")

    def __init__(
        self, mailbox: Mailbox[Letter[M, R]], deadlines: Deadlines, *, lane: str | None = None
    ) -> None:
        """Address `mailbox`.

        Args:
            mailbox: Where the messages go.
            deadlines: What keeps the deadlines of asks on this loop.
            lane: The lane of messages that name none; by default the least urgent.

        Raises:
            ValueError: The mailbox has no such lane.
        """
        lanes = mailbox.lanes
        if lane is not None and lane not in lanes:
            raise ValueError(f"{mailbox.name!r} has no lane {lane!r}; its lanes are {lanes!r}")
        self.name = mailbox.name
        self.lane = lanes[-1] if lane is None else lane
        self._mailbox = mailbox
        self._put = mailbox.inlet(self.lane)
        self._deadlines = deadlines
        self._loop = deadlines.loop
        self._time = deadlines.time

    def __repr__(self) -> str:
        return f"<Ref {self.name!r} lane={self.lane!r}>"

    def tell(self, message: M, *, lane: str | None = None) -> None:
        """Leave `message` and expect nothing.

        Raises:
            MailboxFull: The lane is at its bound.
            ActorStopped: The actor accepts nothing more.
            KeyError: There is no such lane.
        """
        lane = lane or self.lane
        self._mailbox.put(lane, (message, None, math.inf, lane))

    def ask(self, message: M, timeout_s: float, lane: str | None = None) -> Future[R]:
        """Leave `message` now, and return what will hold the answer.

        A message whose asker stops waiting, by a cancellation or by the deadline, while it still
        waits itself is never handled.

        Args:
            message: What is asked.
            timeout_s: Seconds after which the asker gives up.
            lane: Where it waits; by default the lane of this ref.

        Returns:
            A future.  It raises `AskTimeout` once the deadline has passed, `ActorFailed` if the
            actor ends with the message in hand, and `ActorStopped` if it ends before.

        Raises:
            MailboxFull: The lane is at its bound.
            ActorStopped: The actor accepts nothing more.
            KeyError: There is no such lane.
        """
        deadline = self._time() + timeout_s
        reply: Future[R] = Future(loop=self._loop)
        if lane is None:
            self._put((message, reply, deadline, self.lane))
        else:
            self._mailbox.put(lane, (message, reply, deadline, lane))
        if deadline < self._deadlines.due:
            self._deadlines.remind(deadline)
        return reply
