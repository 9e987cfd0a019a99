"""Whole arenas for tests: a synthetic market, a small population, everything real but the clock.

experiment, market = a_run(days=30, agents=10)
async with Arena(experiment, market) as arena: ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from actors.app.markets import build_experiment, build_market
from actors.app.settings import make_settings
from arena.experiment import Experiment
from arena.market import Market
from arena.rules import Rule
from arena.strategies import BUILT_IN, Strategy

NOW = datetime(2026, 1, 1, tzinfo=UTC)

OPEN_GATE = Rule("open", ())
"""A rule that everyone meets."""


def a_run(
    *,
    days: int = 30,
    agents: int = 10,
    seed: int = 7,
    strategies: Sequence[type[Strategy]] = (),
    tables: Mapping[str, Mapping[str, Any]] | None = None,
    overrides: Sequence[str] = (),
) -> tuple[Experiment, Market]:
    """Return a synthetic run; `strategies` join the catalog and are the population's mix.

    They need not have passed the gate, if `tables` do not say so: what is tested is another thing.
    """
    catalog = {**BUILT_IN, **{strategy.name: strategy for strategy in strategies}}
    data: dict[str, Any] = {
        "run": {"name": "test", "seed": seed, "days": days},
        "market": {"source": "synthetic", "warmup_days": 120},
        "population": {"agents": max(agents, 1)},
        **(tables or {}),
    }
    data["ladder"] = {"gate_required": False, **data.get("ladder", {})}
    if strategies:
        data["population"] = {"mix": {s.name: 1 for s in strategies}, **data["population"]}
    settings = make_settings(data, overrides, catalog=catalog)
    loaded = build_market(settings, Path(), now=NOW)
    experiment = build_experiment(settings, loaded, catalog)
    population = replace(experiment.population, agents=agents)
    return replace(experiment, population=population), loaded.market


def with_open_gates(experiment: Experiment, **ladder: Any) -> Experiment:
    """Return the experiment with gates that everyone passes."""
    rules = experiment.rules
    opened = replace(rules.ladder, seat=OPEN_GATE, entry=OPEN_GATE, **ladder)
    return replace(experiment, rules=replace(rules, ladder=opened))


def frozen(market: Market) -> Market:
    """Return the market as if no price had ever moved and no interest had ever been paid."""
    values = market.values.copy()
    for name, column in market.columns.items():
        if name.endswith((".open", ".high", ".low", ".close")):
            values[:, column] = np.where(np.isnan(values[:, column]), np.nan, 100.0)
    return Market(
        opens_at=market.opens_at.copy(),
        series=market.series,
        values=values,
        periods_per_year=market.periods_per_year,
    )
