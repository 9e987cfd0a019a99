"""How capital is weighed: interchangeable policies behind one signature, and limits above them."""

from __future__ import annotations

from collections.abc import Mapping

from arena.policies.equal import weigh_equal
from arena.policies.policy import (
    Candidate,
    Policy,
    Target,
    limit_family,
    limit_targets,
    rank,
)
from arena.policies.tiered import select_tier, weigh_tiered

POLICIES: Mapping[str, Policy] = {"tiered": weigh_tiered, "equal": weigh_equal}
"""Name -> policy: what `[allocation] policy` can say."""

__all__ = [
    "POLICIES",
    "Candidate",
    "Policy",
    "Target",
    "limit_family",
    "limit_targets",
    "rank",
    "select_tier",
    "weigh_equal",
    "weigh_tiered",
]
