"""A metric says what the literature says it says, and says it of one record as of two hundred."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena import metrics
from arena.market import Floats

PRICES = Path(__file__).parents[2].parent / "shared" / "data" / "crypto" / "daily_ohlcv.csv"
NEEDS_PRICES = pytest.mark.skipif(
    not PRICES.exists(), reason="the shared price file may not be shipped with the project"
)

EMPYRICAL = np.array([np.nan, 1.0, 10.0, -4.0, 2.0, 3.0, 2.0, 1.0, -10.0]) / 100
"""The vector on which the tests of empyrical agree; it opens with a return nobody knows."""

daily = st.floats(-0.5, 0.5, allow_subnormal=False)
some_returns = st.lists(daily, min_size=2, max_size=120).map(np.array)


def closes(asset: str) -> Floats:
    """Return the daily closes of `asset`, in order of time."""
    with PRICES.open(newline="") as file:
        return np.array([float(r["close"]) for r in csv.DictReader(file) if r["asset"] == asset])


def walks(agents: int, width: int = metrics.WINDOW + 1) -> Floats:
    """Return the NAVs of agents of every age, from newborn to older than the window."""
    rng = np.random.default_rng(agents)
    returns = rng.normal(0.0005, 0.02, (agents, width))
    navs = np.cumprod(1.0 + returns, axis=-1, dtype=np.float64)
    for row, start in enumerate(rng.integers(0, width, agents)):
        navs[row, : start * (row % 3)] = np.nan
    return navs


def measure(navs: Floats, observations_min: int = 7) -> metrics.Records:
    """Return the records of `navs`, whose drawdowns nobody asks about here."""
    none = np.zeros(len(navs))
    return metrics.records(navs, none, periods_per_year=365, observations_min=observations_min)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (metrics.total_return(EMPYRICAL), 0.0389310917),
        (metrics.volatility(EMPYRICAL, 252), 0.9136465400),
        (metrics.sharpe_ratio(EMPYRICAL, 252), 1.7238613962),
        (metrics.sortino_ratio(EMPYRICAL, 252), 2.6055312517),
        (metrics.downside_risk(EMPYRICAL, 252), 0.6044832504),
        (metrics.max_drawdown(metrics.navs_of(EMPYRICAL)), -0.1),
    ],
)
def test_the_vector_of_empyrical_has_its_published_answers(answer: Floats, expected: float) -> None:
    assert float(answer) == pytest.approx(expected, abs=1e-10)


def test_empyrical_annualises_over_the_unknown_day_as_if_nothing_happened_on_it() -> None:
    flat_first = np.nan_to_num(EMPYRICAL)

    assert float(metrics.cagr(flat_first, 252)) == pytest.approx(1.9135925373, abs=1e-10)
    assert float(metrics.calmar_ratio(flat_first, 252)) == pytest.approx(19.1359253732, abs=1e-9)


def test_the_two_examples_of_pypbo_have_their_answers() -> None:
    funds = [0.259, 0.198, 0.364, -0.081, 0.057, 0.055, 0.188, 0.317, 0.24, 0.184, -0.01, 0.526]
    years = [0.17, 0.15, 0.23, -0.05, 0.12, 0.09, 0.13, -0.04]

    assert float(metrics.sharpe_ratio(np.array(funds) - 0.05, 1)) == pytest.approx(0.834364, 1e-6)
    assert float(metrics.sortino_ratio(np.array(years), 1)) == pytest.approx(4.417261, 1e-6)


@NEEDS_PRICES
def test_holding_bitcoin_for_four_years_has_the_answers_of_quantstats() -> None:
    navs = closes("BTC")
    returns = metrics.returns_of(navs)

    answers = {
        "total": metrics.total_return(returns),
        "cagr": metrics.cagr(returns, 365),
        "volatility": metrics.volatility(returns, 365),
        "sharpe": metrics.sharpe_ratio(returns, 365),
        "sortino": metrics.sortino_ratio(returns, 365),
        "drawdown": metrics.max_drawdown(navs),
        "calmar": metrics.calmar_ratio(returns, 365),
        "var": metrics.value_at_risk(returns),
        "cvar": metrics.expected_shortfall(returns),
        "win": metrics.win_rate(returns),
    }

    assert len(returns) == 1641
    assert {name: float(answer) for name, answer in answers.items()} == pytest.approx(
        {
            "total": 6.9295156,
            "cagr": 0.58494886,
            "volatility": 0.69257233,
            "sharpe": 1.01753016,
            "sortino": 1.49313577,
            "drawdown": -0.76634564,
            "calmar": 0.76329639,
            "var": -0.05205319,
            "cvar": -0.08211444,
            "win": 0.51432054,
        },
        abs=5e-8,
    )


@NEEDS_PRICES
@pytest.mark.parametrize(
    ("asset", "sharpe", "drawdown"),
    [("ETH", 1.11058347, -0.79351232), ("SOL", 1.3581827, -0.96272498)],
)
def test_holding_another_coin_has_the_answers_of_quantstats(
    asset: str, sharpe: float, drawdown: float
) -> None:
    navs = closes(asset)

    assert float(metrics.sharpe_ratio(metrics.returns_of(navs), 365)) == pytest.approx(sharpe)
    assert float(metrics.max_drawdown(navs)) == pytest.approx(drawdown)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=60).map(np.array))
def test_a_drawdown_lies_between_ruin_and_nothing(navs: Floats) -> None:
    assert -1.0 <= metrics.max_drawdown(navs) <= 0.0


def test_a_loss_on_the_first_day_is_a_drawdown() -> None:
    returns = np.array([-0.25, 0.10])

    assert metrics.max_drawdown(metrics.navs_of(returns)) == -0.25


@given(some_returns, st.floats(0.1, 10.0))
def test_leverage_does_not_change_a_sharpe_ratio(returns: Floats, leverage: float) -> None:
    once = metrics.sharpe_ratio(np.round(returns, 6), 365)
    levered = metrics.sharpe_ratio(np.round(returns, 6) * leverage, 365)

    assert float(levered) == pytest.approx(float(once), rel=1e-6, abs=1e-9)


@given(some_returns, st.integers(1, 130))
def test_a_window_is_a_slice(returns: Floats, window: int) -> None:
    tail = returns[-window:]

    for whole, sliced in (
        (metrics.total_return(returns, window=window), metrics.total_return(tail)),
        (metrics.volatility(returns, 365, window=window), metrics.volatility(tail, 365)),
        (metrics.sharpe_ratio(returns, 365, window=window), metrics.sharpe_ratio(tail, 365)),
        (metrics.sortino_ratio(returns, 365, window=window), metrics.sortino_ratio(tail, 365)),
        (metrics.calmar_ratio(returns, 365, window=window), metrics.calmar_ratio(tail, 365)),
        (metrics.win_rate(returns, window=window), metrics.win_rate(tail)),
        (metrics.value_at_risk(returns, window=window), metrics.value_at_risk(tail)),
        (metrics.expected_shortfall(returns, window=window), metrics.expected_shortfall(tail)),
        (metrics.max_drawdown(returns + 1, window=window), metrics.max_drawdown(tail + 1)),
    ):
        assert np.asarray(whole).tobytes() == np.asarray(sliced).tobytes()


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="window must be at least 1, was 0"):
        metrics.win_rate(np.array([0.1]), window=0)


def test_a_sharpe_ratio_is_clipped_only_where_a_cap_is_given() -> None:
    lender = np.array([1e-4, 1.01e-4] * 20)

    assert metrics.sharpe_ratio(lender, 365) > 1_000
    assert metrics.sharpe_ratio(lender, 365, sharpe_cap=6.0) == 6.0
    assert metrics.sharpe_ratio(-lender, 365, sharpe_cap=6.0) == -6.0


@pytest.mark.parametrize("rate", [0.0, 1e-4, 0.1, -0.003])
def test_returns_that_never_vary_have_no_deviation_and_no_sharpe_ratio(rate: float) -> None:
    same = metrics.returns_of(np.cumprod(np.full(60, 1.0 + rate)))

    assert metrics.volatility(same, 365) == 0.0
    assert metrics.sharpe_ratio(same, 365) == 0.0


def test_a_flat_day_is_neither_won_nor_lost() -> None:
    assert metrics.win_rate(np.array([0.0, 0.01, 0.0, -0.01, 0.02, 0.0])) == 2 / 3
    assert np.isnan(metrics.win_rate(np.zeros(5)))


@pytest.mark.parametrize("days", [3, 254, 255, 256, 257, 1_000])
def test_a_long_record_is_counted_to_its_end(days: int) -> None:
    returns = np.where(np.arange(days) % 3, 0.01, -0.02)

    assert metrics.win_rate(returns) == np.mean(returns > 0)
    assert float(metrics.volatility(returns, 1)) == pytest.approx(np.std(returns, ddof=1), 1e-12)
    assert np.isnan(metrics.volatility(np.full(days, np.nan), 365))


def test_a_ruined_agent_loses_nothing_more() -> None:
    navs = np.array([1.0, 0.5, 0.0, 0.0, 0.0])

    assert metrics.returns_of(navs).tolist() == [-0.5, -1.0, 0.0, 0.0]
    assert metrics.max_drawdown(navs) == -1.0


@pytest.mark.parametrize("others", [1, 2, 3, 8, 200])
def test_an_agent_is_measured_to_the_same_bytes_whoever_stands_beside_it(others: int) -> None:
    everyone = walks(201)
    together = measure(everyone[: others + 1])

    for row in range(others + 1):
        alone = measure(everyone[row : row + 1])
        for column, single in zip(together, alone, strict=True):
            assert column[row].tobytes() == single[0].tobytes()


def test_the_layout_of_memory_and_the_order_of_agents_change_no_byte() -> None:
    navs = walks(50)
    straight = measure(navs)

    for same in (measure(np.asfortranarray(navs)), measure(np.repeat(navs, 2, axis=1)[:, ::2])):
        assert [column.tobytes() for column in same] == [column.tobytes() for column in straight]
    for column, backwards in zip(straight, measure(navs[::-1]), strict=True):
        assert column.tobytes() == backwards[::-1].tobytes()


def test_a_function_says_of_many_rows_what_it_says_of_each() -> None:
    rows = np.asfortranarray(metrics.returns_of(walks(40)))

    for function in (
        metrics.total_return,
        metrics.win_rate,
        metrics.value_at_risk,
        metrics.expected_shortfall,
        partial(metrics.volatility, periods_per_year=365),
        partial(metrics.sharpe_ratio, periods_per_year=365),
        partial(metrics.sortino_ratio, periods_per_year=365),
        partial(metrics.downside_risk, periods_per_year=365),
    ):
        together = function(rows)
        for row, returns in enumerate(rows):
            assert together[row].tobytes() == np.asarray(function(returns)).tobytes()


@given(st.integers(0, 10_000))
def test_the_batch_says_what_each_function_says(agents: int) -> None:
    navs = walks(1 + agents % 7)
    returns = metrics.returns_of(navs)
    batch = measure(navs, observations_min=2)
    old = batch.observations >= 2

    for column, each in (
        (batch.sharpe, metrics.sharpe_ratio(returns, 365, sharpe_cap=6.0)),
        (batch.volatility, metrics.volatility(returns, 365)),
        (batch.win_rate, metrics.win_rate(returns)),
    ):
        assert column[old].tobytes() == each[old].tobytes()
    assert batch.window_return[old] == pytest.approx(metrics.total_return(returns)[old])


def test_a_record_says_nothing_before_its_seventh_return() -> None:
    navs = np.full((9, 91), np.nan)
    for returns, row in enumerate(navs):
        row[90 - returns :] = np.linspace(1.0, 1.1, returns + 1) ** 2

    batch = measure(navs)

    assert batch.observations.tolist() == list(range(9))
    for column in (batch.window_return, batch.sharpe, batch.volatility, batch.win_rate):
        assert np.isnan(column).tolist() == [True] * 7 + [False] * 2


def test_the_batch_neither_changes_nor_keeps_the_arrays_it_was_given() -> None:
    navs, drawdowns = walks(5), np.linspace(-0.5, 0.0, 5)
    before = navs.tobytes()

    batch = metrics.records(navs, drawdowns, periods_per_year=365)
    drawdowns[:] = -1.0

    assert navs.tobytes() == before
    assert batch.max_drawdown.tolist() == np.linspace(-0.5, 0.0, 5).tolist()


def test_the_bets_of_kelly_are_known() -> None:
    """`quant.md` 2.7."""
    assert metrics.kelly_bet(0.6) == pytest.approx(0.2)
    assert metrics.kelly_leverage(0.10, 0.02, 0.2) == pytest.approx(2.0)
    assert metrics.kelly_bet(0.5) == 0.0
