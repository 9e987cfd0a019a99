"""The allocator: the only actor that may move capital.

Every command, from every agent, waits in one mailbox.  That queue is the lock.  The allocator takes
what waits and

1. plans      decides each command on an overlay of the treasury, in canonical order;
2. appends    records all the events in one transaction, durably;
3. publishes  makes the overlay the treasury that everyone sees;
4. replies    answers each sender with a receipt.

A reply therefore always describes something that is already on disk.  If the journal refuses, the
overlay is dropped and nothing has happened.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeAlias

import structlog

from actors.journal.chain import Entry, Head, link
from actors.journal.port import Batch, Journal
from actors.messages.allocator import AGENTS, LANES, AllocatorMessage, Answer, Audit, Clocked
from actors.runtime import BatchActor, Envelope
from arena.commands import CheckConservation, Command, RequestCapital, ReturnCapital, RunCycle
from arena.events import AllocationError, Event
from arena.ids import AgentId, RunId
from arena.ledger import check_balances
from arena.treasury import Treasury, decide_onto, fold
from arena.words import Book

log = structlog.wrap_logger(logging.getLogger(__name__))


Asked: TypeAlias = tuple[Envelope[AllocatorMessage, Answer], Command]
"""A command, and the envelope in which its answer goes back."""


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
                    await self._settle([(envelope, await self._audit(envelope.message))])
                    ready = []
                case Clocked():
                    await self._settle(ready)
                    self._stamp = envelope.message.stamp
                    ready = [(envelope, envelope.message.command)]
                case RunCycle():
                    ready += [*self._wishes(), (envelope, envelope.message)]
                case _ if envelope.lane != AGENTS:
                    ready.append((envelope, envelope.message))
        await self._settle(ready)

    async def _settle(self, asked: Sequence[Asked]) -> None:
        """Plan, append, publish, reply; a command that cannot be decided fails alone."""
        if not asked:
            return
        plan = Plan(self._treasury, self._head, self._run_id, self._stamp)
        outcomes = [plan.decide(command) for _, command in asked]
        for book in Book:
            check_balances(plan.treasury.books[book])
        if plan.events:
            await self._journal.append(plan.batch())
        self._treasury, self._head = plan.treasury, plan.head
        for (envelope, _), outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, Answer):
                envelope.answer(outcome)
            else:
                envelope.fail(outcome)
        log.debug("batch_settled", seq=plan.head.seq, commands=len(asked), events=len(plan.events))

    def _wishes(self) -> list[Asked]:
        """Return what agents wished in the order of a seeded shuffle, then of each one's sending.

        No result depends on which task the scheduler happened to run first.
        """
        by_agent: dict[AgentId, list[Asked]] = {}
        for envelope in self._held:
            wish = envelope.message
            if not isinstance(wish, (RequestCapital, ReturnCapital)):
                raise TypeError(f"agents do not send {type(wish).__name__}")
            by_agent.setdefault(wish.agent_id, []).append((envelope, wish))
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
        self._published = published
        self._run_id = run_id
        self._stamp = stamp
        self.treasury = published.copy()
        self.head = head
        self.entries: list[Entry] = []
        self.events: list[Event] = []

    def decide(self, command: Command) -> Answer | Exception:
        """Decide one more command after the ones before it; one that breaks leaves no trace."""
        first, head = len(self.events), self.head
        try:
            for event, caused_by in decide_onto(self.treasury, command):
                self._add(event, caused_by, command.command_id)
        except Exception as error:  # noqa: BLE001  # whatever one command breaks, others go on
            log.warning("command_failed", command_id=command.command_id, error=repr(error))
            del self.entries[first:], self.events[first:]
            self.head = head
            self.treasury = fold(self._published.copy(), self.events)
            return error
        caused = tuple(self.events[first:])
        refusal = next((event for event in caused if isinstance(event, AllocationError)), None)
        if refusal is None:
            return Answer(self.head, caused)
        return Answer(self.head, caused, refusal.reason, refusal.detail)

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
        return Batch(tuple(self.entries), tuple(self.events), state)
