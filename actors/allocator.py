"""The allocator: the only actor that may move capital.

Every command, from every agent, waits in one mailbox.  That queue is the lock.  The allocator takes
what waits and

1. plans      decides each command on an overlay of the treasury, in canonical order;
2. appends    records all the events in one transaction, durably;
3. publishes  makes the overlay the treasury that everyone sees;
4. replies    answers each sender with a receipt.

A reply therefore always describes something that is already on disk.  If the disk is full, the
overlay is dropped, nothing has happened, and everyone in the batch is told so.  If nobody knows
what is on the disk, the allocator ends: it never answers after that.

A command has an id, and it is decided once.  Whoever sends it again gets the answer that it got.
What came from outside (the lane `api`) is kept word by word: a run that is carried out again is
told it again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import structlog

from actors.journal.bodies import body_hash, body_of
from actors.journal.chain import Entry, Head, link
from actors.journal.codec import decode
from actors.journal.port import Batch, CommandRow, Journal, KnownCommandError, StorageError
from actors.messages.allocator import (
    AGENTS,
    API,
    LANES,
    AllocatorMessage,
    Answer,
    Audit,
    Clocked,
    CommandConflictError,
    Probe,
    answer_of,
)
from actors.runtime import BatchActor, Envelope
from arena.commands import CheckConservation, Command, RequestCapital, ReturnCapital, RunCycle
from arena.events import Event
from arena.exceptions import EventSourcingError
from arena.ids import RunId
from arena.ledger import check_balances
from arena.treasury import Treasury, decide_onto, fold
from arena.words import Book

log = structlog.wrap_logger(logging.getLogger(__name__))


class Asked(NamedTuple):
    """A command to decide, the envelope in which it came and its answer goes back, and its body."""

    envelope: Envelope[AllocatorMessage, Answer]
    command: Command
    body: str = ""

    @property
    def body_hash(self) -> str:
        """The SHA-256 of what was asked: two commands of one id must have the same."""
        return body_hash(self.body)


class Allocator(BatchActor[AllocatorMessage, Answer]):
    """Owns the treasury and shares it with nobody; what it publishes is never changed again."""

    def __init__(
        self, treasury: Treasury, journal: Journal, *, run_id: RunId, head: Head, stamp: str
    ) -> None:
        super().__init__("allocator", lanes=LANES, batch_max=sum(LANES.values()))
        self._treasury = treasury
        self._journal = journal
        self._run_id = run_id
        self._head = head
        self._stamp = stamp
        self._held: list[Envelope[AllocatorMessage, Answer]] = []

    @property
    def treasury(self) -> Treasury:
        """The treasury as of the last batch that is on disk; not to be changed."""
        return self._treasury

    @property
    def head(self) -> Head:
        """The journal's head."""
        return self._head

    async def receive_batch(self, envelopes: Sequence[Envelope[AllocatorMessage, Answer]]) -> None:
        """Settle what came; what agents wish waits for the cycle that decides about it."""
        ready: list[Asked] = []
        # A wish is in the mailbox before its sender says so: it precedes the cycle that it is for.
        self._held += [envelope for envelope in envelopes if envelope.lane == AGENTS]
        for envelope in envelopes:
            match envelope.message:
                case Audit():
                    await self._settle(ready)
                    await self._settle([Asked(envelope, await self._audit(envelope.message))])
                    ready = []
                case Clocked():
                    await self._settle(ready)
                    asked = Asked(envelope, envelope.message.command)
                    await self._settle([asked], stamp=envelope.message.stamp)
                    ready = []
                case Probe():
                    await self._settle(ready)
                    envelope.answer(Answer(await self._journal.head(), ()))
                    ready = []
                case RunCycle():
                    ready += [*self._wishes(), Asked(envelope, envelope.message)]
                case _ if envelope.lane != AGENTS:
                    ready.append(Asked(envelope, envelope.message))
        await self._settle(ready)

    async def _settle(self, asked: Sequence[Asked], *, stamp: str | None = None) -> None:
        """Plan, append, publish, reply; a command that cannot be decided fails alone."""
        asked = self._legible(asked)
        while asked:
            # A clock that was set back is not followed: no entry is older than the one before it.
            now = max(stamp or self._stamp, self._stamp)
            plan = Plan(self._treasury, self._head, self._run_id, now)
            outcomes = [plan.decide(one) for one in asked]
            for book in Book:
                check_balances(plan.treasury.books[book])
            try:
                await self._append(plan)
            except KnownCommandError as known:
                asked = await self._answer_again(asked, known.command_ids)
                continue
            except StorageError as refused:
                if not refused.definite:
                    raise
                outcomes = [refused] * len(asked)
            else:
                self._treasury, self._head = plan.treasury, plan.head
                self._stamp = plan.entries[-1].timestamp if plan.entries else self._stamp
            for one, outcome in zip(asked, outcomes, strict=True):
                self._reply(one.envelope, outcome)
            return

    async def _append(self, plan: Plan) -> None:
        """Have the journal record `plan`, and make sure that it recorded just that.

        Raises:
            KnownCommandError: Some have their answer already, be it that they would break now.
        """
        known = await self._journal.recall(plan.broken) if plan.broken else {}
        if known:
            raise KnownCommandError(sorted(known))
        if not plan.commands:
            return
        head = await self._journal.append(plan.batch())
        if head != plan.head:
            raise EventSourcingError(f"the journal's head is {head}, and {plan.head} was planned")
        log.debug("batch_settled", seq=head.seq, events=len(plan.events))

    async def _answer_again(self, asked: Sequence[Asked], known: Sequence[str]) -> list[Asked]:
        """Answer what is on record as it was answered before; return what is left to decide."""
        rows = await self._journal.recall(known)
        for one in asked:
            row = rows.get(one.command.command_id)
            if row is not None and row.body_hash != one.body_hash:
                self._reply(one.envelope, CommandConflictError(row.command_id))
            elif row is not None:
                self._reply(one.envelope, await self._stored_answer(row))
        return [one for one in asked if one.command.command_id not in rows]

    async def _stored_answer(self, row: CommandRow) -> Answer:
        first = row.first_seq or max(row.last_seq, 1)
        entries = await self._journal.read(first - 1, max(row.last_seq - first + 1, 1))
        receipt = self._head
        if entries:  # What was decided before there was any has the first one's predecessor.
            last = entries[-1]
            receipt = Head(last.seq, last.hash) if row.last_seq else Head(0, last.prev_hash)
        caused = entries if row.first_seq is not None else ()
        events = [decode(e.event_type, e.type_version, e.data, seq=e.seq) for e in caused]
        return answer_of(receipt, events, duplicate=True)

    def _legible(self, asked: Sequence[Asked]) -> list[Asked]:
        """Return, with its body, whatever can be read and is still waited for; the rest is told."""
        legible = []
        for one in asked:
            if one.envelope.abandoned:
                continue
            try:
                legible.append(one._replace(body=_body_of(one.envelope.message)))
            except Exception as error:  # noqa: BLE001  # whatever one command breaks, others go on
                log.warning("command_illegible", error=repr(error))
                self._reply(one.envelope, error)
        return legible

    def _reply(
        self, envelope: Envelope[AllocatorMessage, Answer], outcome: Answer | Exception
    ) -> None:
        if isinstance(outcome, Answer):
            envelope.answer(outcome)
        elif isinstance(outcome, CommandConflictError):
            envelope.fail(outcome)  # That is an answer, too.
        else:
            self.dead_letters.add(self.name, envelope.message, outcome)
            envelope.fail(outcome)

    def _wishes(self) -> list[Asked]:
        """Return what agents wished in the order of a seeded shuffle, then of each one's sending.

        No result depends on which task the scheduler happened to run first.
        """
        by_agent: dict[str, list[Asked]] = {}
        for envelope in self._held:
            wish = envelope.message
            if isinstance(wish, (RequestCapital, ReturnCapital)):
                by_agent.setdefault(str(wish.agent_id), []).append(Asked(envelope, wish))
            else:
                envelope.fail(TypeError(f"agents do not send {type(wish).__name__}"))
        self._held = []
        seed = self._treasury.experiment.root.child("wishes", self._treasury.tick)
        return [asked for agent in seed.shuffled(sorted(by_agent)) for asked in by_agent[agent]]

    async def _audit(self, message: Audit) -> Command:
        rows = await self._journal.trial_balance()
        return CheckConservation(
            command_id=message.command_id, real=rows[Book.REAL], virtual=rows[Book.VIRTUAL]
        )


