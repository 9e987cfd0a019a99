"""The arena manager: keeps the cast in step with the treasury, and runs the evolution cycle.

Before each tick it lets the dead go and takes on the newborn.  When a cycle is due it opens it,
waits until every agent with real capital has put its wish into the allocator's mailbox (or is
reported absent), and asks the allocator to decide; then it has the ledger audited.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import structlog

from actors.messages.allocator import (
    ASK_TIMEOUT_S,
    CONTROL,
    AllocatorMessage,
    Answer,
    Audit,
)
from actors.messages.desk import CONTROL as DESK_CONTROL
from actors.messages.desk import Absent, DeskMessage
from actors.messages.market import (
    MANAGER_LANES,
    AgentExited,
    AgentMessage,
    CycleNow,
    CycleOpened,
    KeepInStep,
    ManagerMessage,
    Requested,
    TickDone,
)
from actors.runtime import BatchActor, Envelope, Group, Ref, Roll
from arena.agents import Agent
from arena.commands import RunCycle
from arena.events import AgentFailed, CapitalConservationCheck, EvolutionFailed
from arena.exceptions import CapitalConservationError
from arena.ids import AgentId
from arena.treasury import Treasury
from arena.words import Layer

log = structlog.wrap_logger(logging.getLogger(__name__))


class ArenaManager(BatchActor[ManagerMessage, Answer | None]):
    """Sends the cycle's commands when they are due; it decides nothing."""

    def __init__(
        self,
        treasury: Callable[[], Treasury],
        allocator: Ref[AllocatorMessage, Answer],
        desk: Ref[DeskMessage, None],
        agents: Group[AgentMessage, None],
        hire: Callable[[Agent], None],
    ) -> None:
        super().__init__("arena_manager", lanes=MANAGER_LANES)
        self._treasury = treasury
        self._allocator = allocator
        self._desk = desk
        self._agents = agents
        self._hire = hire
        self._roll: Roll | None = None
        self._name = ""
        self._caller: Envelope[ManagerMessage, Answer | None] | None = None
        self._failures: list[AgentFailed] = []
        self._later: list[Envelope[ManagerMessage, Answer | None]] = []

    async def stopping(self) -> None:
        """Wait for nobody any more."""
        if self._roll is not None:
            self._roll.close()

    async def receive_batch(
        self, envelopes: Sequence[Envelope[ManagerMessage, Answer | None]]
    ) -> None:
        """Handle what came; the cycle runs when the last wish is in, and one at a time."""
        waiting = [*self._later, *envelopes]
        self._later = []
        while waiting:
            envelope = waiting.pop(0)
            if self._roll is not None and not isinstance(envelope.message, Requested | AgentExited):
                self._later.append(envelope)
                continue
            self._handle_one(envelope)
            if self._roll is not None and self._caller is not None and self._roll.complete:
                caller, self._roll, self._caller = self._caller, None, None
                caller.answer(await self._run_cycle())
                waiting, self._later = [*self._later, *waiting], []

    def _handle_one(self, envelope: Envelope[ManagerMessage, Answer | None]) -> None:
        match envelope.message:
            case KeepInStep():
                self._keep_in_step(self._trading())
                envelope.answer(None)
            case TickDone() | CycleNow():
                due = self._is_due(envelope.message)
                self._keep_in_step(self._holders() if due else {})
                if due:
                    self._open_cycle(envelope)
                else:
                    envelope.answer(None)
            case Requested():
                self._note_wish(envelope.message.agent_id)
            case AgentExited():
                self._note_exit(envelope.message.failure)

    def _is_due(self, message: TickDone | CycleNow) -> bool:
        if isinstance(message, CycleNow):
            return True
        days = self._treasury().experiment.rules.evolution.cycle_days
        return message.tick % days == 0

    def _keep_in_step(self, wanted: Mapping[AgentId, Agent]) -> None:
        """Let go who has a task and does not trade, and take on who of `wanted` has none.

        Nobody is taken on who is not waited for right away: between two ticks, where a run can be
        stopped, nobody is in the middle of breaking.
        """
        trading = self._trading()
        for name in self._agents.names:
            if name not in trading:
                self._agents.stop(name)
        for agent_id, agent in wanted.items():
            if agent_id not in self._agents:
                self._hire(agent)

    def _trading(self) -> dict[AgentId, Agent]:
        return {agent.agent_id: agent for agent in self._treasury().living() if agent.trading}

    def _holders(self) -> dict[AgentId, Agent]:
        """Return who trades real capital, and is asked before a cycle."""
        simulated = Layer.SIMULATION
        return {
            name: agent
            for name, agent in self._trading().items()
            if agent.layer is not simulated and not agent.genome.baseline
        }

    def _open_cycle(self, envelope: Envelope[ManagerMessage, Answer | None]) -> None:
        treasury = self._treasury()
        holders = [*self._holders()]
        self._roll, self._caller = Roll(holders), envelope
        self._name = self._name_cycle(envelope.message)
        self._roll.complain(f"wishes of cycle {treasury.cycle + 1}")
        for agent_id in holders:
            self._agents.tell(CycleOpened(treasury.tick, self._name), to=agent_id)

    def _name_cycle(self, message: ManagerMessage) -> str:
        """Return what the next cycle is called: by its number, if it comes when that is due.

        A name is used once: else an attempt that follows a failed one would get its answer.
        """
        treasury = self._treasury()
        number = treasury.cycle + 1
        due = number * treasury.experiment.rules.evolution.cycle_days
        if isinstance(message, TickDone) and message.tick == due:
            return str(number)
        return f"{number}-{treasury.seq}"

    def _note_wish(self, agent_id: AgentId) -> None:
        if self._roll is not None:
            self._roll.mark(agent_id)

    def _note_exit(self, failure: AgentFailed) -> None:
        """An agent that broke over a cycle's question is the cycle's business, else the desk's."""
        if self._roll is not None and self._roll.mark(failure.agent_id):
            self._failures.append(failure)
        else:
            self._desk.tell(Absent(failure), lane=DESK_CONTROL)

    async def _run_cycle(self) -> Answer:
        """Have the cycle decided and the ledger audited."""
        name = self._name
        failures = tuple(sorted(self._failures, key=lambda failure: failure.agent_id))
        self._failures = []
        command = RunCycle(command_id=f"cycle-{name}", failures=failures)
        answer = await self._ask(command)
        for event in answer.events:
            if isinstance(event, EvolutionFailed):
                log.warning("cycle_failed", cycle=event.cycle, step=event.step, error=event.message)
        check_conserved(await self._ask(Audit(f"audit-{name}-{self._treasury().tick}")))
        return answer

    async def _ask(self, message: AllocatorMessage) -> Answer:
        return await self._allocator.ask(message, timeout_s=ASK_TIMEOUT_S, lane=CONTROL)


def check_conserved(answer: Answer) -> None:
    """Check the answer to an `Audit`.

    Raises:
        CapitalConservationError: Money appeared or vanished.
    """
    for event in answer.events:
        if isinstance(event, CapitalConservationCheck):
            for book, found in (("real book", event.real_sum), ("virtual", event.virtual_sum)):
                if found:
                    raise CapitalConservationError(book, expected=0, found=found)
            if not event.rows_agree:
                what = "the ledger's rows and the state differ at tick"
                raise CapitalConservationError(what, expected=0, found=event.tick)
