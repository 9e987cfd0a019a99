"""The public harness: whole arenas in memory, for those who test what they have written.

The rule: importing this package costs next to nothing, since pytest does so in every run of
everybody who has it installed.  A name is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.simulator import (
        NO_FAULTS,
        DeadlockError,
        DiskFaults,
        EndlessError,
        EscapedError,
        Evidence,
        Explore,
        Moment,
        SimDisk,
        SimJournal,
        SimLoop,
        Simulated,
        SimulationError,
        judge,
        simulate,
    )

_SIMULATOR = (
    "NO_FAULTS DeadlockError DiskFaults EndlessError EscapedError Evidence Explore Moment SimDisk"
    " SimJournal SimLoop Simulated SimulationError judge simulate"
)

_HOMES = dict.fromkeys(_SIMULATOR.split(), "actors.simulator")

__all__ = [
    "NO_FAULTS",
    "DeadlockError",
    "DiskFaults",
    "EndlessError",
    "EscapedError",
    "Evidence",
    "Explore",
    "Moment",
    "SimDisk",
    "SimJournal",
    "SimLoop",
    "Simulated",
    "SimulationError",
    "judge",
    "simulate",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for.

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
