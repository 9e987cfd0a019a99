"""What a seed can be run as: a crowd around the allocator, the whole cast, or both."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog

from actors.app.soak.cast import judge_cast
from actors.app.soak.swarm import draw_swarm
from actors.app.soak.world import World
from actors.simulator import SimulationError, simulate

CAST_EVERY = 10
"""The cast is run with each seed that this divides."""


STEPS_MAX = 200_000
"""Steps after which a seed counts as one that never ends; most take a few thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one seed.

    Attributes:
        seed: It.
        faults: What was found wrong, each beginning with the invariant that it breaks.
        crashes: Lives that ended without a clean stop.
        commands: Commands that were sent at least once.
        acked: Commands that were acknowledged.
        lost: Acknowledged commands that are not on record.
        deliveries: Messages that were sent.
        duplicates: Answers that were given again.
        virtual_s: Virtual time that passed.
        fingerprint: SHA-256 of the schedule.
        head: Hash of the last entry.
    """

    seed: int
    faults: tuple[str, ...]
    crashes: int = 0
    commands: int = 0
    acked: int = 0
    lost: int = 0
    deliveries: int = 0
    duplicates: int = 0
    virtual_s: float = 0.0
    fingerprint: str = ""
    head: str = ""


def run_crowd(seed: int) -> Outcome:
    """Run the allocator among clients, crashes and faults."""
    swarm = draw_swarm(random.Random(f"swarm-{seed}"))  # noqa: S311 - a simulation keeps no secret
    world = World(seed, swarm)
    try:
        run = simulate(world.run, seed=seed, explore=swarm.explore, steps_max=STEPS_MAX)
    except Exception as error:  # noqa: BLE001  # whatever breaks a seed is what we look for
        return Outcome(seed=seed, faults=(*world.faults, _broke(error)))
    faults = [*world.faults, *(f"I13 left behind: {each}" for each in run.left)]
    deliveries = world.history.deliveries
    acked = {each.command_id for each in deliveries if each.answer is not None}
    return Outcome(
        seed=seed,
        faults=tuple(faults),
        crashes=world.crashes,
        commands=len({each.command_id for each in deliveries}),
        acked=len(acked),
        lost=len(acked - world.disk.rows.commands.keys()),
        deliveries=len(deliveries),
        duplicates=sum(each.answer is not None and each.answer.duplicate for each in deliveries),
        virtual_s=run.virtual_s,
        fingerprint=run.fingerprint,
        head=world.disk.rows.entries[-1].hash if world.disk.rows.entries else "",
    )


def run_cast(seed: int) -> Outcome:
    """Run the whole cast for a few ticks; every schedule must write the same journal."""
    try:
        faults, run, disk = judge_cast(seed)
    except Exception as error:  # noqa: BLE001  # whatever breaks a seed is what we look for
        return Outcome(seed=seed, faults=(_broke(error),))
    decided = len(disk.rows.commands)
    return Outcome(
        seed=seed,
        faults=tuple(faults),
        commands=decided,
        acked=decided,
        deliveries=decided,
        virtual_s=run.virtual_s,
        fingerprint=run.fingerprint,
        head=run.value,
    )


def _broke(error: Exception) -> str:
    """Return the violation that an end before the end is."""
    kind = "I13" if isinstance(error, SimulationError) else "I10 the run broke:"
    return f"{kind} {type(error).__name__}: {error}"


def run_both(seed: int) -> Outcome:
    """Run the crowd, and with every tenth seed the cast as well."""
    crowd = run_crowd(seed)
    if seed % CAST_EVERY:
        return crowd
    cast = run_cast(seed)
    sums = ("faults", "commands", "acked", "deliveries", "virtual_s")
    return replace(crowd, **{name: getattr(crowd, name) + getattr(cast, name) for name in sums})


SCENARIOS: Mapping[str, Callable[[int], Outcome]] = {
    "both": run_both,
    "crowd": run_crowd,
    "cast": run_cast,
}
"""What `--scenario` can name."""


def run_seed(seed: int, scenario: str) -> Outcome:
    """Run one seed of a scenario."""
    with quiet():
        return SCENARIOS[scenario](seed)


@contextmanager
def quiet() -> Iterator[None]:
    """Log nothing: what goes wrong is meant to, and a line for each would take most of the time."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
