"""A policy: to each what its fitness is worth."""

from __future__ import annotations

from collections.abc import Sequence

from arena.money import split_largest_remainder
from arena.policies import Candidate, Target
from arena.rules import AllocationRules
from arena.words import Tier

PARTS = 1_000_000
"""Parts of a point of fitness that still count: money is divided by whole numbers."""


def weigh_by_fitness(
    candidates: Sequence[Candidate], amount: int, rules: AllocationRules
) -> list[Target]:
    """Divide in proportion to fitness; who has none, or less than none, is given nothing.

    Args:
        candidates: Best first, at least one.
        amount: Micro-USD to divide.
        rules: Its limits are applied to what is returned, and not by it.

    Returns:
        A target for each candidate, in their order, all of them `active`; together `amount`, to the
        micro-dollar.  Equal parts where nobody has any fitness.
    """
    del rules
    weights = {c.agent_id: max(round((c.fitness or 0.0) * PARTS), 0) for c in candidates}
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1)
    parts = split_largest_remainder(amount, weights)
    return [Target(candidate=c, tier=Tier.ACTIVE, amount=parts[c.agent_id]) for c in candidates]
