"""The worlds in which a strategy is checked: a market, the terms of trading, and a warm-up.

They are made from a seed, so that a report can be repeated.  Between them they hold what the
real ones do: everything that can be held, little history, holes, listings, ends, and a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from actors.app.settings.instruments import full_instruments
from arena.costs import CostModel
from arena.execution import Terms
from arena.experiment import Experiment
from arena.instruments import Instrument, derive
from arena.market import Floats, Market, Provenance, Series, restrict
from arena.prices import simulate_market
from arena.seed import Seed

QUICK_BARS = 20
"""How many bars are played where it must be quick."""

SHORT_BARS = 2 * QUICK_BARS
"""A warm-up of fewer bars shows a strategy too little."""

_FALL = (1.0, 0.9, 0.7, 0.5, 0.4, 0.42, 0.38, 0.4)
"""How prices crash, from close to close; the last of it stays."""


@dataclass(frozen=True, slots=True)
class World:
    """Where one agent is alone with its capital.

    Attributes:
        name: For reports.
        market: With the columns that price the instruments of `terms`.
        terms: What can be traded, and at what cost.
        warmup: Bars that are known before the first decision, >= 1.
    """

    name: str
    market: Market
    terms: Terms
    warmup: int

    def copy(self) -> World:
        """Return the same world with arrays of its own."""
        market = with_values(self.market, self.market.values)
        return World(self.name, market, self.terms, self.warmup)


def with_values(market: Market, values: Floats) -> Market:
    """Return the market with a copy of other numbers, shape (bars, columns), maybe fewer bars."""
    return Market(
        opens_at=market.opens_at[: len(values)].copy(),
        series=market.series,
        values=np.array(values),
        periods_per_year=market.periods_per_year,
        bar_s=market.bar_s,
    )


def the_worlds(seed: Seed, needs: Sequence[str] = ()) -> tuple[World, ...]:
    """Return the worlds of the gate.

    Args:
        seed: The root of their randomness.
        needs: Columns that a strategy cannot do without; what no world has gets a random walk.
    """
    everything, holes, crash = (seed.child(name) for name in ("everything", "holes", "crash"))
    torn = _torn(_market(holes, 100, needs), holes.child("torn"))
    return (
        World("everything", _market(everything, 190, needs), terms(), warmup=100),
        World("holes", torn, terms(), warmup=1),
        World("crash", _market(crash, 110, needs, falls_at=80), terms(), warmup=60),
    )


def the_quick_world(seed: Seed, needs: Sequence[str] = ()) -> World:
    """Return one small world in which a crash comes soon."""
    return World("quick", _market(seed.child("quick"), 90, needs, falls_at=78), terms(), warmup=70)


def world_of_run(experiment: Experiment, market: Market) -> World:
    """Return a small world in what a run has: its instruments, its columns, its terms.

    It is made of what everybody may know at the beginning: the warm-up.  A run that has next to
    none is shown its own first days.
    """
    warmup = experiment.market.warmup
    rows = warmup if warmup >= SHORT_BARS else min(len(market), SHORT_BARS)
    known = restrict(market, slice(0, rows))
    return World("of the run", known, experiment.terms, warmup=max(1, rows - QUICK_BARS))


@cache
def instruments() -> dict[str, Instrument]:
    """Return everything that can be held in the worlds of the gate."""
    return {table.name: table.instrument() for table in full_instruments()}


def terms() -> Terms:
    """Return the terms of the worlds: what trading costs by default."""
    return Terms(instruments(), CostModel())


def _market(seed: Seed, bars: int, needs: Sequence[str], *, falls_at: int | None = None) -> Market:
    market = simulate_market(bars, seed.child("market"), universe="full")
    if falls_at is not None:
        market = _crashed(market, falls_at)
    return derive(_with_needs(market, needs, seed), instruments())


def _with_needs(market: Market, needs: Sequence[str], seed: Seed) -> Market:
    """Return the market with a random walk for each column that it lacks."""
    lacking = [name for name in dict.fromkeys(needs) if name not in market.columns]
    if not lacking:
        return market
    walks = [
        np.exp(np.cumsum(seed.child("need", name).generator().normal(0.0, 0.03, len(market))))
        for name in lacking
    ]
    added = tuple(Series(name, "", Provenance.SYNTHETIC, "made by the gate") for name in lacking)
    return Market(
        opens_at=market.opens_at,
        series=(*market.series, *added),
        values=np.column_stack([market.values, *walks]),
        periods_per_year=market.periods_per_year,
        bar_s=market.bar_s,
    )


def _crashed(market: Market, row: int) -> Market:
    """Return the market with the prices of all coins falling from `row` on."""
    values, left = market.values.copy(), len(market) - row
    path = np.ones(len(market))
    path[row:] = [*_FALL[:left], *[_FALL[-1]] * max(left - len(_FALL), 0)]
    before = np.concatenate((path[:1], path[:-1]))
    for field, factor in (
        ("open", before),
        ("close", path),
        ("high", np.maximum(before, path)),
        ("low", np.minimum(before, path)),
    ):
        for coin in ("BTC", "ETH", "SOL"):
            values[:, market.columns[f"{coin}.{field}"]] *= factor
    return with_values(market, values)


def _torn(market: Market, seed: Seed) -> Market:
    """Return the market with stretches of columns and rows missing, a late listing and an end."""
    dice, values = seed.generator(), market.values.copy()
    for _ in range(60):
        at, start = int(dice.integers(values.shape[1])), int(dice.integers(len(values)))
        values[start : start + int(dice.integers(1, 25)), at] = np.nan
    values[dice.random(len(values)) < 0.02] = np.nan
    for name, column in market.columns.items():
        if name.startswith("ETH"):
            values[:40, column] = np.nan
        elif name.startswith("SOL"):
            values[70:, column] = np.nan
    return with_values(market, values)
