"""A score is exactly the sum of the terms that explain it, whoever else is scored."""

from __future__ import annotations

import csv
import math
import operator
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena import metrics
from arena.fitness import Fitness, FitnessWeights, explain, score, score_all
from arena.market import Floats

PRICES = Path(__file__).parents[2].parent / "shared" / "data" / "crypto" / "daily_ohlcv.csv"
TOY = [0.01, 0.02, -0.005, 0.015, 0.003, -0.01, 0.02, 0.005, 0.01, 0.004]

fractions = st.floats(-0.9, 20.0)
shares = st.floats(0.0, 1.0)
sharpes = st.floats(-6.0, 6.0)
weights = st.builds(FitnessWeights, total_return=fractions, sharpe=fractions, win_rate=shares)
agents = st.tuples(fractions, sharpes, shares.map(operator.neg), shares, shares | st.just(math.nan))
"""Return, Sharpe, drawdown, volatility and win rate of one agent."""


def judge(navs: Floats) -> float:
    """Return the fitness of a record of NAVs in a market that never closes, with no cap."""
    returns = metrics.returns_of(navs)
    return score(
        total_return=float(metrics.total_return(returns)),
        sharpe=float(metrics.sharpe_ratio(returns, 365)),
        max_drawdown=float(metrics.max_drawdown(navs)),
        volatility=float(metrics.volatility(returns, 365)),
        win_rate=float(metrics.win_rate(returns)),
    ).value


def score_one(agent: tuple[float, ...], scale: FitnessWeights) -> Fitness:
    """Return the fitness of one agent of `agents`."""
    total, sharpe, drawdown, volatility, wins = agent
    return score(
        total_return=total,
        sharpe=sharpe,
        max_drawdown=drawdown,
        volatility=volatility,
        win_rate=wins,
        weights=scale,
    )


def in_columns(population: list[tuple[float, ...]]) -> metrics.Records:
    """Return the records of many agents of `agents`."""
    total, sharpe, drawdown, volatility, wins = np.array(population).T
    days = np.full(len(population), metrics.WINDOW)
    return metrics.Records(total, sharpe, drawdown, volatility, wins, days)


@pytest.mark.parametrize(("third_day", "expected"), [(-0.005, 5.6606192013), (0.001, 6.5588560717)])
def test_ten_days_have_the_score_worked_out_by_hand(third_day: float, expected: float) -> None:
    returns = np.array([*TOY[:2], third_day, *TOY[3:]])

    value = judge(metrics.navs_of(returns))

    assert value == pytest.approx(expected, abs=1e-10)


@pytest.mark.skipif(not PRICES.exists(), reason="the shared price file may not be shipped")
@pytest.mark.parametrize(
    ("asset", "since", "until", "expected"),
    [
        ("BTC", "2019", "2024", 2.26334038),
        ("ETH", "2019", "2024", 4.01527995),
        ("SOL", "2019", "2024", 5.86668705),
        ("BTC", "2022", "2023", -0.93200263),
        ("ETH", "2022", "2023", -0.79663097),
        ("SOL", "2022", "2023", -1.32556397),
    ],
)
def test_holding_a_coin_has_its_known_score(
    asset: str, since: str, until: str, expected: float
) -> None:
    with PRICES.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["asset"] == asset]
    navs = np.array([float(row["close"]) for row in rows if since <= row["date"] < until])

    value = judge(navs)

    assert value == pytest.approx(expected, abs=1e-8)


@given(agents, weights)
def test_the_terms_added_from_left_to_right_are_the_score(
    agent: tuple[float, ...], scale: FitnessWeights
) -> None:
    fitness = score_one(agent, scale)

    assert reduce(operator.add, fitness.terms.values()) == fitness.value
    assert list(fitness.terms) == ["total_return", "sharpe", "drawdown", "volatility", "win_rate"]


@given(st.lists(agents, min_size=1, max_size=12), weights)
def test_a_crowd_is_scored_as_each_of_its_members_alone(
    population: list[tuple[float, ...]], scale: FitnessWeights
) -> None:
    records = in_columns(population)

    values = score_all(records, scale)

    for row, agent in enumerate(population):
        alone = score_one(agent, scale)
        assert np.float64(alone.value).tobytes() == values[row].tobytes()
        assert alone.terms == explain(records, row, scale)


def test_the_bonus_is_given_only_above_sixty_five_per_cent() -> None:
    calm = (0.0, 0.0, 0.0, 0.0)

    values = score_all(in_columns([(*calm, rate) for rate in (0.64, 0.65, 0.651, math.nan)]))

    assert values.tolist() == [0.0, 0.0, 0.1, 0.0]


def test_an_agent_that_holds_cash_scores_nothing_and_no_term_is_minus_zero() -> None:
    fitness = score_one((0.0, 0.0, 0.0, 0.0, math.nan), FitnessWeights())

    assert [math.copysign(1.0, term) for term in fitness.terms.values()] == [1.0] * 5
    assert fitness.value == 0.0


def test_what_is_not_defined_yet_has_no_score_and_no_terms() -> None:
    newborn = np.full((1, 91), np.nan)
    newborn[0, -6:] = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5]

    records = metrics.records(newborn, np.zeros(1), periods_per_year=365)

    assert np.isnan(score_all(records)).all()
    assert explain(records, 0) == {}


def test_a_lender_is_clipped_and_does_not_win_by_dividing_by_almost_nothing() -> None:
    lender = metrics.navs_of(np.array([1e-4, 1.1e-4] * 45))[np.newaxis]

    records = metrics.records(lender, np.zeros(1), periods_per_year=365)

    assert explain(records, 0)["sharpe"] == pytest.approx(0.4 * 6.0)
    assert score_all(records)[0] == pytest.approx(2.5, abs=0.01)
