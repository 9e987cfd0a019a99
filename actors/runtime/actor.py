"""An actor: a name, a mailbox, and one task that handles what comes, one thing at a time.

The rule: an actor's state belongs to its task alone, so there is nothing to lock.  Whatever it
raises ends it.  Whoever asked is told (`ActorFailed` for what was in hand, `ActorStopped` for what
waited), and the supervisor decides what happens next.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from operator import length_hint
from typing import Generic, TypeVar

from actors.runtime.dead_letters import DeadLetters
from actors.runtime.envelope import Envelope, Letter, fail
from actors.runtime.exceptions import (
    ActorError,
    ActorFailed,
    ActorStopped,
    AskTimeout,
    MailboxFull,
)
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
        dead_letters: Where the messages go that it does not handle; the system's, once it runs.
        messages_taken: How many it has taken from its mailbox.
        messages_handled: How many of them it has done with, whatever became of them.
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
        self.mailbox.refused = self._bury
        self.batch_max = batch_max
        self.dead_letters = DeadLetters()
        self.messages_taken = 0
        self.messages_handled = 0
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
                self.messages_taken += len(batch)
                await self._handle(batch)
                self.messages_handled = self.messages_taken
        finally:
            await self.stopping()

    def abandon(self, error: BaseException | None) -> None:
        """Fail everybody who still waits, because the task has ended.  For the supervisor."""
        self.mailbox.close()
        for letter, taken in self._outstanding():
            self._lose(letter, ActorFailed(self.name, error) if taken else ActorStopped(self.name))
        self.mailbox.drain()

    def expire(self, now: float) -> float:
        """Fail the asks whose deadline has passed at `now`; return the next deadline."""
        due = math.inf
        for letter, taken in self._outstanding():
            _, reply, deadline, _ = letter
            if reply is None or reply.done():
                continue
            if deadline <= now:
                self._lose(letter, AskTimeout(self.name, taken=taken))
            else:
                due = min(due, deadline)
        return due

    def _lose(self, letter: Letter[M, R], error: ActorError) -> None:
        """Give up a message: tell who asked, unless they left, and bury it."""
        reply = letter[1]
        if reply is None or not reply.done():
            self._bury(letter, error)
        if reply is not None:
            fail(reply, error)

    def _bury(self, letter: Letter[M, R], error: ActorError) -> None:
        self.dead_letters.add(self.name, letter[0], error)

    async def _handle(self, batch: list[Letter[M, R]]) -> None:
        """Handle each message in its turn, unless nobody waits for it any more."""
        self._batch, self._turns = batch, iter(batch)
        now = asyncio.get_running_loop().time()
        for message, reply, deadline, lane in self._turns:
            if reply is None:
                await self.receive(message)
            elif deadline <= now:
                letter = (message, reply, deadline, lane)
                self._lose(letter, AskTimeout(self.name, taken=False))
            elif not reply.done():
                answer = await self.receive(message)
                if not reply.done():
                    reply.set_result(answer)
        self._batch = []

    def _outstanding(self) -> Iterator[tuple[Letter[M, R], bool]]:
        """Yield every message that is in the house and not done with, and whether it was taken."""
        left = length_hint(self._turns)
        in_hand = len(self._batch) - left - 1
        for place, letter in enumerate(self._batch):
            if place >= in_hand:
                yield letter, place == in_hand
        for letter in self.mailbox:
            yield letter, False


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
        actor ends first its asker gets `ActorFailed`.  While as many are kept as their lane holds,
        further ones of that lane are refused: what waits in hand is bounded as what waits outside.

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
        """Return what is to be handled: whose asker still waits, and for whom there is room."""
        now = asyncio.get_running_loop().time()
        kept = Counter(one.lane for one in self._in_hand) if self._in_hand else None
        envelopes = []
        for letter in batch:
            message, reply, deadline, lane = letter
            if reply is not None:
                if deadline <= now:
                    self._lose(letter, AskTimeout(self.name, taken=False))
                    continue
                if reply.done():
                    continue
                if kept and kept[lane] >= self.mailbox.capacity[lane]:
                    self._lose(letter, self._full(lane, kept[lane]))
                    continue
            envelopes.append(Envelope(message, reply, deadline, lane))
        return envelopes

    def _full(self, lane: str, waiting: int) -> MailboxFull:
        capacity = self.mailbox.capacity[lane]
        return MailboxFull(self.name, lane, waiting=waiting, capacity=capacity)

    def _outstanding(self) -> Iterator[tuple[Letter[M, R], bool]]:
        for kept in self._in_hand:
            if kept.reply is not None:
                yield (kept.message, kept.reply, kept.deadline, kept.lane), True
        yield from super()._outstanding()
