"""A rule is comparisons: it holds on one side of its number, and not on the other."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest

from arena.agents import Record
from arena.rules import COMPARISONS, ENTRY, KILL, METRICS, SEAT, Condition, Rule, Rules, count_top
from arena.words import Metrics

PASSING: Metrics = {
    "fitness": 2.01,
    "sharpe": 1.51,
    "win_rate": 0.61,
    "volatility": 0.5,
    "drawdown": -0.19,
    "total_return": 0.01,
    "age": 30.0,
    "life_age": 400.0,
    "days_negative": 0.0,
}
KILLS = {rule.id: rule for rule in KILL}


def but(**changes: float | None) -> Metrics:
    """Return metrics that pass every gate, but for some."""
    return {**PASSING, **changes}


def test_conditions_name_metrics_and_comparisons_that_exist() -> None:
    for rule in (SEAT, ENTRY, *KILL):
        for condition in rule.all:
            assert condition.metric in METRICS
            assert condition.op in COMPARISONS


def test_what_is_not_defined_yet_holds_for_nothing() -> None:
    for op in COMPARISONS:
        assert not Condition("sharpe", op, 0.0).holds(but(sharpe=None))


def test_a_condition_reads_as_people_write_it() -> None:
    assert str(Condition("drawdown", "<", -0.5)) == "drawdown < -0.5"


@pytest.mark.parametrize("gate", [SEAT, ENTRY], ids=lambda rule: rule.id)
def test_a_gate_opens_for_who_meets_all_of_it(gate: Rule) -> None:
    assert gate.holds(PASSING)
    assert gate.unmet(PASSING) == ()


@pytest.mark.parametrize(
    ("gate", "metric", "at"),
    [
        (SEAT, "fitness", 2.0),
        (SEAT, "sharpe", 1.5),
        (SEAT, "win_rate", 0.60),
        (SEAT, "drawdown", -0.20),
        (SEAT, "age", 29.0),
        (ENTRY, "total_return", 0.0),
        (ENTRY, "fitness", 2.0),
        (ENTRY, "sharpe", 1.5),
        (ENTRY, "age", 29.0),
        (ENTRY, "drawdown", -0.25),
    ],
    ids=lambda value: getattr(value, "id", str(value)),
)
def test_a_gate_is_closed_at_its_number_and_open_just_beyond(
    gate: Rule, metric: str, at: float
) -> None:
    beyond = at + 1.0 if metric == "age" else math.nextafter(at, math.inf)

    assert [condition.metric for condition in gate.unmet(but(**{metric: at}))] == [metric]
    assert gate.holds(but(**{metric: beyond}))


def test_what_is_unmet_is_named_in_the_rules_order() -> None:
    unmet = SEAT.unmet(but(age=1.0, fitness=None))

    assert [condition.metric for condition in unmet] == ["fitness", "age"]


@pytest.mark.parametrize(
    ("rule", "metric", "spared", "killed"),
    [
        ("drawdown", "drawdown", -0.50, math.nextafter(-0.5, -1)),
        ("negative_fitness", "days_negative", 29.0, 30.0),
        ("sharpe_at_60", "sharpe", 0.5, math.nextafter(0.5, 0)),
        ("return_at_90", "total_return", 0.0, -1e-9),
        ("lifetime", "life_age", 365.0, 366.0),
    ],
)
def test_a_kill_rule_fires_just_beyond_its_number(
    rule: str, metric: str, spared: float, killed: float
) -> None:
    assert not KILLS[rule].holds(but(**{metric: spared}))
    assert KILLS[rule].holds(but(**{metric: killed}))


def test_the_kill_rules_stand_in_their_order_of_precedence() -> None:
    assert list(KILLS) == [
        "drawdown",
        "negative_fitness",
        "sharpe_at_60",
        "return_at_90",
        "lifetime",
    ]
    assert [rule.id for rule in KILL if rule.every_tick] == ["drawdown"]
    assert [rule.id for rule in KILL if rule.spares_arena] == ["lifetime"]
    assert {rule.id: rule.once_at_age for rule in KILL if rule.once_at_age} == {
        "sharpe_at_60": 60,
        "return_at_90": 90,
    }


def test_the_best_share_is_rounded_up_and_never_by_a_floats_error() -> None:
    for share in ("0.2", "0.5", "0.07", "0.1", "0.3"):
        for count in range(1, 301):
            exact = math.ceil(Fraction(share) * count)
            assert count_top(float(share), count) == exact, (share, count)


def test_the_defaults_are_those_of_the_game() -> None:
    rules = Rules()

    assert (rules.ladder.seats_max, rules.ladder.arena_agents_max) == (10, 20)
    assert (rules.ladder.seat_amount, rules.ladder.proving_days_max) == (1_000_000_000, 90)
    assert rules.allocation.tiers == (6_000, 3_000, 1_000)
    assert (rules.allocation.per_agent_bp, rules.allocation.per_family_bp) == (3_000, 4_000)
    assert (rules.evolution.births_base, rules.evolution.agents_max) == (5, 100)
    assert (rules.risk.failures_max, rules.risk.failure_window) == (3, 20)


class TestRecords:
    """What the rules remember of a stretch of performance."""

    @staticmethod
    def after(*navs: float, fitness: float | None = None) -> Record:
        record = Record.begin(0, 1.0)
        for nav in navs:
            record = record.extended(nav, fitness)
        return record

    def test_the_drawdown_is_the_deepest_fall_from_any_peak(self) -> None:
        assert self.after(1.2, 0.6, 1.5, 1.2).drawdown == pytest.approx(-0.5)

    def test_the_drawdown_since_the_peak_ends_at_a_new_peak_and_not_before(self) -> None:
        assert self.after(2.0, 1.2, 1.9).drawdown_since_peak() == pytest.approx(-0.4)
        assert self.after(2.0, 1.2, 2.0).drawdown_since_peak() == pytest.approx(-0.4)
        assert self.after(2.0, 1.2, 2.1).drawdown_since_peak() == 0.0

    def test_a_start_is_a_peak_too(self) -> None:
        assert self.after(0.7).drawdown == pytest.approx(-0.3)

    def test_days_of_negative_fitness_count_only_in_a_row(self) -> None:
        record = self.after(1.0, 1.0, fitness=-0.1)

        assert record.days_negative == 2
        assert record.extended(1.0, -0.1).days_negative == 3
        assert record.extended(1.0, 0.0).days_negative == 0
        assert record.extended(1.0, None).days_negative == 0

    def test_a_fall_within_a_day_deepens_the_drawdown_and_counts_no_day(self) -> None:
        record = self.after(1.0, 0.9, fitness=-1.0)

        touched = record.touched(0.8)

        assert touched.drawdown == pytest.approx(-0.2)
        assert touched.drawdown_since_peak() == pytest.approx(-0.2)
        assert touched == replace(record, low=0.8, drawdown=touched.drawdown)

    def test_a_record_of_nothing_left_divides_by_nothing(self) -> None:
        ruined = Record.begin(5, 0.0).extended(0.0, None)

        assert (ruined.drawdown, ruined.drawdown_since_peak()) == (0.0, 0.0)
