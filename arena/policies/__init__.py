"""How capital is weighed: interchangeable policies behind one signature, and limits above them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

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

Policies: TypeAlias = Mapping[str, Policy]
"""Name -> policy: what `[allocation] policy` can say."""

POLICIES: Policies = {"tiered": weigh_tiered, "equal": weigh_equal}
"""The policies that come with the arena."""

__all__ = [
    "POLICIES",
    "Candidate",
    "Policies",
    "Policy",
    "Target",
    "limit_family",
    "limit_targets",
    "rank",
    "select_tier",
    "weigh_equal",
    "weigh_tiered",
]
