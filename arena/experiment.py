"""Everything that defines a run, frozen: the same experiment gives the same journal.

How a run is carried out (where it is written, how fast, by how many processes) is not in here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

from arena import __version__
from arena.execution import Terms
from arena.money import Money, parse_usd
from arena.policies import POLICIES, Policy
from arena.rules import Rules
from arena.seed import Seed
from arena.strategies import BUILT_IN, Catalog
from arena.words import Scalar

FORMAT = 1
"""Version of the manifest's shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endowment:
    """The treasury's opening capital.

    Attributes:
        total: Micro-USD.
        reserve_bp: Share that is kept, basis points; the three shares sum to 10,000.
        proving_bp: Share of `pool:proving`.
        arena_bp: Share of `pool:arena`.
        virtual_capital: Play money of each agent in simulation, micro-USD.
    """

    total: Money = parse_usd("373261.00")
    reserve_bp: int = 4_370
    proving_bp: int = 270
    arena_bp: int = 5_360
    virtual_capital: Money = parse_usd("10000.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Who competes.

    Attributes:
        agents: Size of the first generation, baselines not counted.
        mix: Strategy -> whole-numbered weight: how fresh agents are divided.
        baselines: Strategies that run beside the population, once each.
    """

    agents: int = 50
    mix: Mapping[str, int] = field(
        default_factory=lambda: {"defi-yield-farmer": 1, "tactical-trader": 1}
    )
    baselines: tuple[str, ...] = ("cash", "buy-and-hold", "random")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """Which market it is, without its numbers.

    Attributes:
        source: `synthetic`, `csv`, or the mixture's name.
        opens_at: ISO date of the first bar that is settled.
        warmup: Bars before that, visible and not traded.
        ticks: Bars that are settled.
        periods_per_year: Bars in a year.
        badge: `real`, `synthetic` or `mixed`.
        series: Column -> (unit, provenance, origin, SHA-256 of its numbers).
    """

    source: str
    opens_at: str
    warmup: int
    ticks: int
    periods_per_year: int
    badge: str
    series: Mapping[str, tuple[str, str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What is run.

    Attributes:
        name: Names the run's folder.
        seed: The root of all randomness.
        market: Which market.
        terms: What can be traded, and at what cost.
        endowment: The treasury's opening capital.
        population: Who competes.
        rules: The rules of the game.
        catalog: Strategies by name; in the manifest by name only.
    """

    name: str
    seed: int
    market: MarketFacts
    terms: Terms
    endowment: Endowment = field(default_factory=Endowment)
    population: Population = field(default_factory=Population)
    rules: Rules = field(default_factory=Rules)
    catalog: Catalog = field(default_factory=lambda: BUILT_IN)

    @property
    def root(self) -> Seed:
        """The seed from which every other one is split."""
        return Seed(self.seed)

    @property
    def policy(self) -> Policy:
        """The policy that weighs capital."""
        return POLICIES[self.rules.allocation.policy]


def manifest(experiment: Experiment) -> str:
    """Return the canonical JSON of everything that defines the run: the genesis of its chain."""
    facts = {f.name: plain(getattr(experiment, f.name)) for f in fields(experiment)}
    facts["terms"]["instruments"] = [plain(one) for one in experiment.terms.instruments.values()]
    facts["catalog"] = {
        name: _declaration(name, experiment.catalog) for name in sorted(experiment.catalog)
    }
    facts["versions"] = {"format": FORMAT, "treasury-arena": __version__, "numpy": np.__version__}
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _declaration(name: str, catalog: Catalog) -> dict[str, Any]:
    strategy = catalog[name]
    return {"family": strategy.family, "parameters": [plain(p) for p in strategy.parameters]}


def plain(value: object) -> Any:  # JSON has no narrower type
    """Return `value` as JSON knows it: dataclasses and mappings become objects, tuples arrays."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value


def check_parameters(
    catalog: Catalog, strategy: str, settings: Mapping[str, Scalar]
) -> dict[str, Scalar]:
    """Return `settings` completed with the strategy's defaults.

    Raises:
        ValidationError: A value is unknown, out of bounds or out of order.
    """
    complete = {**catalog[strategy].defaults(), **settings}
    catalog[strategy].check_settings(complete)
    return complete
