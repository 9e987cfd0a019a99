"""The cycle's division of the arena's capital: decreases, then entrants, then increases."""

from __future__ import annotations

from dataclasses import dataclass, field

from arena.agents import Agent
from arena.decisions.deaths import measured
from arena.decisions.draft import Draft
from arena.decisions.outflow import withdraw
from arena.events import CapitalAllocated
from arena.ids import AgentId
from arena.ledger import POOL_ARENA
from arena.money import CENT, Money
from arena.policies import Candidate, Target, limit_targets, rank
from arena.policies.policy import BPS
from arena.rules import AllocationRules, LadderRules
from arena.state import Treasury
from arena.words import Layer


@dataclass(slots=True)
class Allocation:
    """What the cycle wanted for the arena's agents.

    Attributes:
        targets: The ranked agents' targets, best first.
        entries: What each new entrant is given, micro-USD.
    """

    targets: list[Target] = field(default_factory=list)
    entries: dict[AgentId, Money] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Division:
    """How the arena's capital is to be divided.

    Attributes:
        capital: All of it, the base of the limits, micro-USD.
        held: Family -> what those have that keep it, entrants and who is paused, micro-USD.
        shared: What the ranked agents share: all of it but that, micro-USD.
        wanted: What the policy wants for each ranked agent, best first.
        targets: What the limits leave of that, in the same order.
    """

    capital: Money
    held: dict[str, int]
    shared: Money
    wanted: list[Target]
    targets: list[Target]


def entry_amount(fitness: float, ladder: LadderRules) -> Money:
    """Return an entrant's capital: the base, and more for up to a point of fitness; whole cents."""
    share = min(max(fitness - ladder.entry_from, 0.0), 1.0)
    cents = round(ladder.entry_slope // CENT * share)
    return Money(ladder.entry_base + cents * CENT)


def is_divided(treasury: Treasury) -> bool:
    """Return whether capital may move at all: not while the arena is halted."""
    return "arena" not in treasury.halted and "all" not in treasury.halted


def entry_grant(treasury: Treasury, agent_id: AgentId, fitness: float) -> Money:
    """Return what a new entrant is to be given: what it is worth, or what it asked for if less."""
    asked = treasury.requests.get(agent_id)
    amount = entry_amount(fitness, treasury.experiment.rules.ladder)
    return amount if asked is None else min(asked, amount)


def allocate(
    draft: Draft, rose: dict[AgentId, tuple[int, float]], *, because: int | None
) -> Allocation:
    """Divide the arena's capital.

    Args:
        draft: The decision in the making.
        rose: New entrants, best first -> (event of the graduation, fitness in proving).
        because: The event that the moves follow from.
    """
    treasury = draft.treasury
    rules = treasury.experiment.rules.allocation
    allocation = Allocation()
    for agent_id, (_, fitness) in rose.items():
        allocation.entries[agent_id] = entry_grant(treasury, agent_id, fitness)
    if not is_divided(treasury):
        return allocation
    allocation.targets = divide(treasury, allocation.entries).targets
    moves = [
        (target, change) for target in allocation.targets if (change := move_of(target, rules)) != 0
    ]
    for target, change in moves:
        if change < 0:
            agent_id = target.candidate.agent_id
            withdraw(
                draft, agent_id, Layer.ARENA, amount=-change, reason="reduction", because=because
            )
    for agent_id, amount in allocation.entries.items():
        _pay(draft, agent_id, amount, reason="entry", because=rose[agent_id][0])
    for target, change in moves:
        if change > 0:
            _pay(draft, target.candidate.agent_id, change, reason="rebalance", because=because)
    return allocation


def _pay(draft: Draft, agent_id: AgentId, amount: int, *, reason: str, because: int | None) -> None:
    """Give an agent `amount` from the arena's pool, or what is left of it."""
    granted = min(amount, draft.treasury.balance(POOL_ARENA))
    if granted > 0:
        draft.emit(
            CapitalAllocated(
                agent_id=agent_id, amount=Money(granted), source=POOL_ARENA, reason=reason
            ),
            because,
        )


def move_of(target: Target, rules: AllocationRules) -> int:
    """Return the move that a target asks for, micro-USD; 0 where it is too small to be made."""
    change = target.amount - target.candidate.balance
    return 0 if abs(change) < smallest_move(target.candidate.balance, rules) else change


def smallest_move(balance: int, rules: AllocationRules) -> int:
    """Return the least move of a balance that is made, micro-USD."""
    return max(rules.move_min, balance * rules.move_min_bp // BPS)


def divide(treasury: Treasury, entries: dict[AgentId, Money]) -> Division:
    """Return the targets of the ranked agents.

    Entrants keep what they have or now receive; who is paused keeps what it has.
    """
    rules = treasury.experiment.rules.allocation
    capital = treasury.layer_capital(Layer.ARENA)
    agents = treasury.population(Layer.ARENA)
    keeping = [
        agent
        for agent in agents
        if agent.agent_id in entries
        or treasury.tick - agent.stint.start < rules.entrant_days
        or agent.paused
    ]
    seasoned = [agent for agent in agents if agent not in keeping]
    family_used: dict[str, int] = {}
    for agent in keeping:
        family, sum_kept = agent.genome.family, agent.equity + entries.get(agent.agent_id, 0)
        family_used[family] = family_used.get(family, 0) + sum_kept
    shared = Money(max(capital - sum(family_used.values()), 0))
    candidates = rank(_candidates(treasury, seasoned, rules))
    if not candidates:
        return Division(capital, family_used, shared, [], [])
    wanted = treasury.experiment.policy(candidates, shared, rules)
    limited = limit_targets(wanted, capital=capital, family_used=family_used, rules=rules)
    return Division(capital, family_used, shared, wanted, limited)


def _candidates(treasury: Treasury, agents: list[Agent], rules: AllocationRules) -> list[Candidate]:
    found = measured(treasury, agents)
    return [
        Candidate(
            agent_id=agent.agent_id,
            family=agent.genome.family,
            fitness=found.fitness[row],
            total_return=found.metrics(row, treasury.tick)["total_return"] or 0.0,
            balance=agent.equity,
            penalised=agent.stint.drawdown_since_peak() < rules.penalty_drawdown,
            requested=_wish(treasury, agent),
        )
        for row, agent in enumerate(agents)
    ]


def _wish(treasury: Treasury, agent: Agent) -> Money | None:
    """Return the most that an agent asked for; who broke over the question is given no more."""
    if agent.failures and agent.failures[-1] == treasury.tick:
        return agent.equity
    return treasury.requests.get(agent.agent_id)
