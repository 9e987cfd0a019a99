"""One life of the process: the real allocator on the real runtime, from its start to its end.

A life ends in a crash (the power goes, and whatever the actors still do reaches nobody), in a
failed sync, or in a clean stop.  The next life knows nothing but the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from actors.allocator import Allocator
from actors.app.soak.history import Delivery, LostError
from actors.app.soak.small import OPENS_AT, small
from actors.journal.chain import Head, timestamp
from actors.journal.codec import decode
from actors.messages.allocator import AllocatorMessage, Answer
from actors.runtime import Actor, ActorError, ActorSystem, Deadlines, Exit, ExitReason, Group, Ref
from actors.simulator import SimDisk, SimJournal
from arena.exceptions import ArenaError
from arena.treasury import Treasury, apply

TELLERS = 2
"""How many actors stand between some of the clients and the allocator."""

TELLER_LANES = {"counter": 32}


class Errand(NamedTuple):
    """What a teller is asked to pass on."""

    message: AllocatorMessage
    lane: str
    timeout_s: float


class Teller(Actor[Errand, object]):
    """Asks the allocator for others, one errand after the other.

    Attributes:
        task: Its own, once it has started.
    """

    def __init__(self, name: str, allocator: Ref[AllocatorMessage, Answer]) -> None:
        super().__init__(name, lanes=TELLER_LANES)
        self._allocator = allocator
        self.task: asyncio.Task[Any] | None = None

    async def started(self) -> None:
        """Remember the task, for whoever cancels it."""
        self.task = asyncio.current_task()

    async def receive(self, message: Errand) -> object:
        """Return the allocator's answer, or what went wrong: as a value, for it is not ours."""
        try:
            return await self._allocator.ask(
                message.message, timeout_s=message.timeout_s, lane=message.lane
            )
        except (ActorError, ArenaError, LookupError, TypeError, ValueError) as error:
            return error


class Subject(Allocator):
    """The allocator as it is, and who wants to know of its end.

    Attributes:
        report: Called with what it ended of.
    """

    report: Callable[[BaseException | None], None]

    def abandon(self, error: BaseException | None) -> None:
        """Fail everybody who still waits, and report."""
        super().abandon(error)
        self.report(error)


class Recovered(NamedTuple):
    """What the disk says: the treasury, its head and its time, and a state on the way there."""

    treasury: Treasury
    head: Head
    stamp: str
    state_hash: str


async def recover(disk: SimDisk, *, hash_at: int) -> Recovered:
    """Fold what is durable, and hash the state after entry `hash_at`."""
    experiment = small().experiment
    treasury, stamp = Treasury(experiment), timestamp(OPENS_AT)
    state_hash = treasury.state_hash() if hash_at == 0 else ""
    for entry in disk.rows.entries:
        apply(treasury, decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq))
        stamp = entry.timestamp
        if entry.seq == hash_at:
            state_hash = treasury.state_hash()
    return Recovered(treasury, await disk.rows.head(), stamp, state_hash)


class Process:
    """The actors of one life, and the lines to those who wait for them.

    Attributes:
        allocator: The real one.
        journal: Its journal.
        ended: Done when this life is over.
        cut: Whether the power went.
        deaths: Who died, and of what, where nothing explains it.
    """

    def __init__(self, system: ActorSystem, recovered: Recovered, journal: SimJournal) -> None:
        self.allocator = Subject(
            recovered.treasury,
            journal,
            run_id=small().run_id,
            head=recovered.head,
            stamp=recovered.stamp,
        )
        self.journal = journal
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.cut = False
        self.deaths: list[str] = []
        self._lines: list[Delivery] = []
        self.allocator.report = self._note_end
        self._ref = system.start(self.allocator)
        self._teller_refs: dict[str, Ref[Errand, object]] = {}
        self._tellers: Group[Errand, object] = system.group(on_exit=self._replace)
        self._waiting: dict[str, Teller] = {}
        self._deadlines = Deadlines()
        for n in range(TELLERS):
            self._hire(f"teller-{n}")

    def send(self, delivery: Delivery, errand: Errand, *, teller: str | None) -> None:
        """Leave a message with the allocator, or with a teller who passes it on."""
        try:
            reply: asyncio.Future[Any]
            if teller is None:
                message, lane, timeout_s = errand
                reply = self._ref.ask(message, timeout_s=timeout_s, lane=lane)
            else:
                reply = self._teller_refs[teller].ask(errand, timeout_s=errand.timeout_s)
        except ActorError as error:
            delivery.refuse(error)
            return
        self._lines = [line for line in self._lines if line.ended is None]
        self._lines.append(delivery)
        delivery.follow(reply, timeout_s=errand.timeout_s)

    def cut_power(self) -> None:
        """Crash: nothing more reaches the disk, and no answer reaches anybody."""
        if self.cut:
            return
        self.cut = True
        self.journal.cut()
        for line in self._lines:
            if line.reply is not None and not line.reply.done():
                line.reply.set_exception(LostError())
        self.end()

    def end(self) -> None:
        """Say that this life is over."""
        if not self.ended.done():
            self.ended.set_result(None)

    def mark_queued(self, deliveries: Sequence[Delivery]) -> None:
        """Note which of `deliveries` nobody has taken yet: a cancellation now is definite."""
        actors: list[Actor[Any, Any]] = [self.allocator, *self._waiting.values()]
        for delivery in deliveries:
            reply = delivery.reply
            delivery.still_queued = any(
                letter[1] is reply for actor in actors for letter in actor.mailbox
            )

    @property
    def teller_names(self) -> tuple[str, ...]:
        """Who passes errands on now."""
        return self._tellers.names

    def teller_task(self, name: str) -> asyncio.Task[Any] | None:
        """Return the task of a teller, if it has begun."""
        return self._waiting[name].task

    def _hire(self, name: str) -> None:
        teller = Teller(name, self._ref)
        self._tellers.add(teller)
        self._waiting[name] = teller
        self._deadlines.add(teller)
        self._teller_refs[name] = Ref(teller.mailbox, self._deadlines)

    def _replace(self, exited: Exit) -> None:
        if exited.reason is not ExitReason.CANCELLED:
            self.deaths.append(f"{exited.name} {exited.reason}: {exited.error!r}")
        self._deadlines.discard(self._waiting[exited.name])
        if not self.ended.done():
            self._hire(exited.name)

    def _note_end(self, error: BaseException | None) -> None:
        """See the allocator end: only a disk that failed, or a stop, is a reason to."""
        if not (self.cut or self.journal.sync_failed or self.ended.done()):
            self.deaths.append(f"the allocator died: {error!r}")
        self.end()
