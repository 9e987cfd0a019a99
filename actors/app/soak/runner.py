"""Many seeds, on as many processes as there are cores, and what they add up to."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from actors.app.soak.scenarios import Outcome, run_seed

CHUNK = 20
"""Seeds that a process is given at a time."""

SHOWN_MAX = 10
"""Broken seeds that a report tells about."""


@dataclass(slots=True)
class Report:
    """What many seeds add up to.

    Attributes:
        seeds: How many were run.
        crashes: Lives that ended without a clean stop.
        commands: Commands that were sent at least once.
        acked: Commands that were acknowledged.
        lost: Acknowledged commands that are not on record.
        deliveries: Messages that were sent.
        answered_again: Answers that were given a second time.
        virtual_s: Virtual time that passed.
        wall_s: Real time that it took.
        scenario: What each seed was run as.
        broken: (seed, what was found wrong), the first ones.
        violations: How many seeds were broken.
    """

    scenario: str
    seeds: int = 0
    crashes: int = 0
    commands: int = 0
    acked: int = 0
    lost: int = 0
    deliveries: int = 0
    answered_again: int = 0
    virtual_s: float = 0.0
    wall_s: float = 0.0
    violations: int = 0
    broken: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Add one seed."""
        self.seeds += 1
        self.crashes += outcome.crashes
        self.commands += outcome.commands
        self.acked += outcome.acked
        self.lost += outcome.lost
        self.deliveries += outcome.deliveries
        self.answered_again += outcome.duplicates
        self.virtual_s += outcome.virtual_s
        if outcome.faults:
            self.violations += 1
            self.broken += [(outcome.seed, outcome.faults)] if self.violations <= SHOWN_MAX else []

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, with what it comes to."""
        return {
            "scenario": self.scenario,
            "seeds": self.seeds,
            "violations": self.violations,
            "crashes": self.crashes,
            "commands": self.commands,
            "acked": self.acked,
            "lost": self.lost,
            "deliveries": self.deliveries,
            "duplicates": self.deliveries - self.commands,
            "answered_again": self.answered_again,
            "virtual_s": round(self.virtual_s, 3),
            "wall_s": round(self.wall_s, 3),
            "virtual_to_real": round(self.virtual_s / max(self.wall_s, 1e-9)),
            "seeds_per_s": round(self.seeds / max(self.wall_s, 1e-9), 1),
            "broken": [
                {"seed": seed, "faults": list(faults), "reproduce": reproduce(seed, self.scenario)}
                for seed, faults in self.broken
            ],
        }


def reproduce(seed: int, scenario: str) -> str:
    """Return what to type to see one seed again."""
    return f"arena soak --seeds {seed}..{seed} --scenario {scenario}"


def soak(
    seeds: range, *, scenario: str, jobs: int, on_seed: Callable[[int], None] = lambda _: None
) -> Report:
    """Run `seeds` of `scenario`.

    Args:
        seeds: Which.
        scenario: A name in `SCENARIOS`.
        jobs: On how many processes; with 1 it is this one.
        on_seed: Called after each with how many are done.
    """
    report, began = Report(scenario), time.perf_counter()
    for outcome in _outcomes(seeds, scenario, jobs):
        report.add(outcome)
        on_seed(report.seeds)
    report.wall_s = time.perf_counter() - began
    return report


def _outcomes(seeds: range, scenario: str, jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from (run_seed(seed, scenario=scenario) for seed in seeds)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_serve) as pool:
        chunks = [seeds[first : first + CHUNK] for first in range(0, len(seeds), CHUNK)]
        waiting = [pool.submit(_run_chunk, chunk, scenario) for chunk in chunks]
        try:
            for chunk in waiting:
                yield from chunk.result()
        except BaseException:
            for child in multiprocessing.active_children():
                child.kill()  # Nobody waits for what they have in hand.
            raise


def _run_chunk(seeds: range, scenario: str) -> list[Outcome]:
    return [run_seed(seed, scenario=scenario) for seed in seeds]


def _serve() -> None:
    """Prepare a worker: a signal is its parent's affair, and it does not outlive its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
