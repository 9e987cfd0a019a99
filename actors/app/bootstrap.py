"""Wires the cast of one run: who exists, and who may talk to whom.

    feed     asks  desk, manager        tells  agents
    manager  asks  allocator            tells  agents, desk
    desk     asks  allocator
    agents   ask   desk, allocator      tell   manager

The allocator asks nobody but the journal, so no two actors can wait for each other.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import structlog

from actors.agent import HUNG, WRONG_ANSWER, AgentActor
from actors.allocator import Allocator
from actors.arena_manager import ArenaManager
from actors.journal.chain import Head, genesis_hash, run_id_of, timestamp
from actors.journal.port import Journal
from actors.market_feed import MarketFeed
from actors.messages.allocator import AllocatorMessage, Answer
from actors.messages.desk import Decided, DeskMessage
from actors.messages.market import AgentExited, AgentMessage, FeedMessage, ManagerMessage
from actors.runtime import ActorStopped, ActorSystem, Exit, ExitReason, Group, Ref, StepBudget
from actors.trading_desk import TradingDesk
from actors.venues import Courier
from arena.agents import Agent
from arena.events import AgentFailed
from arena.exceptions import AgentError, ValidationError
from arena.experiment import Experiment, manifest
from arena.ids import AgentId, RunId
from arena.market import Market, MarketView
from arena.strategies import Memory
from arena.treasury import Treasury

log = structlog.wrap_logger(logging.getLogger(__name__))

MESSAGE_MAX = 200
"""Characters of a strategy's error that reach the journal."""

