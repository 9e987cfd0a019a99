"""What an arena under test is made of, and the experiment that follows from it.

The rule: what the test does not say is as in a config that says nothing, but for the population,
which is small and has no baselines, and for the gate, which nobody has to pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from actors.app.markets import LoadedMarket, build_experiment
from actors.app.settings import make_settings
from actors.simulator import DiskFaults
from actors.testing.faults import Fault
from actors.testing.markets import DailyMarket
from actors.venues import Venue
from arena.exceptions import ValidationError
from arena.experiment import Experiment
from arena.policies import POLICIES, Policy
from arena.rules import Rule
from arena.strategies import BUILT_IN, Strategy

OPEN = Rule("open", ())
"""A rule that everyone meets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What `ArenaHarness` was given; see there."""

    strategies: Sequence[type[Strategy]]
    policy: str | Policy | None
    market: DailyMarket
    agents: int
    seed: int
    config: Mapping[str, Mapping[str, Any]]
    overrides: Sequence[str]
    open_gates: bool
    faults: Sequence[Fault]
    disk: DiskFaults
    venue: Venue | None


def experiment_of(spec: Spec) -> Experiment:
    """Return what `spec` asks for.

    Raises:
        ConfigError: The config or the overrides cannot be used.
        ValidationError: A strategy needs what the market has not.
    """
    catalog = {**BUILT_IN, **{strategy.name: strategy for strategy in spec.strategies}}
    settings = make_settings(_tables(spec), spec.overrides, catalog=catalog)
    loaded = LoadedMarket(spec.market.market, spec.market.warmup)
    experiment = build_experiment(settings, loaded, catalog)
    population = replace(experiment.population, agents=spec.agents)
    if spec.strategies:
        mix = {strategy.name: 1 for strategy in spec.strategies}
        population = replace(population, mix=dict(sorted(mix.items())))
    instruments = {one.name: one for one in spec.market.instruments}
    for name in population.mix:
        _check_needs(catalog[name], spec.market)
    experiment = replace(
        experiment,
        population=population,
        terms=replace(experiment.terms, instruments=dict(sorted(instruments.items()))),
        market=replace(experiment.market, source="test"),
    )
    return _with_rules(experiment, spec)


def _tables(spec: Spec) -> dict[str, Any]:
    """Return the config, over what a test needs where it says nothing."""
    tables: dict[str, dict[str, Any]] = {
        "run": {"name": "test", "seed": spec.seed, "days": spec.market.days},
        "population": {"agents": max(spec.agents, 1), "baselines": []},
        "ladder": {"gate_required": False},
    }
    for name, table in spec.config.items():
        tables[name] = {**tables.get(name, {}), **table}
    return tables


def _check_needs(strategy: type[Strategy], market: DailyMarket) -> None:
    for column in strategy.needs:
        if column not in market.market.columns:
            needed = f"a market with {column!r}, which strategy {strategy.name!r} cannot do without"
            raise ValidationError("market", found=[*market.market.columns], needed=needed)
    kinds = {one.kind for one in market.instruments}
    if strategy.needs_kind is not None and strategy.needs_kind not in kinds:
        needed = f"one of kind {strategy.needs_kind}, for strategy {strategy.name!r}"
        raise ValidationError("instruments", found=sorted(kinds), needed=needed)


def _with_rules(experiment: Experiment, spec: Spec) -> Experiment:
    """Return the experiment with the policy of the test, and open gates if it wants them."""
    rules = experiment.rules
    if spec.open_gates:
        rules = replace(rules, ladder=replace(rules.ladder, seat=OPEN, entry=OPEN))
    if callable(spec.policy):
        name = getattr(spec.policy, "__name__", "policy").removeprefix("weigh_")
        experiment = replace(experiment, policies={**POLICIES, name: spec.policy})
        rules = replace(rules, allocation=replace(rules.allocation, policy=name))
    elif spec.policy is not None:
        if spec.policy not in experiment.policies:
            needed = f"a function, or one of {', '.join(sorted(experiment.policies))}"
            raise ValidationError("policy", found=spec.policy, needed=needed)
        rules = replace(rules, allocation=replace(rules.allocation, policy=spec.policy))
    return replace(experiment, rules=rules)
