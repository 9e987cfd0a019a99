"""Equal parts: the policy that every other must beat."""

from __future__ import annotations

from collections.abc import Sequence

from arena.money import split_largest_remainder
from arena.policies.policy import Candidate, Target
from arena.rules import AllocationRules
from arena.words import Tier


def weigh_equal(
    candidates: Sequence[Candidate], amount: int, rules: AllocationRules
) -> list[Target]:
    """Return the same target for everyone, to the micro-dollar; all of them are `active`."""
    del rules
    equal = split_largest_remainder(amount, {c.agent_id: 1 for c in candidates})
    return [Target(candidate=c, tier=Tier.ACTIVE, amount=equal[c.agent_id]) for c in candidates]