_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class Cast:
    """The actors of one run, and their addresses.

    Attributes:
        system: Runs them.
        allocator: Owns the treasury.
        desk: Executes trades.
        agents: One actor for each agent that trades.
        ask_allocator: Where commands go.
        ask_desk: Where trades go.
        ask_manager: Where cycles are asked for.
        ask_feed: Where time is asked for.
        view: The market up to now.
        memories: What each agent remembers; to be looked at between ticks only.
        overruns: Agents whose decision took longer than the budget, each time it did.
    """

    system: ActorSystem
    allocator: Allocator
    desk: TradingDesk
    agents: Group[AgentMessage, None]
    ask_allocator: Ref[AllocatorMessage, Answer]
    ask_desk: Ref[DeskMessage, Any]
    ask_manager: Ref[ManagerMessage, Answer | None]
    ask_feed: Ref[FeedMessage, int | None]
    view: MarketView
    memories: Mapping[AgentId, Memory]
    overruns: list[AgentId]


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins, or goes on.

    Attributes:
        run_id: The run's name.
        head: The journal's head.
        treasury: As of that head, at the end of a tick.
        memories: What the agents remembered then.
        delayed: What they had decided and was to be executed beyond the next open, oldest first.
    """

    run_id: RunId
    head: Head
    treasury: Treasury
    memories: Mapping[AgentId, Memory] = field(default_factory=dict)
    delayed: tuple[Decided, ...] = ()

    @classmethod
    def beginning(cls, experiment: Experiment) -> Self:
        """Return where a run of `experiment` begins: nothing has happened yet."""
        facts = manifest(experiment)
        return cls(run_id_of(facts), Head(0, genesis_hash(facts)), Treasury(experiment))

    def check_fits(self, head: Head, market: Market) -> None:
        """Refuse a journal that is not there yet or elsewhere, and a market of another length.

        Raises:
            ValidationError: It is one of these.
        """
        facts = self.treasury.experiment.market
        if head != self.head:
            needed = f"one of this experiment, at seq {self.head.seq}"
            raise ValidationError("journal", found=f"one at seq {head.seq}", needed=needed)
        if not facts.fits(len(market)) or len(market) < facts.warmup + self.treasury.tick:
            least = f"at least {self.treasury.tick}" if facts.live else facts.ticks
            needed = f"{facts.warmup} bars to warm up and {least} to settle"
            raise ValidationError("market", found=f"{len(market)} bars", needed=needed)


def assemble(
    system: ActorSystem,
    start: Start,
    market: Market,
    journal: Journal,
    courier: Courier,
    *,
    budget: StepBudget,
) -> Cast:
    """Start the actors of a run.

    Args:
        system: Owns the actors' tasks.
        start: Where it begins.
        market: Warm-up and all the bars to settle.
        journal: Where events go; its head is that of `start`.
        courier: Carries orders to their venue.
        budget: What one step of a strategy may take.
    """
    experiment = start.treasury.experiment
    revealed = experiment.market.warmup + start.treasury.tick
    moment = market.closes_at(revealed - 1) if revealed else market.opens_on(0)
    view = MarketView(market)
    allocator = Allocator(
        start.treasury, journal, run_id=start.run_id, head=start.head, stamp=timestamp(moment)
    )
    ask_allocator = system.start(allocator)

    def published() -> Treasury:
        return allocator.treasury

    desk = TradingDesk(published, ask_allocator, courier, start.delayed)
    ask_desk = system.start(desk)
    recruiter = _Recruiter(system, published, view, ask_desk, ask_allocator, budget)
    recruiter.memories |= start.memories
    manager = ArenaManager(published, ask_allocator, ask_desk, recruiter.agents, recruiter.hire)
    recruiter.manager = ask_manager = system.start(manager)
    feed = MarketFeed(
        market,
        view,
        revealed=revealed,
        treasury=published,
        desk=ask_desk,
        manager=ask_manager,
        agents=recruiter.agents,
    )
    return Cast(
        system=system,
        allocator=allocator,
        desk=desk,
        agents=recruiter.agents,
        ask_allocator=ask_allocator,
        ask_desk=ask_desk,
        ask_manager=ask_manager,
        ask_feed=system.start(feed),
        view=view,
        memories=recruiter.memories,
        overruns=recruiter.overruns,
    )


class _Recruiter:
    """Hires agents, and passes on what becomes of them.

    Attributes:
        agents: Who has been hired and has not ended.
        manager: Who is told when one ends unasked; set before the first is hired.
        memories: What each agent remembers.
        overruns: Agents whose decision took longer than the budget, each time it did.
    """

    manager: Ref[ManagerMessage, Answer | None]

    def __init__(
        self,
        system: ActorSystem,
        treasury: Callable[[], Treasury],
        view: MarketView,
        desk: Ref[DeskMessage, Any],
        allocator: Ref[AllocatorMessage, Answer],
        budget: StepBudget,
    ) -> None:
        self.agents: Group[AgentMessage, None] = system.group(on_exit=self._report)
        self.memories: dict[AgentId, Memory] = {}
        self.overruns: list[AgentId] = []
        self._treasury = treasury
        self._view = view
        self._desk = desk
        self._allocator = allocator
        self._budget = budget

    def hire(self, agent: Agent) -> None:
        """Start a task for `agent`, with a fresh strategy and what it remembers."""
        treasury = self._treasury()
        experiment = treasury.experiment
        for gone in self.memories.keys() & treasury.dead.keys():
            del self.memories[gone]
        make_strategy = partial(
            experiment.catalog[agent.genome.strategy],
            agent.genome.parameters,
            tuple(experiment.terms.instruments.values()),
            experiment.root.child("agent", agent.agent_id),
        )
        actor = AgentActor(
            agent.agent_id,
            make_strategy,
            self.memories.setdefault(agent.agent_id, {}),
            market=self._view,
            treasury=self._treasury,
            desk=self._desk,
            allocator=self._allocator,
            manager=self.manager,
            budget=self._budget,
            overran=self._overran,
        )
        self.agents.add(actor)

    def _report(self, exited: Exit) -> None:
        self.memories.pop(AgentId(exited.name), None)  # Who breaks begins anew, with nothing.
        failure = failure_of(exited, self._treasury().tick)
        log.warning("agent_failed", agent=exited.name, tick=failure.tick, error=failure.message)
        try:
            self.manager.tell(AgentExited(failure), lane="control")
        except ActorStopped:
            log.info("agent_ended_after_the_manager", agent=exited.name)

    def _overran(self, agent_id: AgentId, took_s: float) -> None:
        log.warning("step_over_budget", agent=agent_id, took_s=round(took_s, 3))
        self.overruns.append(agent_id)


def failure_of(exited: Exit, tick: int) -> AgentFailed:
    """Return what an agent's end means for the journal: the same words on every run."""
    error = exited.error
    kind, message = "raised", f"{type(error).__name__}: {_words(error)}"
    if isinstance(error, AgentError) and error.kind in {WRONG_ANSWER, HUNG}:
        kind, message = error.kind, _words(error.message)
    elif exited.reason is not ExitReason.FAILED:
        kind = str(exited.reason)
    return AgentFailed(
        agent_id=AgentId(exited.name),
        tick=tick,
        kind=kind,
        message=_ADDRESS.sub("0x...", message)[:MESSAGE_MAX],
    )


def _words(of: object) -> str:
    """Return the text of a stranger's error, as UTF-8 can write it; even its `str` may raise."""
    try:
        text = str(of)
    except Exception as error:  # noqa: BLE001  # it is somebody else's `__str__`
        text = f"(its text raised {type(error).__name__})"
    return text.encode("utf-8", "backslashreplace").decode()
