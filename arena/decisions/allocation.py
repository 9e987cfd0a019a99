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


def entry_amount(fitness: float, ladder: LadderRules) -> Money:
    """Return an entrant's capital: the base, and more for up to a point of fitness; whole cents."""
    share = min(max(fitness - ladder.entry_from, 0.0), 1.0)
    cents = round(ladder.entry_slope // CENT * share)
    return Money(ladder.entry_base + cents * CENT)


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
    rules, ladder = treasury.experiment.rules.allocation, treasury.experiment.rules.ladder
    allocation = Allocation()
    for agent_id, (_, fitness) in rose.items():
        asked = treasury.requests.get(agent_id)
        amount = entry_amount(fitness, ladder)
        allocation.entries[agent_id] = amount if asked is None else min(asked, amount)
    if "arena" in treasury.halted or "all" in treasury.halted:
        return allocation
    allocation.targets = _targets(treasury, rules, allocation.entries)
    moves = [
        (target, change) for target in allocation.targets if (change := _change(target, rules)) != 0
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


def _change(target: Target, rules: AllocationRules) -> int:
    """Return the move that a target asks for, micro-USD; 0 where it is too small to be made."""
    balance = target.candidate.balance
    change = target.amount - balance
    threshold = max(rules.move_min, balance * rules.move_min_bp // BPS)
    return 0 if abs(change) < threshold else change


def _targets(
    treasury: Treasury, rules: AllocationRules, entries: dict[AgentId, Money]
) -> list[Target]:
    """Return the targets of the ranked agents; entrants keep what they have or now receive."""
    capital = treasury.layer_capital(Layer.ARENA)
    agents = treasury.population(Layer.ARENA)
    entrants = [
        agent
        for agent in agents
        if agent.agent_id in entries or treasury.tick - agent.stint.start < rules.entrant_days
    ]
    seasoned = [agent for agent in agents if agent not in entrants]
    family_used: dict[str, int] = {}
    for agent in entrants:
        family, sum_kept = agent.genome.family, agent.equity + entries.get(agent.agent_id, 0)
        family_used[family] = family_used.get(family, 0) + sum_kept
    to_divide = capital - sum(family_used.values())
    candidates = rank(_candidates(treasury, seasoned, rules))
    if not candidates:
        return []
    targets = treasury.experiment.policy(candidates, max(to_divide, 0), rules)
    return limit_targets(targets, capital=capital, family_used=family_used, rules=rules)


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
