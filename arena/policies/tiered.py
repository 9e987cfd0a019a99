"""Tiers: the best few share most of the capital, the next most of the rest, the others a tenth."""

from __future__ import annotations

from collections.abc import Sequence

from arena.money import split_largest_remainder
from arena.policies.policy import Candidate, Target
from arena.rules import AllocationRules, count_top
from arena.words import Tier

ORDER = (Tier.ELITE, Tier.ACTIVE, Tier.CHALLENGER)


def select_tier(position: int, count: int, rules: AllocationRules) -> Tier:
    """Return the tier of rank `position` (from 1) among `count`."""
    if position <= count_top(rules.elite_top, count):
        return Tier.ELITE
    return Tier.ACTIVE if position <= count_top(rules.active_top, count) else Tier.CHALLENGER


def weigh_tiered(
    candidates: Sequence[Candidate], amount: int, rules: AllocationRules
) -> list[Target]:
    """Return equal parts of each tier's share; the share of an empty tier goes to the others."""
    tiers = [select_tier(n, len(candidates), rules) for n in range(1, len(candidates) + 1)]
    shares = {tier: share for tier, share in zip(ORDER, rules.tiers, strict=True) if tier in tiers}
    targets: list[Target] = []
    for tier, part in split_largest_remainder(amount, shares).items():
        members = [c for c, t in zip(candidates, tiers, strict=True) if t is tier]
        equal = split_largest_remainder(part, {c.agent_id: 1 for c in members})
        targets += [Target(candidate=c, tier=tier, amount=equal[c.agent_id]) for c in members]
    return targets
