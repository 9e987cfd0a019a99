"""The tables of the contest: who competes, how they are measured, how they are renewed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actors.app.settings.fields import (
    Days,
    Section,
    Share,
)
from arena.experiment import Population
from arena.fitness import FitnessWeights
from arena.rules import (
    EvolutionRules,
    RecordRules,
)

_POPULATION, _EVOLUTION = Population(), EvolutionRules()
_RECORDS, _WEIGHTS = RecordRules(), FitnessWeights()

Weight = Annotated[float, Field(ge=-100, le=100)]


class PopulationTable(Section):
    """Who competes."""

    agents: int = Field(
        default=_POPULATION.agents,
        ge=1,
        le=10_000,
        description="Size of the first generation, baselines not counted.",
    )
    mix: dict[str, Annotated[int, Field(ge=1, le=1_000_000)]] = Field(
        default=dict(_POPULATION.mix),
        min_length=1,
        description="Strategy = weight: fresh agents are drawn in proportion to the weights.",
    )
    baselines: tuple[str, ...] = Field(
        default=_POPULATION.baselines,
        strict=False,
        description="Strategies that run beside the population, once each.",
    )


class RecordsTable(Section):
    """How performance is measured."""

    window: Days = Field(
        default=_RECORDS.window,
        description="Most daily returns behind fitness, Sharpe, volatility and win rate.",
    )
    observations_min: int = Field(
        default=_RECORDS.observations_min,
        ge=2,
        le=36_525,
        description="Fewest daily returns for which they are defined.",
    )
    sharpe_cap: float = Field(
        default=_RECORDS.sharpe_cap,
        gt=0,
        le=1_000,
        description="Sharpe ratios are clipped to plus and minus this in rules and ranks.",
    )


class FitnessTable(Section):
    """What each term of the fitness is multiplied by: a penalty has a negative weight."""

    total_return: Weight = Field(
        default=_WEIGHTS.total_return, description="Per 100 % of return over the window."
    )
    sharpe: Weight = Field(default=_WEIGHTS.sharpe, description="Per point of Sharpe ratio.")
    drawdown: Weight = Field(
        default=_WEIGHTS.drawdown, description="Per 100 % of drawdown, as a depth."
    )
    volatility: Weight = Field(
        default=_WEIGHTS.volatility, description="Per 100 % of volatility a year."
    )
    win_rate: Weight = Field(
        default=_WEIGHTS.win_rate, description="Given whole to a high win rate, or not at all."
    )
    win_rate_above: float = Field(
        default=_WEIGHTS.win_rate_above,
        ge=0,
        le=1,
        description="The win rate above which it is given, a fraction.",
    )


class EvolutionTable(Section):
    """How the population is renewed."""

    cycle_days: int = Field(
        default=_EVOLUTION.cycle_days, ge=1, le=3_650, description="Days between cycles."
    )
    births_base: int = Field(
        default=_EVOLUTION.births_base,
        ge=0,
        le=10_000,
        description="Births at a cycle besides one for each death since the last.",
    )
    agents_max: int = Field(
        default=_EVOLUTION.agents_max,
        ge=1,
        le=10_000,
        description="Most agents alive, baselines not counted.",
    )
    mutants_max: int = Field(
        default=_EVOLUTION.mutants_max,
        ge=0,
        le=10_000,
        description="Births of a cycle that are mutants; the others are fresh.",
    )
    parents_top: Share = Field(
        default=_EVOLUTION.parents_top,
        description="Share of the ranked population (rounded up) that may be parents.",
    )
    tournament_size: int = Field(
        default=_EVOLUTION.tournament_size,
        ge=1,
        le=10_000,
        description="Agents drawn for one tournament.",
    )
    mutation_low: float = Field(
        default=_EVOLUTION.mutation_low,
        gt=0,
        le=100,
        description="A numeric parameter is multiplied by at least this.",
    )
    mutation_high: float = Field(
        default=_EVOLUTION.mutation_high,
        gt=0,
        le=100,
        description="A numeric parameter is multiplied by at most this.",
    )
