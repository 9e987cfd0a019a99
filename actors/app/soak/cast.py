"""The whole cast for a few ticks, on a schedule that the seed draws: the journal stays the same.

The rule: scheduling luck and the speed of the disk may change who runs when, and not one byte of
the history.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from actors.app.arena import Arena
from actors.app.markets import build_experiment, build_market
from actors.app.settings import make_settings
from actors.journal.chain import HASHED, genesis_hash
from actors.simulator import (
    DiskFaults,
    Evidence,
    Explore,
    SimDisk,
    SimJournal,
    Simulated,
    judge,
    simulate,
)
from arena.experiment import Experiment, manifest
from arena.market import Market, MarketView
from arena.money import Money
from arena.rules import Rule
from arena.strategies import BUILT_IN, BookView, Decision, Memory, Strategy

TICKS = 5
"""Ticks of a run; a cycle is due after every second one."""

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Fickle(Strategy):
    """Trades, has a capacity of its own, and breaks now and then."""

    name = "fickle"
    family = "fickle"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return weights, or break.

        Raises:
            RuntimeError: Every third day, for every second agent.
        """
        del memory
        if market.now % 3 == 0 and book.agent_id.endswith(("2", "4")):
            raise RuntimeError("broke, as it does")
        return {"BTC": 0.5} if market.now % 2 else {"BTC": 0.2, "ETH": 0.6}

    def capacity(self, market: MarketView, book: BookView) -> Money | None:
        """Return a little more each day."""
        del book
        return Money(1_500_000_000 + market.now)


@cache
def cast() -> tuple[Experiment, Market]:
    """Return the run, built once for all seeds."""
    catalog = {**BUILT_IN, Fickle.name: Fickle}
    settings = make_settings(
        {
            "run": {"name": "soak-cast", "seed": 7, "days": TICKS},
            "market": {"source": "synthetic", "warmup_days": 120},
            "population": {"agents": 4, "mix": {Fickle.name: 1}},
            "evolution": {"cycle_days": 2, "agents_max": 8},
            "ladder": {"gate_required": False},  # No strategy that breaks would pass it.
        },
        catalog=catalog,
    )
    loaded = build_market(settings, Path(), now=NOW)
    experiment = build_experiment(settings, loaded, catalog)
    gates = replace(experiment.rules.ladder, seat=Rule("open", ()), entry=Rule("open", ()))
    return replace(experiment, rules=replace(experiment.rules, ladder=gates)), loaded.market


def run_cast(seed: int, explore: Explore, *, latency_s: float) -> tuple[Simulated[str], SimDisk]:
    """Run the cast and return its journal's head, and its disk."""
    experiment, market = cast()
    disk = SimDisk(manifest(experiment))
    rng = random.Random(f"disk-{seed}")  # noqa: S311 - a simulation keeps no secret
    journal = SimJournal(disk, rng, watch=lambda _: None)
    journal.faults = DiskFaults(latency_s=latency_s)

    async def run() -> str:
        async with Arena(experiment, market, journal) as arena:
            await arena.backtest()
            await arena.complete()
            return arena.cast.allocator.head.hash

    return simulate(run, seed=seed, explore=explore), disk


@cache
def undisturbed() -> str:
    """Return the head that every schedule must lead to."""
    run, _ = run_cast(0, Explore.FIFO, latency_s=0.0)
    return run.value


def judge_cast(seed: int) -> tuple[list[str], Simulated[str], SimDisk]:
    """Run one seed; return what is wrong with it, and the run."""
    rng = random.Random(f"cast-{seed}")  # noqa: S311 - a simulation keeps no secret
    explore = rng.choice([Explore.WALK, Explore.WALK, Explore.PRIORITY])
    run, disk = run_cast(seed, explore, latency_s=rng.choice((0.0, 0.2)))
    experiment, _ = cast()
    evidence = Evidence(
        genesis=genesis_hash(manifest(experiment)),
        entries=[
            {name: getattr(entry, name) for name in (*HASHED, "hash")}
            for entry in disk.rows.entries
        ],
        ledger=disk.rows.ledger,
        commands=[*disk.rows.commands.values()],
        endowed=experiment.endowment.total,
        left=run.left,
    )
    faults = judge(evidence)
    if run.value != undisturbed():
        faults.append("I10 another schedule wrote another journal")
    return faults, run, disk
