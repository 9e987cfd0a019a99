"""The rules of the game, as data: who may rise, who must go, and how capital is bounded.

A rule is a name and conditions on metrics; nothing is evaluated but comparisons.  Every number is
config, and every default is the one in `docs/reference/config.md`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from arena.fitness import FitnessWeights
from arena.later import later
from arena.money import Money, parse_usd
from arena.words import Metrics

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}

METRICS = (
    "fitness",
    "sharpe",
    "win_rate",
    "volatility",
    "drawdown",
    "total_return",
    "age",
    "life_age",
    "days_negative",
)
"""What a condition can name; `arena.scoring` says how each is measured."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a metric with a number."""

    metric: str
    op: str
    value: float

    def holds(self, metrics: Metrics) -> bool:
        """Say whether the condition holds; what is not defined yet does not."""
        found = metrics[self.metric]
        return found is not None and COMPARISONS[self.op](found, self.value)

    def __str__(self) -> str:
        """Return it as people write it."""
        return f"{self.metric} {self.op} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions that must all hold.

    Attributes:
        id: Its name in events and reports.
        all: The conditions.
        once_at_age: Tested once per record, at the first cycle at which the record has this many
            days; None tests at every cycle.
        spares_arena: Whether agents in the arena are exempt.
        every_tick: Whether it is looked at on every tick, not only at cycles.
    """

    id: str
    all: tuple[Condition, ...]
    once_at_age: int | None = None
    spares_arena: bool = False
    every_tick: bool = False

    def holds(self, metrics: Metrics) -> bool:
        """Say whether every condition holds."""
        return all(condition.holds(metrics) for condition in self.all)

    def unmet(self, metrics: Metrics) -> tuple[Condition, ...]:
        """Return the conditions that do not hold, in their order."""
        return tuple(condition for condition in self.all if not condition.holds(metrics))


def count_top(share: float, count: int) -> int:
    """Return how many of `count` make the best `share`, rounded up: 7 % of 100 are 7, not 8."""
    return math.ceil(round(share * count, 9))


def _rule(rule_id: str, *conditions: tuple[str, str, float]) -> Rule:
    return Rule(rule_id, tuple(Condition(*condition) for condition in conditions))


SEAT = _rule(
    "seat",
    ("fitness", ">", 2.0),
    ("sharpe", ">", 1.5),
    ("win_rate", ">", 0.60),
    ("drawdown", ">", -0.20),
    ("age", ">=", 30),
)
ENTRY = _rule(
    "entry",
    ("total_return", ">", 0.0),
    ("fitness", ">", 2.0),
    ("sharpe", ">", 1.5),
    ("age", ">=", 30),
    ("drawdown", ">", -0.25),
)
KILL = (
    Rule("drawdown", (Condition("drawdown", "<", -0.50),), every_tick=True),
    Rule("negative_fitness", (Condition("days_negative", ">=", 30),)),
    Rule("sharpe_at_60", (Condition("sharpe", "<", 0.5),), once_at_age=60),
    Rule("return_at_90", (Condition("total_return", "<", 0.0),), once_at_age=90),
    Rule("lifetime", (Condition("life_age", ">", 365),), spares_arena=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRules:
    """How performance is measured.

    Attributes:
        window: Most daily returns behind fitness, Sharpe, volatility and win rate.
        observations_min: Fewest returns for which they are defined.
        sharpe_cap: Sharpe ratios are clipped to +- this in rules and ranks.
        weights: The weights of the fitness.
    """

    window: int = 90
    observations_min: int = 7
    sharpe_cap: float = 6.0
    weights: FitnessWeights = field(default_factory=FitnessWeights)


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderRules:
    """How agents rise through the layers.

    Attributes:
        seat: From simulation to proving.
        seats_max: Seats in proving.
        seat_amount: Capital of a seat, from `pool:proving`, micro-USD.
        proving_days_max: Days in proving after which an agent that was not promoted is demoted.
        entry: From proving to the arena.
        entry_base: Least capital of an entrant, from `pool:arena`, micro-USD.
        entry_slope: Added per point of fitness over `entry_from`, up to one point, micro-USD.
        entry_from: Fitness at which `entry_slope` begins to count.
        arena_agents_max: Places in the arena.
        gate_required: Whether only agents of strategies that passed the gate are seated.
    """

    seat: Rule = SEAT
    seats_max: int = 10
    seat_amount: Money = parse_usd("1000.00")
    proving_days_max: int = 90
    entry: Rule = ENTRY
    entry_base: Money = parse_usd("5000.00")
    entry_slope: Money = parse_usd("15000.00")
    entry_from: float = 2.0
    arena_agents_max: int = 20
    gate_required: bool = later(default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRules:
    """How the arena's capital is divided at a cycle.  Shares are basis points of 10,000.

    Attributes:
        policy: Name of the policy that weighs agents.
        tiers: Elite, active and challenger shares of what is ranked.
        elite_top: Ranks up to this share of the ranked agents (rounded up) are elite.
        active_top: Ranks up to this share that are not elite are active.
        entrant_days: Stint days under which an agent keeps its sum and is not ranked.
        per_agent_bp: Most of the arena's capital that one agent is given.
        per_family_bp: Most that one family of strategies is given.
        growth_max: Most that a balance is multiplied by in one cycle.
        move_min: Moves under this many micro-USD are skipped ...
        move_min_bp: ... and under this share of the agent's balance.
        penalty_drawdown: Stint drawdown under which the target is halved until a new peak.
    """

    policy: str = "tiered"
    tiers: tuple[int, int, int] = (6_000, 3_000, 1_000)
    elite_top: float = 0.2
    active_top: float = 0.5
    entrant_days: int = 14
    per_agent_bp: int = 3_000
    per_family_bp: int = 4_000
    growth_max: int = 10
    move_min: Money = parse_usd("100.00")
    move_min_bp: int = 500
    penalty_drawdown: float = -0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionRules:
    """How the population is renewed.

    Attributes:
        cycle_days: Days between cycles.
        births_base: Births at a cycle besides one for each death since the last.
        agents_max: Most agents alive, baselines not counted.
        mutants_max: Births of a cycle that are mutants; the others are fresh.
        parents_top: Share of the ranked population (rounded up) that may be parents.
        tournament_size: Agents drawn for one tournament.
        mutation_low: A numeric parameter is multiplied by at least this ...
        mutation_high: ... and at most this.
    """

    cycle_days: int = 7
    births_base: int = 5
    agents_max: int = 100
    mutants_max: int = 2
    parents_top: float = 0.2
    tournament_size: int = 3
    mutation_low: float = 0.8
    mutation_high: float = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRules:
    """What stops trading, bounds exposure, and quarantines.

    Attributes:
        kill: The rules that end an agent, in order of precedence.
        halt_drawdown: Drawdown of the arena fund's NAV under which the arena is halted.
        halt_days: Days after which an experiment resumes, with a new peak; None never does.
        pause_drawdown: Drawdown under which the arena's agents may only give up what they hold;
            None never pauses.
        per_protocol_bp: Most of all deployable real capital in one protocol, basis points.
        failures_max: Failures within `failure_window` ticks that quarantine an agent.
        failure_window: In ticks.
    """

    kill: tuple[Rule, ...] = KILL
    halt_drawdown: float = -0.30
    halt_days: int | None = 30
    per_protocol_bp: int = 2_000
    failures_max: int = 3
    failure_window: int = 20
    pause_drawdown: float | None = later(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All of it."""

    records: RecordRules = field(default_factory=RecordRules)
    ladder: LadderRules = field(default_factory=LadderRules)
    allocation: AllocationRules = field(default_factory=AllocationRules)
    evolution: EvolutionRules = field(default_factory=EvolutionRules)
    risk: RiskRules = field(default_factory=RiskRules)
