"""An agent: one competitor, one task.  It sees the market up to now, decides, and asks.

Its strategy is somebody else's code: whatever it raises ends this task and no other, its answer is
checked before anyone sees it, and a step that takes too long is interrupted where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec, TypeVar

from actors.messages.allocator import AGENTS, ASK_TIMEOUT_S, AllocatorMessage, Answer
from actors.messages.desk import DeskMessage, Orders
from actors.messages.market import AgentMessage, CycleOpened, ManagerMessage, Requested
from actors.runtime import Actor, Ref, StepBudget, StepInterrupted
from arena.agents import Agent
from arena.commands import RequestCapital
from arena.exceptions import AgentError
from arena.ids import AgentId
from arena.instruments import Instrument
from arena.market import MarketView
from arena.money import MONEY_MAX, Money, to_money
from arena.strategies import (
    HOLD,
    BookView,
    Decision,
    Hold,
    Memory,
    Quotes,
    Strategy,
    Targets,
    check_decision,
)
from arena.treasury import Treasury

P = ParamSpec("P")
T = TypeVar("T")

WRONG_ANSWER = "wrong_answer"
"""The kind of failure of a strategy that answers with something that is no answer."""

HUNG = "hung"
"""The kind of failure of a strategy that was interrupted: it took longer than a step may."""

STEP_BUDGET_S = 2.0
"""What a step of a strategy may take; a longer one marks the run as not reproducible."""


class AgentActor(Actor[AgentMessage, None]):
    """Runs one strategy with its own memory."""

    def __init__(  # noqa: PLR0913  # whom it talks to, and what it knows
        self,
        agent_id: AgentId,
        make_strategy: Callable[[], Strategy],
        memory: Memory,
        *,
        market: MarketView,
        treasury: Callable[[], Treasury],
        desk: Ref[DeskMessage, None],
        allocator: Ref[AllocatorMessage, Answer],
        manager: Ref[ManagerMessage, Answer | None],
        budget: StepBudget,
        overran: Callable[[AgentId, float], None],
    ) -> None:
        super().__init__(agent_id, lanes={"market": 4})
        self._agent_id = agent_id
        self._make_strategy = make_strategy
        self._memory = memory
        self._market = market
        self._treasury = treasury
        self._desk = desk
        self._allocator = allocator
        self._manager = manager
        self._budget = budget
        self._overran = overran

    async def started(self) -> None:
        """Make the strategy: in this task, so that one that cannot be made hurts nobody else."""
        self._strategy = self._step("its making", self._make_strategy)

    async def receive(self, message: AgentMessage) -> None:
        """Answer the desk's roll, or tell the allocator how much capital would be of use."""
        agent = self._treasury().agents[self._agent_id]
        if isinstance(message, CycleOpened):
            await self._request(message.name, self._step("capacity", self._wish, self._book(agent)))
            return
        decision = self._step("decide", self._decide, self._book(agent))
        orders = Orders(self._agent_id, message.tick, decision)
        await self._desk.ask(orders, timeout_s=ASK_TIMEOUT_S, lane=AGENTS)

    def _step(self, what: str, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `step(...)`, in which the strategy's code runs; report it if it took too long.

        Raises:
            AgentError: It was interrupted.
        """
        budget = self._budget
        try:
            answer = budget.call(step, *args, **kwargs)
        except StepInterrupted as interrupted:
            self._overran(self._agent_id, budget.took_s)
            fault = f"{what} took more than {budget.budget_s:g} s"
            raise AgentError(self._agent_id, HUNG, fault) from interrupted
        if budget.took_s > budget.budget_s:
            self._overran(self._agent_id, budget.took_s)
        return answer

    def _decide(self, book: BookView) -> Decision:
        """Return the strategy's decision, checked and copied.

        Raises:
            AgentError: It is no decision.
        """
        decision = self._strategy.decide(self._market, book, self._memory)
        return checked_decision(self._agent_id, decision, self._strategy.instruments)

    def _wish(self, book: BookView) -> Money | None:
        """Return how much capital the strategy could use.

        Raises:
            AgentError: It is no sum of money.
        """
        return checked_wish(self._agent_id, self._strategy.capacity(self._market, book))

    async def _request(self, cycle: str, wish: Money | None) -> None:
        """Put the wish into the allocator's mailbox, say so, and wait for the cycle's word."""
        command = RequestCapital(
            command_id=f"cycle-{cycle}-{self._agent_id}",
            agent_id=self._agent_id,
            amount=wish,
        )
        answer = self._allocator.ask(command, timeout_s=ASK_TIMEOUT_S, lane=AGENTS)
        self._manager.tell(Requested(self._agent_id))
        await answer

    def _book(self, agent: Agent) -> BookView:
        return book_of(agent, self._treasury())


def book_of(agent: Agent, treasury: Treasury) -> BookView:
    """Return an agent's book at the close, as its strategy may see it."""
    known, equity = treasury.known(), agent.equity
    return BookView(
        agent_id=agent.agent_id,
        equity=equity,
        cash=agent.portfolio.cash,
        weights={
            name: to_money(quantity * known.unit(name)) / equity
            for name, quantity in agent.portfolio.positions.items()
            if equity > 0
        },
        costs=treasury.experiment.terms.costs,
    )


def checked_decision(
    agent_id: AgentId, decision: Decision, instruments: Sequence[Instrument]
) -> Decision:
    """Return a strategy's decision, checked and copied.

    Raises:
        AgentError: It is no decision.
    """
    if type(decision) is not dict and isinstance(decision, Mapping):
        decision = dict(decision)  # Somebody's own mapping may answer differently next time.
    fault = check_decision(decision, instruments)
    if fault is not None:
        raise AgentError(agent_id, WRONG_ANSWER, fault)
    return _copied(decision)


def checked_wish(agent_id: AgentId, wish: object) -> Money | None:
    """Return how much capital a strategy says that it could use, checked.

    Raises:
        AgentError: It is no sum of money.
    """
    if wish is None:
        return None
    if type(wish) is not int or not 0 <= wish <= MONEY_MAX:
        fault = f"capacity is {wish!r:.40}, needed None or whole micro-USD, 0 to {MONEY_MAX}"
        raise AgentError(agent_id, WRONG_ANSWER, fault)
    return Money(wish)


def _copied(decision: Decision) -> Decision:
    """Return what nobody can change any more, as plain numbers."""
    if isinstance(decision, Quotes):
        return Quotes(dict(decision.by_instrument), _copied_targets(decision.targets))
    return _copied_targets(decision)


def _copied_targets(targets: Targets | Hold) -> Targets | Hold:
    if isinstance(targets, Hold):
        return HOLD
    return {name: float(weight) for name, weight in targets.items()}
