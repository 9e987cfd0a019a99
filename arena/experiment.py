"""Everything that defines a run, frozen: the same experiment gives the same journal.

How a run is carried out (where it is written, how fast, by how many processes) is not in here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

import numpy as np

from arena import __version__
from arena.exceptions import EventSourcingError
from arena.execution import Terms
from arena.later import later_defaults
from arena.money import Money, parse_usd
from arena.policies import POLICIES, Policies, Policy
from arena.rules import Rules
from arena.seed import Seed
from arena.strategies import BUILT_IN, Catalog
from arena.words import Scalar

FORMAT = 1
"""Version of the manifest's shape."""

LIVE = "live"
"""The source of a market whose bars arrive while it runs."""


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
        source: `synthetic`, `csv`, or the mixture's name; `live` where bars arrive while it runs.
        opens_at: ISO date of the first bar that is settled.
        warmup: Bars before that, visible and not traded.
        ticks: Bars that are settled; 0 for a run without an end.
        periods_per_year: Bars in a year.
        badge: `real`, `synthetic` or `mixed`.
        series: Column -> (unit, provenance, origin, SHA-256 of its numbers, or nothing while these
            are to come).
    """

    source: str
    opens_at: str
    warmup: int
    ticks: int
    periods_per_year: int
    badge: str
    series: Mapping[str, tuple[str, str, str, str]]

    @property
    def live(self) -> bool:
        """Whether its bars arrive while it runs."""
        return self.source == LIVE

    @property
    def endless(self) -> bool:
        """Whether nobody has said when it ends."""
        return self.live and not self.ticks

    def ends_at(self, tick: int) -> bool:
        """Return whether `tick` is the last one; a run without an end has none."""
        return not self.endless and tick >= self.ticks

    def fits(self, bars: int) -> bool:
        """Return whether a market of `bars` can be this one."""
        if not self.live:
            return bars == self.warmup + self.ticks
        return bars >= self.warmup and (self.endless or bars <= self.warmup + self.ticks)


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
        catalog: Strategies by name; the manifest has the declarations of those that are built in,
            and of those in the population.
        policies: Policies by name; the manifest has the name of the one that weighs.
    """

    name: str
    seed: int
    market: MarketFacts
    terms: Terms
    endowment: Endowment = field(default_factory=Endowment)
    population: Population = field(default_factory=Population)
    rules: Rules = field(default_factory=Rules)
    catalog: Catalog = field(default_factory=lambda: BUILT_IN)
    policies: Policies = field(default_factory=lambda: POLICIES)

    @property
    def root(self) -> Seed:
        """The seed from which every other one is split."""
        return Seed(self.seed)

    @property
    def policy(self) -> Policy:
        """The policy that weighs capital."""
        return self.policies[self.rules.allocation.policy]


def manifest(experiment: Experiment) -> str:
    """Return the canonical JSON of everything that defines the run: the genesis of its chain."""
    code = {"catalog", "policies"}
    names = [each.name for each in fields(experiment) if each.name not in code]
    facts = {name: plain(getattr(experiment, name)) for name in names}
    facts["terms"]["instruments"] = [plain(one) for one in experiment.terms.instruments.values()]
    facts["catalog"] = {name: _declaration(name, experiment.catalog) for name in _used(experiment)}
    facts["versions"] = {"format": FORMAT, "treasury-arena": __version__, "numpy": np.__version__}
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _used(experiment: Experiment) -> list[str]:
    """Return the strategies that are part of what is run: whatever else is installed is not."""
    population = experiment.population
    declared = {*BUILT_IN, *population.mix, *population.baselines}
    return sorted(declared & experiment.catalog.keys())


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


def read_experiment(
    manifest_json: str, catalog: Catalog = BUILT_IN, policies: Policies = POLICIES
) -> Experiment:
    """Return the experiment that `manifest_json` describes.

    Strategies come from `catalog`, and the policy from `policies`: the manifest holds their names
    and declarations, not their code.

    Raises:
        EventSourcingError: It is no manifest that this version can read.
    """
    try:
        facts = json.loads(manifest_json)
        terms = facts["terms"]
        terms["instruments"] = {each["name"]: each for each in terms["instruments"]}
        return Experiment(
            name=facts["name"],
            seed=facts["seed"],
            market=from_plain(MarketFacts, facts["market"]),
            terms=from_plain(Terms, terms),
            endowment=from_plain(Endowment, facts["endowment"]),
            population=from_plain(Population, facts["population"]),
            rules=from_plain(Rules, facts["rules"]),
            catalog=catalog,
            policies=policies,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EventSourcingError("the manifest cannot be read") from error


def from_plain(kind: Any, value: Any) -> Any:
    """Return plain JSON data as the type that `plain` made it from.

    `kind` is an annotation: a dataclass, an enum, a tuple, a mapping, a `NewType`, one of these or
    None.  Where it allows several scalars, the value is what JSON says it is.  What an older
    release did not write is as it was then (`arena.later`).
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {UnionType, Union}:
        known = [each for each in inner if each is not NoneType]
        return value if value is None or len(known) > 1 else from_plain(known[0], value)
    if isinstance(kind, NewType):
        return from_plain(kind.__supertype__, value)
    if is_dataclass(kind):
        made: Any = kind
        hints = _fields(made)
        return made(
            **{
                name: from_plain(hint, value[name])
                for name, hint in hints.items()
                if name in value or name not in later_defaults(made)
            }
        )
    if origin is tuple:
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(from_plain(each, item) for each, item in zip(kinds, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        of_key, of_item = inner
        return {from_plain(of_key, k): from_plain(of_item, item) for k, item in value.items()}
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value


@cache
def _fields(kind: type) -> dict[str, Any]:
    """Return the fields of a dataclass with their annotations."""
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


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