class Plan:
    """One batch in the making: what was decided, and the treasury and the chain as they will be."""

    def __init__(self, published: Treasury, head: Head, run_id: RunId, stamp: str) -> None:
        self._sound, self._sound_upto = published, 0  # A treasury, and the events that it knows.
        self._run_id = run_id
        self._stamp = stamp
        self._answers: dict[str, tuple[str, Answer]] = {}
        self.treasury = published.copy()
        self.head = head
        self.entries: list[Entry] = []
        self.events: list[Event] = []
        self.commands: list[CommandRow] = []
        self.broken: list[str] = []

    def decide(self, asked: Asked) -> Answer | Exception:
        """Decide one more command after the ones before it; one that breaks leaves no trace."""
        command, body, first, head = asked.command, asked.body_hash, len(self.events), self.head
        try:
            if command.command_id in self._answers:
                return self._answer_again(command.command_id, body)
            for event, caused_by in decide_onto(self.treasury, command):
                self._add(event, caused_by, command.command_id)
        except Exception as error:  # noqa: BLE001  # whatever one command breaks, others go on
            log.warning("command_failed", command_id=command.command_id, error=repr(error))
            del self.entries[first:], self.events[first:]
            self.head = head
            self._start_over(first)
            self.broken.append(command.command_id)
            return error
        answer = answer_of(self.head, self.events[first:])
        begun = head.seq + 1 if answer.events else None
        kept = asked.body if asked.envelope.lane == API else None
        self.commands.append(CommandRow(command.command_id, body, begun, self.head.seq, kept))
        self._answers[command.command_id] = body, answer
        return answer

    def _start_over(self, upto: int) -> None:
        """Take back what was applied after the first `upto` events, and keep what they led to."""
        self.treasury = fold(self._sound.copy(), self.events[self._sound_upto :])
        self._sound, self._sound_upto = self.treasury.copy(), upto

    def _answer_again(self, command_id: str, body: str) -> Answer | Exception:
        known, answer = self._answers[command_id]
        return (
            replace(answer, duplicate=True) if body == known else CommandConflictError(command_id)
        )

    def _add(self, event: Event, caused_by: int | None, command_id: str) -> None:
        entry = link(
            self.head,
            self._run_id,
            event,
            timestamp=self._stamp,
            command_id=command_id,
            caused_by=caused_by,
        )
        self.head = Head(entry.seq, entry.hash)
        self.entries.append(entry)
        self.events.append(event)

    def batch(self) -> Batch:
        """Return what the journal is to record."""
        state = {"tick": str(self.treasury.tick), "cycle": str(self.treasury.cycle)}
        if self.treasury.completed:
            state["state_hash"] = self.treasury.state_hash()
        return Batch(tuple(self.entries), tuple(self.events), state, tuple(self.commands))


def _body_of(message: AllocatorMessage) -> str:
    """Return what was asked, as text.

    Raises:
        TypeError: Its id is no text, or something in it has no JSON form.
        ValueError: Something in it cannot be written.
    """
    command = message.command if isinstance(message, Clocked) else message
    command_id = getattr(command, "command_id", None)
    if not isinstance(command_id, str):
        raise TypeError(f"a command_id is text, not {command_id!r:.40}")
    return body_of(command)
