"""When a change of a key takes effect in a daemon that runs.

How a run is carried out changes at once, where it can.  What is run changes between two cycles, by
a fork in place; so what a fork cannot change takes another run.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

X_RELOAD = "x-reload"

_MARKET = "a run stays in its market"
_ENDOWED = "the treasury was endowed when the run began"
_BORN = "the first generation has been born"
_SEED = "all that is random in a run comes from one seed; `arena fork` can take another"
_HOW = "it is how a run is carried out, and no part of it"
FIXED: Mapping[str, str] = {
    "market": _MARKET,
    "instruments": _MARKET,
    "run.days": _MARKET,
    "run.name": "a run keeps its name",
    "treasury.total": _ENDOWED,
    "treasury.reserve_bp": _ENDOWED,
    "treasury.proving_bp": _ENDOWED,
    "treasury.arena_bp": _ENDOWED,
    "population.agents": _BORN,
    "population.baselines": _BORN,
    "daemon": _HOW,
    "live": _HOW,
    "http": _HOW,
    "notify": _HOW,
}
"""What a fork cannot change: the table or the key, and why."""

HOW = frozenset(key for key, why in FIXED.items() if why == _HOW)
"""The tables that say how a run is carried out."""


class ReloadClass(StrEnum):
    """When a changed key takes effect."""

    LIVE = "live"
    NEXT_CYCLE = "next-cycle"
    RESTART = "restart"


def reloads(word: ReloadClass) -> dict[str, Any]:
    """Return what a field says of itself in the schema, where the rule is not enough."""
    return {X_RELOAD: word.value}


def reload_rule(key: str) -> ReloadClass:
    """Return when a change of `key`, a key of what is run, takes effect."""
    return ReloadClass.NEXT_CYCLE if why_kept(key) is None else ReloadClass.RESTART


def why_kept(key: str) -> str | None:
    """Return why a run keeps the value that `key` has, however its config changes; None if not."""
    return _SEED if is_in(key, "run.seed") else why_fixed(key)


def why_fixed(key: str) -> str | None:
    """Return why a fork cannot change `key`; None where it can."""
    return next((why for fixed, why in FIXED.items() if is_in(key, fixed)), None)


def is_in(key: str, outer: str) -> bool:
    """Return whether `key` is `outer`, or stands in that table."""
    return key == outer or key.startswith(f"{outer}.")
