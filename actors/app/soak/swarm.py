"""Which faults a seed has: each class is on or off, and has a rate of its own.

The rule: a run with every fault at once finds less than many runs with a few each, because one
fault hides another.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from actors.simulator import NO_FAULTS, DiskFaults, Explore

LIVES = 5
"""How many lives end in a crash, in each seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swarm:
    """The faults of one seed; rates are probabilities.

    Attributes:
        explore: How the schedule is chosen.
        disk: How bad the disk is.
        crash_in_append: That a crash comes at a moment of an append, not at a moment of time.
        clean_stop: That a life which no append ends is ended by a clean stop.
        copies_max: How often a command is sent at most.
        other_body: That a command's id is sent with another body too.
        poison: That a command cannot be decided.
        give_up: That a client gives up after it was told that a command was not executed.
        cancel_every_s: Mean seconds between two cancellations; 0 is never.
        teller: That a command goes through a teller.
        timeout_s: How long clients wait, drawn for each delivery.
        patience_s: The longest that a client waits before it sends a command again.
        clock_jump: That the wall clock jumps before a stamp is given.
        flood: That a client floods the most urgent lane, in each life.
        lose_reply: That a reply which was under way when the power went never arrives.
    """

    explore: Explore = Explore.FIFO
    disk: DiskFaults = NO_FAULTS
    crash_in_append: float = 0.5
    clean_stop: float = 0.0
    copies_max: int = 1
    other_body: float = 0.0
    poison: float = 0.0
    give_up: float = 0.0
    cancel_every_s: float = 0.0
    teller: float = 0.3
    timeout_s: tuple[float, ...] = (20.0,)
    patience_s: float = 1.0
    clock_jump: float = 0.0
    flood: float = 0.0
    lose_reply: float = 0.0


CALM = Swarm()
"""No faults: what the end of every seed must be resolved under."""


def draw_swarm(rng: random.Random) -> Swarm:
    """Draw which faults there are, and how often."""

    def rate(highest: float) -> float:
        return rng.random() * highest if rng.random() < 0.6 else 0.0

    explore = rng.choices([*Explore], weights=[45, 35, 20])[0]
    return Swarm(
        explore=explore,
        disk=DiskFaults(
            latency_s=rng.choice((0.0, 0.01, 0.2)),
            stall=rate(0.1),
            full=rate(0.4),
            sync_error=rate(0.1),
        ),
        crash_in_append=rng.choice((0.3, 0.7, 1.0)),
        clean_stop=rate(0.5),
        copies_max=rng.randint(1, 5),
        other_body=rate(0.3),
        poison=rate(0.2),
        give_up=rate(0.8),
        cancel_every_s=rng.choice((0.0, 0.1, 1.0)),
        teller=rate(0.6),
        timeout_s=rng.choice(((0.02, 0.5, 5.0), (0.2, 2.0), (5.0,), (60.0,))),
        patience_s=rng.choice((2.0, 8.0, 30.0)),
        clock_jump=rate(0.5),
        flood=rate(0.25),
        lose_reply=rate(1.0),
    )
