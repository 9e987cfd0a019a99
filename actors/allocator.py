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

import structlog

from actors.journal.chain import Entry, Head, link
from actors.journal.port import Batch, Journal
from actors.messages.allocator import AGENTS, LANES, AllocatorMessage, Answer, Audit, Clocked
from actors.runtime import BatchActor, Envelope
from arena.commands import CheckConservation, Command, RequestCapital, ReturnCapital, RunCycle
from arena.events import AllocationError, Event
from arena.ids import AgentId, RunId
from arena.ledger import check_balances
from arena.treasury import Treasury, decide_onto
from arena.words import Book

log = structlog.wrap_logger(logging.getLogger(__name__))


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
        self._held: list[tuple[Envelope[AllocatorMessage, Answer], Command]] = []

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
        ready: list[tuple[Envelope[AllocatorMessage, Answer], Command]] = []
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
                case _ if envelope.lane == AGENTS:
                    self._held.append((envelope, envelope.message))
                case _:
                    ready.append((envelope, envelope.message))
        await self._settle(ready)

    async def _settle(
        self, asked: Sequence[tuple[Envelope[AllocatorMessage, Answer], Command]]
    ) -> None:
        """Plan, append, publish, reply."""
        if not asked:
            return
        plan = Plan(self._treasury.copy(), self._head, self._run_id, self._stamp)
        answers = [plan.decide(command) for _, command in asked]
        for book in Book:
            check_balances(plan.treasury.books[book])
        await self._journal.append(plan.batch())
        self._treasury, self._head = plan.treasury, plan.head
        for (envelope, _), answer in zip(asked, answers, strict=True):
            envelope.answer(answer)
        log.debug("batch_settled", seq=plan.head.seq, commands=len(asked), events=len(plan.events))

    def _wishes(self) -> list[tuple[Envelope[AllocatorMessage, Answer], Command]]:
        """Return what agents wished in the order of a seeded shuffle, then of each one's sending.

        No result depends on which task the scheduler happened to run first.
        """
        held, self._held = self._held, []
        by_agent: dict[AgentId, list[tuple[Envelope[AllocatorMessage, Answer], Command]]] = {}
        for envelope, command in held:
            by_agent.setdefault(_sender(command), []).append((envelope, command))
        seed = self._treasury.experiment.root.child("wishes", self._treasury.tick)
        return [wish for agent in seed.shuffled(sorted(by_agent)) for wish in by_agent[agent]]

    async def _audit(self, message: Audit) -> Command:
        rows = await self._journal.trial_balance()
        return CheckConservation(
            command_id=message.command_id, real=rows[Book.REAL], virtual=rows[Book.VIRTUAL]
        )


class Plan:
    """One batch in the making: what was decided, and the treasury and the chain as they will be."""

    def __init__(self, overlay: Treasury, head: Head, run_id: RunId, stamp: str) -> None:
        self.treasury = overlay
        self.head = head
        self.entries: list[Entry] = []
        self.events: list[Event] = []
        self._run_id = run_id
        self._stamp = stamp

    def decide(self, command: Command) -> Answer:
        """Decide one more command after the ones before it."""
        first = len(self.events)
        for event, caused_by in decide_onto(self.treasury, command):
            entry = link(
                self.head,
                self._run_id,
                event,
                timestamp=self._stamp,
                command_id=command.command_id,
                caused_by=caused_by,
            )
            self.head = Head(entry.seq, entry.hash)
            self.entries.append(entry)
            self.events.append(event)
        caused = tuple(self.events[first:])
        refusal = next((event for event in caused if isinstance(event, AllocationError)), None)
        if refusal is None:
            return Answer(self.head, caused)
        return Answer(self.head, caused, refusal.reason, refusal.detail)

    def batch(self) -> Batch:
        """Return what the journal is to record."""
        state = {"tick": str(self.treasury.tick), "cycle": str(self.treasury.cycle)}
        if self.treasury.completed:
            state["state_hash"] = self.treasury.state_hash()
        return Batch(tuple(self.entries), tuple(self.events), state)


def _sender(command: Command) -> AgentId:
    if isinstance(command, (RequestCapital, ReturnCapital)):
        return command.agent_id
    raise TypeError(f"agents do not send {type(command).__name__}")
