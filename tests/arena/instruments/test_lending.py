"""A deposit, a debt and a fixed term grow as their contracts say, to the last digit."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.exceptions import ValidationError
from arena.instruments.lending import (
    RAY,
    YEAR_S,
    accrue_linear,
    borrow_rate,
    compounded_interest,
    linear_interest,
    mark_fixed_term,
    modified_duration,
    principal_price,
    ray_mul,
    supply_rate,
)
from arena.market import Floats

DAY = 86_400
MINUTES = Path(__file__).parents[4] / "shared" / "data" / "defi" / "aave_v3_polygon_minute.csv.gz"

rates = st.integers(0, 2 * RAY)
seconds = st.integers(0, YEAR_S)
yields = st.lists(st.floats(-0.2, 1.0), min_size=1, max_size=60).map(np.array)


def test_five_per_cent_for_a_day_is_what_the_contract_pays() -> None:
    five = RAY * 5 // 100

    assert linear_interest(five, DAY) == 1000136986301369863013698630
    assert compounded_interest(five, DAY) == 1000136995684207123907444230


@pytest.mark.parametrize(
    ("per_cent", "factor"),
    [
        (5, "1.051265681539063650421944"),
        (10, "1.105162042821782412575504"),
        (20, "1.221332933560973813055552"),
        (80, "2.205328687119865870750224"),
    ],
)
def test_a_year_of_three_terms_is_known_to_every_digit(per_cent: int, factor: str) -> None:
    year = compounded_interest(RAY * per_cent // 100, YEAR_S)

    assert year == int(factor.replace(".", "") + "000")


@given(rates, seconds)
def test_a_debt_never_grows_less_than_a_deposit_nor_as_much_as_without_a_pause(
    rate: int, elapsed_s: int
) -> None:
    linear, compounded = linear_interest(rate, elapsed_s), compounded_interest(rate, elapsed_s)

    assert linear <= compounded
    assert compounded / RAY <= math.exp(rate / RAY * elapsed_s / YEAR_S) * (1 + 1e-12)


@given(rates)
def test_whole_numbers_and_floats_agree(rate: int) -> None:
    _, closes = accrue_linear(np.array([rate / RAY]), periods_per_year=365)

    assert linear_interest(rate, DAY) / RAY == pytest.approx(closes[0], rel=1e-15)


def test_the_product_of_two_rays_is_rounded_half_up() -> None:
    assert ray_mul(RAY, 7) == 7
    assert ray_mul(RAY // 2, 1) == 1
    assert ray_mul(RAY // 2 - 1, 1) == 0


@pytest.mark.skipif(not MINUTES.exists(), reason=f"the real data is not here: {MINUTES}")
@pytest.mark.parametrize("symbol", ["USDC", "WETH"])
@pytest.mark.parametrize(
    ("kind", "grow"),
    [("liquidity", linear_interest), ("variable_borrow", compounded_interest)],
)
def test_the_index_of_a_real_market_is_reproduced_to_27_digits(
    symbol: str, kind: str, grow: Callable[[int, int], int]
) -> None:
    """Most minutes with a change have one update, some whole number of seconds after the last."""
    steps = exact = 0
    rows = minutes(symbol, f"{kind}_index", f"{kind}_rate")
    for (index, rate), (after, _) in pairwise(rows):
        if after == index:
            continue
        elapsed_s = round(Fraction(after - index, index) * RAY / rate * YEAR_S)
        tried = range(elapsed_s - 2, elapsed_s + 3)  # Compounding moves the estimate a little.
        steps += 1
        exact += any(ray_mul(grow(rate, one), index) == after for one in tried)

    assert steps > 200
    assert exact / steps > 0.6


def minutes(symbol: str, *columns: str) -> list[tuple[int, int]]:
    """Return index and rate of each minute, in ray."""
    with gzip.open(MINUTES, "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["symbol"] == symbol]
    index, rate = ([int(Fraction(row[column]) * RAY) for row in rows] for column in columns)
    return list(zip(index, rate, strict=True))


@pytest.mark.parametrize(
    ("utilisation", "borrow", "supply"),
    [(0.0, 0.0, 0.0), (0.8, 0.04, 0.0288), (0.9, 0.415, 0.33615)],
)
def test_the_rate_has_its_kink_where_the_protocol_put_it(
    utilisation: float, borrow: float, supply: float
) -> None:
    used = np.array([utilisation])

    paid = borrow_rate(used, base=0.0, slope_low=0.04, slope_high=0.75, kink=0.8)
    earned = supply_rate(paid, used, reserve_factor=0.1)

    assert paid == pytest.approx([borrow], abs=1e-15)
    assert earned == pytest.approx([supply], abs=1e-15)


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=50).map(sorted).map(np.array))
def test_who_borrows_more_pays_more_and_suppliers_never_get_all_of_it(used: Floats) -> None:
    paid = borrow_rate(used, base=0.01, slope_low=0.04, slope_high=0.75, kink=0.8)
    earned = supply_rate(paid, used, reserve_factor=0.1)

    assert np.all(np.diff(paid) >= 0)
    assert np.all(earned <= paid * used)


def test_a_promise_of_one_dollar_in_a_year_costs_its_discount() -> None:
    assert principal_price(np.array([0.25]), np.array([1.0])) == pytest.approx([0.8], abs=1e-15)
    assert principal_price(np.array([0.25]), np.array([0.0])) == pytest.approx([1.0], abs=1e-15)


@given(st.floats(0.0, 1.0), st.floats(0.01, 5.0))
def test_duration_is_the_slope_of_the_price(implied: float, years: float) -> None:
    step = 1e-6
    apy, time = np.array([implied]), np.array([years])

    price = principal_price(apy, time)
    moved = principal_price(apy + step, time) - principal_price(apy - step, time)

    assert -moved / (2 * step) / price == pytest.approx(modified_duration(apy, time), rel=1e-5)


@given(yields, st.integers(1, 20))
def test_whoever_stays_to_maturity_earns_the_yield_it_was_bought_at(
    implied: Floats, term_bars: int
) -> None:
    opens, closes = mark_fixed_term(implied, term_bars=term_bars, periods_per_year=365)

    for first in range(0, len(implied) - term_bars + 1, term_bars):
        bought = implied[max(first - 1, 0)]
        growth = closes[first + term_bars - 1] / opens[first]
        assert growth == pytest.approx((1 + bought) ** (term_bars / 365), rel=1e-12)


@given(yields, st.integers(1, 20))
def test_a_fixed_term_opens_where_it_closed(implied: Floats, term_bars: int) -> None:
    opens, closes = mark_fixed_term(implied, term_bars=term_bars, periods_per_year=365)

    assert opens[0] == pytest.approx(1.0, abs=1e-15)
    assert opens[1:] == pytest.approx(closes[:-1], rel=1e-12)


def test_a_rise_of_yields_is_a_loss_until_maturity() -> None:
    steady = np.full(90, 0.05)
    risen = np.where(np.arange(90) < 10, 0.05, 0.10)

    _, kept = mark_fixed_term(steady, term_bars=90, periods_per_year=365)
    _, lost = mark_fixed_term(risen, term_bars=90, periods_per_year=365)

    years = np.array([79 / 365])
    expected = -0.05 * modified_duration(np.array([0.05]), years)
    assert lost[10] / kept[10] - 1 == pytest.approx(expected[0], rel=0.05)
    assert lost[-1] == pytest.approx(kept[-1], rel=1e-12)


def test_a_term_without_bars_is_refused() -> None:
    with pytest.raises(ValidationError, match="term_bars: found 0"):
        mark_fixed_term(np.array([0.05]), term_bars=0, periods_per_year=365)
