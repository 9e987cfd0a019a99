"""An actor: a name, a mailbox, and one task that handles what comes, one thing at a time.

The rule: an actor's state belongs to its task alone, so there is nothing to lock.  Whatever it
raises ends it.  Whoever asked is told (`ActorFailed` for what was in hand, `ActorStopped` for what
waited), and the supervisor decides what happens next.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from operator import length_hint
from typing import Generic, TypeVar

from actors.runtime.envelope import Envelope, Letter, fail
from actors.runtime.exceptions import ActorFailed, ActorStopped, AskTimeout
from actors.runtime.mailbox import Mailbox

M = TypeVar("M")
R = TypeVar("R")


class Actor(Generic[M, R]):
    """Handles messages of type `M`, one after the other, and answers with `R`.

    Subclasses write `receive`.

    Attributes:
        name: Unique among what its supervisor owns; also the name of its task.
        mailbox: What waits.
        batch_max: How many messages it takes at once.  A more urgent one that comes later waits
            until these are done.
    """

    def __init__(self, name: str, *, lanes: Mapping[str, int], batch_max: int = 256) -> None:
        """Make an actor that does not run yet; its mailbox is open already.

        Args:
            name: What it is called.
            lanes: Capacity by lane, the most urgent lane first.
            batch_max: How many messages it takes at once, >= 1.

        Raises:
            ValueError: There is no lane, one holds nothing, or `batch_max` is below 1.
        """
        if batch_max < 1:
            raise ValueError(f"batch_max must be at least 1, was {batch_max}")
        self.name = name
        self.mailbox: Mailbox[Letter[M, R]] = Mailbox(lanes, name=name)
        self.batch_max = batch_max
        self._batch: list[Letter[M, R]] = []
        self._turns = iter(self._batch)

    async def receive(self, message: M) -> R:
        """Handle one message; what is returned answers the asker, if there is one."""
        raise NotImplementedError(f"{type(self).__name__} has no `receive`: it handles no messages")

    async def started(self) -> None:
        """Do what must be done before the first message."""

    async def stopping(self) -> None:
        """Let go of what `started` took.  Runs however the actor ends, once it has started."""

    def stop(self) -> None:
        """Accept nothing more; the actor ends when it has handled what waits."""
        self.mailbox.close()

    async def run(self) -> None:
        """Handle messages until the mailbox is closed and empty.  For the supervisor."""
        await self.started()
        try:
            while batch := await self.mailbox.take(self.batch_max):
                await self._handle(batch)
        finally:
            await self.stopping()

    def abandon(self, error: BaseException | None) -> None:
        """Fail everybody who still waits, because the task has ended.  For the supervisor."""
        self.mailbox.close()
        for reply, _, taken in self._outstanding():
            fail(reply, ActorFailed(self.name, error) if taken else ActorStopped(self.name))
        self.mailbox.drain()

    def expire(self, now: float) -> float:
        """Fail the asks whose deadline has passed at `now`; return the next deadline."""
        due = math.inf
        for reply, deadline, taken in self._outstanding():
            if reply.done():
                continue
            if deadline <= now:
                fail(reply, AskTimeout(self.name, taken=taken))
            else:
                due = min(due, deadline)
        return due

    async def _handle(self, batch: list[Letter[M, R]]) -> None:
        """Handle each message in its turn, unless nobody waits for it any more."""
        self._batch, self._turns = batch, iter(batch)
        now = asyncio.get_running_loop().time()
        for message, reply, deadline, _ in self._turns:
            if reply is None:
                await self.receive(message)
            elif deadline <= now:
                fail(reply, AskTimeout(self.name, taken=False))
            elif not reply.done():
                answer = await self.receive(message)
                if not reply.done():
                    reply.set_result(answer)
        self._batch = []

    def _outstanding(self) -> Iterator[tuple[asyncio.Future[R], float, bool]]:
        """Yield reply, deadline and whether it was taken, for every ask that is in the house."""
        taken = len(self._batch) - length_hint(self._turns)
        for place, (_, reply, deadline, _) in enumerate(chain(self._batch, self.mailbox)):
            if reply is not None:
                yield reply, deadline, place < taken


class BatchActor(Actor[M, R]):
    """Handles many messages at a time and answers each itself, now or later.

    Subclasses write `receive_batch` instead of `receive`.  This is for the actor that decides many
    and records once.
    """

    def __init__(self, name: str, *, lanes: Mapping[str, int], batch_max: int = 256) -> None:
        super().__init__(name, lanes=lanes, batch_max=batch_max)
        self._in_hand: list[Envelope[M, R]] = []

    async def receive_batch(self, envelopes: Sequence[Envelope[M, R]]) -> None:
        """Handle what was taken at once, in order of lane and arrival.

        An envelope may be kept and answered in a later batch.  Its deadline runs on, and if the
        actor ends first its asker gets `ActorFailed`.

        Args:
            envelopes: At least one.  Those whose asker had left are not among them.
        """
        raise NotImplementedError(f"{type(self).__name__} has no `receive_batch`")

    async def _handle(self, batch: list[Letter[M, R]]) -> None:
        envelopes = self._open(batch)
        self._in_hand += envelopes
        if envelopes:
            await self.receive_batch(envelopes)
        self._in_hand = [
            envelope
            for envelope in self._in_hand
            if envelope.reply is not None and not envelope.reply.done()
        ]

    def _open(self, batch: list[Letter[M, R]]) -> list[Envelope[M, R]]:
        now = asyncio.get_running_loop().time()
        envelopes = []
        for message, reply, deadline, lane in batch:
            if reply is not None:
                if deadline <= now:
                    fail(reply, AskTimeout(self.name, taken=False))
                    continue
                if reply.done():
                    continue
            envelopes.append(Envelope(message, reply, deadline, lane))
        return envelopes

    def _outstanding(self) -> Iterator[tuple[asyncio.Future[R], float, bool]]:
        for envelope in self._in_hand:
            if envelope.reply is not None:
                yield envelope.reply, envelope.deadline, True
        yield from super()._outstanding()
