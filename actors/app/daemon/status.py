"""What the daemon says of itself: the state it is in, and why it is not ready where it is not."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from arena.market import Market
from arena.treasury import Treasury
from arena.words import ALL, Layer


class State(StrEnum):
    """What the daemon is doing.

    Attributes:
        STARTING: It reads what is there.
        CATCHING_UP: It does again what is on record since the last snapshot.
        RUNNING: Time goes on.
        PAUSED: An operator has stopped the clock.
        WAITING: The next bar is not there yet.
        DRAINING: It has been told to stop.
        COMPLETED: The last bar has been settled.
        STORAGE_FULL: The disk has no room; time stands still until it has.
    """

    STARTING = "starting"
    CATCHING_UP = "catching_up"
    RUNNING = "running"
    PAUSED = "paused"
    WAITING = "waiting"
    DRAINING = "draining"
    COMPLETED = "completed"
    STORAGE_FULL = "storage_full"


READY = frozenset({State.RUNNING, State.PAUSED, State.WAITING, State.COMPLETED})
"""The states in which it takes what it is asked for."""


def panic_of(treasury: Treasury, reason: str) -> dict[str, Any] | None:
    """Return the emergency stop that is in force, and why; None where there is none."""
    if ALL not in treasury.halted:
        return None
    mode = str(treasury.stop_mode)
    return {"mode": mode, "reason": reason, "since_tick": treasury.halted[ALL]}


def population_of(treasury: Treasury) -> dict[str, int]:
    """Return how many agents compete in each layer; baselines are not among them."""
    found = {str(layer): 0 for layer in Layer}
    for agent in treasury.population():
        found[str(agent.layer)] += 1
    return found


def clock_of(treasury: Treasury, market: Market) -> str | None:
    """Return the close of the last bar that was settled, ISO 8601; None before the first."""
    if not treasury.tick:
        return None
    return market.closes_at(treasury.experiment.market.warmup + treasury.tick - 1).isoformat()


def reasons_of(state: State, *, waiting: int, capacity: int) -> list[str]:
    """Return why the daemon is not ready; none where it is.

    Args:
        state: What it is doing.
        waiting: Messages in the mailbox of the allocator.
        capacity: How many that holds.
    """
    reasons = [] if state in READY else [str(state)]
    if waiting > MAILBOX_HIGH * capacity:
        reasons.append("mailbox_full")
    return reasons


MAILBOX_HIGH = 0.8
"""The part of its mailbox from which on an actor counts as flooded."""
