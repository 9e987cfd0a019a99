"""The simulator: a seeded event loop, a disk that fails, and an oracle that shares no code."""

from actors.simulator.journal import NO_FAULTS, DiskFaults, Moment, SimDisk, SimJournal
from actors.simulator.loop import (
    DeadlockError,
    EndlessError,
    EscapedError,
    Explore,
    SimLoop,
    Simulated,
    SimulationError,
    simulate,
)
from actors.simulator.oracle import Evidence, judge

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
