"""What a policy is: weights for candidates; and the limits that hold whatever the policy says.

Policies are named `weigh_*`, limits `limit_*`.  All sums are micro-USD and exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from arena.ids import AgentId
from arena.money import Money, split_largest_remainder
from arena.rules import AllocationRules
from arena.words import Tier

BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An arena agent whose capital is to be decided.

    Attributes:
        agent_id: Who.
        family: Its strategy's family.
        fitness: Of the stint; None ranks last.
        total_return: Of the stint: the first tie-break.
        balance: What it has, micro-USD.
        penalised: Whether its target is halved for its drawdown.
        requested: The most it asked for; None is no limit.
    """

    agent_id: AgentId
    family: str
    fitness: float | None
    total_return: float
    balance: Money
    penalised: bool = False
    requested: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a candidate should have, and which limits made it less than the policy wanted."""

    candidate: Candidate
    tier: Tier
    amount: Money
    limits: tuple[str, ...] = ()

    def lowered(self, amount: int, limit: str) -> Target:
        """Return the target at `amount` if that is less, with the limit's name."""
        if amount >= self.amount:
            return self
        return replace(self, amount=Money(max(amount, 0)), limits=(*self.limits, limit))


Policy: TypeAlias = Callable[[Sequence[Candidate], int, AllocationRules], list[Target]]
"""(candidates, best first; micro-USD to divide; rules) -> a target each, together at most that."""


def rank(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return `candidates` best first: by fitness, then return, then id."""

    def key(candidate: Candidate) -> tuple[bool, float, float, str]:
        undefined = candidate.fitness is None
        return (undefined, -(candidate.fitness or 0.0), -candidate.total_return, candidate.agent_id)

    return sorted(candidates, key=key)


def limit_targets(
    targets: Sequence[Target], *, capital: int, family_used: dict[str, int], rules: AllocationRules
) -> list[Target]:
    """Return `targets` under every limit; what is cut off stays in the pool.

    Args:
        targets: Best first.
        capital: All of the arena's capital, the base of the shares.
        family_used: Family -> what its entrants hold already.
        rules: The limits.
    """
    limited = [_limit_one(target, capital, rules) for target in targets]
    for family in sorted({target.candidate.family for target in limited}):
        room = capital * rules.per_family_bp // BPS - family_used.get(family, 0)
        limited = limit_family(limited, family, max(room, 0))
    return [
        target
        if target.candidate.requested is None
        else target.lowered(target.candidate.requested, "requested")
        for target in limited
    ]


def bounds_of(balance: int, capital: int, rules: AllocationRules) -> dict[str, int]:
    """Return the most that one agent is given, micro-USD, by the limits that bound it alone."""
    bounds = {"per_agent": capital * rules.per_agent_bp // BPS}
    if balance > 0:  # A first funding has nothing to grow from.
        bounds["growth"] = balance * rules.growth_max
    return bounds


def _limit_one(target: Target, capital: int, rules: AllocationRules) -> Target:
    """Clamp to the share of all capital and to the growth of a balance, then halve."""
    candidate = target.candidate
    for limit, bound in bounds_of(candidate.balance, capital, rules).items():
        target = target.lowered(bound, limit)
    return target.lowered(target.amount // 2, "stint_drawdown") if candidate.penalised else target


def limit_family(targets: Sequence[Target], family: str, room: int) -> list[Target]:
    """Return `targets` with one family's cut back in proportion to `room` micro-USD together."""
    members = [t for t in targets if t.candidate.family == family]
    if sum(t.amount for t in members) <= room:
        return list(targets)
    parts = split_largest_remainder(room, {t.candidate.agent_id: t.amount for t in members})
    return [
        t.lowered(parts[t.candidate.agent_id], "per_family") if t.candidate.family == family else t
        for t in targets
    ]
