"""The tables of the game: treasury, costs, population, and every rule.

Keys are named as in `arena.rules` and `arena.experiment`, and take their defaults from there.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from actors.app.settings.fields import BasisPoints, Name, Section, Usd, usd, words
from arena.execution import CostModel, Terms
from arena.experiment import Endowment, Population
from arena.fitness import FitnessWeights
from arena.policies import POLICIES
from arena.rules import (
    COMPARISONS,
    METRICS,
    AllocationRules,
    EvolutionRules,
    LadderRules,
    RecordRules,
    RiskRules,
    Rule,
)

_ENDOWMENT, _POPULATION, _COSTS = Endowment(), Population(), CostModel()
_TRADE_MIN = Terms(instruments={}, costs=_COSTS).trade_min
_RECORDS, _LADDER, _WEIGHTS = RecordRules(), LadderRules(), FitnessWeights()
_ALLOCATION, _EVOLUTION, _RISK = AllocationRules(), EvolutionRules(), RiskRules()

Share = Annotated[float, Field(gt=0, le=1)]
Drawdown = Annotated[float, Field(ge=-1, le=0)]
Weight = Annotated[float, Field(ge=-100, le=100)]
Days = Annotated[int, Field(ge=1, le=36_525)]
StrategyName = Name


class TreasuryTable(Section):
    """The opening capital, and how it is divided.  The three shares sum to 10,000."""

    total: Usd = usd(_ENDOWMENT.total, "Opening capital, USD.")
    reserve_bp: BasisPoints = Field(
        default=_ENDOWMENT.reserve_bp, description="Share that is kept, basis points."
    )
    proving_bp: BasisPoints = Field(
        default=_ENDOWMENT.proving_bp, description="Share of the proving layer, basis points."
    )
    arena_bp: BasisPoints = Field(
        default=_ENDOWMENT.arena_bp, description="Share of the arena, basis points."
    )
    virtual_capital: Usd = usd(
        _ENDOWMENT.virtual_capital, "Play money of each agent in simulation, USD."
    )


class CostsTable(Section):
    """What trading costs."""

    fee_bps: float = Field(
        default=_COSTS.fee_bps,
        ge=0,
        le=1_000,
        description="Venue's fee on spot, basis points of the notional, each way.",
    )
    slippage_bps: float = Field(
        default=_COSTS.slippage_bps,
        ge=0,
        le=1_000,
        description="Half the spread plus impact on spot, basis points, each way.",
    )
    gas: Usd = usd(_COSTS.gas, "One lending operation on a layer-2 chain, USD.")
    trade_min: float = Field(
        default=_TRADE_MIN,
        ge=0,
        lt=1,
        description="Differences under this share of an agent's equity are not traded.",
    )


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


class LadderTable(Section):
    """How many rise through the layers, and with how much."""

    seats_max: int = Field(
        default=_LADDER.seats_max, ge=0, le=10_000, description="Seats in proving."
    )
    seat_amount: Usd = usd(_LADDER.seat_amount, "Capital of a seat, from the proving pool, USD.")
    proving_days_max: Days = Field(
        default=_LADDER.proving_days_max,
        description="Days in proving after which an agent without promotion is demoted.",
    )
    entry_base: Usd = usd(_LADDER.entry_base, "Least capital of an arena entrant, USD.")
    entry_slope: Usd = usd(
        _LADDER.entry_slope, "Added per point of fitness over `entry_from`, up to one point, USD."
    )
    entry_from: float = Field(
        default=_LADDER.entry_from,
        ge=-100,
        le=100,
        description="Fitness at which `entry_slope` begins to count.",
    )
    arena_agents_max: int = Field(
        default=_LADDER.arena_agents_max, ge=0, le=10_000, description="Places in the arena."
    )


class AllocationTable(Section):
    """How the arena's capital is divided at a cycle."""

    policy: Annotated[str, *words(POLICIES)] = Field(
        default=_ALLOCATION.policy, description="The policy that weighs agents."
    )
    tiers: tuple[BasisPoints, BasisPoints, BasisPoints] = Field(
        default=_ALLOCATION.tiers,
        strict=False,
        description="Elite, active and challenger shares, basis points that sum to 10,000.",
    )
    elite_top: Share = Field(
        default=_ALLOCATION.elite_top,
        description="Ranks up to this share of the ranked agents (rounded up) are elite.",
    )
    active_top: Share = Field(
        default=_ALLOCATION.active_top,
        description="Ranks up to this share that are not elite are active.",
    )
    entrant_days: int = Field(
        default=_ALLOCATION.entrant_days,
        ge=0,
        le=36_525,
        description="Days in the arena under which an agent keeps its sum and is not ranked.",
    )
    per_agent_bp: BasisPoints = Field(
        default=_ALLOCATION.per_agent_bp,
        description="Most of the arena's capital that one agent is given, basis points.",
    )
    per_family_bp: BasisPoints = Field(
        default=_ALLOCATION.per_family_bp,
        description="Most that one family of strategies is given, basis points.",
    )
    growth_max: int = Field(
        default=_ALLOCATION.growth_max,
        ge=1,
        le=1_000_000,
        description="Most that a balance is multiplied by in one cycle.",
    )
    move_min: Usd = usd(_ALLOCATION.move_min, "Moves under this sum are skipped, USD.")
    move_min_bp: BasisPoints = Field(
        default=_ALLOCATION.move_min_bp,
        description="Moves under this share of the agent's balance are skipped, basis points.",
    )
    penalty_drawdown: Drawdown = Field(
        default=_ALLOCATION.penalty_drawdown,
        description="Drawdown in the arena under which a target is halved until a new peak.",
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


class RiskTable(Section):
    """What stops trading, bounds exposure, and quarantines."""

    halt_drawdown: Drawdown = Field(
        default=_RISK.halt_drawdown,
        description="Drawdown of the arena fund under which the arena is halted.",
    )
    halt_days: Days | Literal["never"] = Field(
        default="never" if _RISK.halt_days is None else _RISK.halt_days,
        description="Days after which an experiment resumes, with a new peak.",
    )
    per_protocol_bp: BasisPoints = Field(
        default=_RISK.per_protocol_bp,
        description="Most of all deployable real capital in one protocol, basis points.",
    )
    failures_max: int = Field(
        default=_RISK.failures_max,
        ge=1,
        le=10_000,
        description="Failures within `failure_window` that quarantine an agent.",
    )
    failure_window: int = Field(
        default=_RISK.failure_window, ge=1, le=10_000, description="That window, in ticks."
    )


class ConditionTable(Section):
    """One comparison of a metric with a number."""

    metric: Annotated[str, *words(METRICS)] = Field(description="What is compared.")
    op: Annotated[str, *words(COMPARISONS)] = Field(description="How.")
    value: float = Field(ge=-1e6, le=1e6, description="With what.")


class ConditionsTable(Section):
    """Conditions that must all hold."""

    all: tuple[ConditionTable, ...] = Field(
        strict=False,
        min_length=1,
        description="Tables { metric, op, value }; what is not defined yet does not hold.",
    )


class KillTable(ConditionsTable):
    """A rule that ends an agent; the first in the file that holds is the one that is named."""

    id: Name = Field(description="Its name in events and reports.")
    once_at_age: Days | None = Field(
        default=None,
        description="Tested once per record, at the first cycle at which it has this many days; "
        "left out, at every cycle.",
    )
    spares_arena: bool = Field(default=False, description="Whether agents in the arena are exempt.")
    every_tick: bool = Field(
        default=False, description="Whether it is looked at on every tick, not only at cycles."
    )


def _conditions(rule: Rule) -> tuple[ConditionTable, ...]:
    return tuple(ConditionTable(metric=c.metric, op=c.op, value=c.value) for c in rule.all)


def _kill(rule: Rule) -> KillTable:
    return KillTable(
        id=rule.id,
        all=_conditions(rule),
        once_at_age=rule.once_at_age,
        spares_arena=rule.spares_arena,
        every_tick=rule.every_tick,
    )


class RulesTable(Section):
    """Who may rise and who must go.  A rule that is given replaces its default as a whole."""

    seat: ConditionsTable = Field(
        default=ConditionsTable(all=_conditions(_LADDER.seat)),
        description="From simulation to proving.",
    )
    entry: ConditionsTable = Field(
        default=ConditionsTable(all=_conditions(_LADDER.entry)),
        description="From proving to the arena.",
    )
    kill: tuple[KillTable, ...] = Field(
        default=tuple(_kill(rule) for rule in _RISK.kill),
        strict=False,
        description="What ends an agent, in order of precedence.",
    )
