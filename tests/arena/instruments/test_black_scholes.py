"""An option is worth what the textbooks say, and its greeks are its slopes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.instruments import Right
from arena.instruments.black_scholes import greeks, intrinsic, normal_cdf, price_option

PUT, CALL = Right.PUT, Right.CALL

spots = st.floats(10.0, 1e5)
ratios = st.floats(0.3, 3.0)
volatilities = st.floats(0.05, 2.0)
times = st.floats(0.01, 2.0)
interest = st.floats(-0.02, 0.2)
rights = st.sampled_from(Right)


@dataclass(frozen=True)
class Case:
    """Arguments that a slope is taken along."""

    right: Right
    spot: float
    strike: float
    volatility: float
    years: float
    rate: float

    def price(self, **changes: float) -> float:
        found = vars(self) | changes
        return float(price_option(**found))


@pytest.mark.parametrize(
    ("right", "case", "price"),
    [
        (CALL, (42.0, 40.0, 0.2, 0.5, 0.1), 4.75942239),
        (PUT, (42.0, 40.0, 0.2, 0.5, 0.1), 0.80859937),
        (CALL, (100.0, 100.0, 0.2, 1.0, 0.05), 10.45058357),
        (PUT, (100.0, 100.0, 0.2, 1.0, 0.05), 5.57352602),
        (CALL, (49.0, 50.0, 0.2, 0.3846, 0.05), 2.40046109),
    ],
)
def test_the_price_is_the_one_in_the_book(
    right: Right, case: tuple[float, float, float, float, float], price: float
) -> None:
    """Hull, Options, Futures, and Other Derivatives, 15.6 and 19.1, and a usual benchmark."""
    spot, strike, volatility, years, rate = case

    found = price_option(right, spot, strike, volatility, years, rate=rate)

    assert found == pytest.approx(price, abs=5e-9)


def test_a_month_of_insurance_against_a_fall_of_a_fifth_costs_under_two_per_cent() -> None:
    """Not the 5 to 10 % a month that are promised elsewhere."""
    price = price_option(PUT, 30_000.0, 24_000.0, 0.8, 30 / 365)

    assert price == pytest.approx(537.496, abs=5e-4)
    assert price / 30_000 == pytest.approx(0.0179, abs=5e-5)


def test_the_greeks_are_the_ones_in_the_book() -> None:
    one = greeks(CALL, 100.0, 100.0, 0.2, 1.0, rate=0.05)
    other = greeks(CALL, 49.0, 50.0, 0.2, 0.3846, rate=0.05)

    assert one == pytest.approx(
        (0.63683065, 0.01876202, 37.52403469, -6.41402755, 53.23248155), abs=5e-9
    )
    assert other.delta == pytest.approx(0.522, abs=5e-4)
    assert other.gamma == pytest.approx(0.066, abs=5e-4)
    assert (float(other.vega), float(other.theta), float(other.rho)) == pytest.approx(
        (12.1, -4.31, 8.91), abs=0.05
    )


@given(rights, spots, ratios, volatilities, times, interest)
def test_the_greeks_are_slopes_of_the_price(
    right: Right, spot: float, ratio: float, volatility: float, years: float, rate: float
) -> None:
    case = Case(right, spot, spot * ratio, volatility, years, rate)
    found = greeks(right, spot, spot * ratio, volatility, years, rate=rate)

    def slope(name: str, step: float) -> float:
        here = getattr(case, name)
        return (case.price(**{name: here + step}) - case.price(**{name: here - step})) / (2 * step)

    close = {"rel": 1e-3, "abs": 1e-5 * spot}
    assert found.delta == pytest.approx(slope("spot", spot * 1e-5), abs=1e-3)
    assert found.vega == pytest.approx(slope("volatility", 1e-4), **close)
    assert found.theta == pytest.approx(-slope("years", 1e-5), **close)
    assert found.rho == pytest.approx(slope("rate", 1e-5), **close)
    assert found.gamma >= 0


@given(spots, ratios, volatilities, times, interest)
def test_put_and_call_are_at_parity(
    spot: float, ratio: float, volatility: float, years: float, rate: float
) -> None:
    strike = spot * ratio
    put, call = (
        price_option(right, spot, strike, volatility, years, rate=rate) for right in (PUT, CALL)
    )

    assert call - put == pytest.approx(spot - strike * math.exp(-rate * years), abs=1e-9 * spot)


@given(rights, spots, ratios, volatilities, times)
def test_a_price_lies_between_its_intrinsic_value_and_what_can_be_lost(
    right: Right, spot: float, ratio: float, volatility: float, years: float
) -> None:
    strike = spot * ratio

    price = price_option(right, spot, strike, volatility, years)

    most = spot if right is CALL else strike
    assert intrinsic(right, spot, strike) - 1e-9 * spot <= price <= most * (1 + 1e-12)


@given(rights, spots, ratios, st.floats(0.05, 2.0) | st.just(math.nan))
def test_at_expiry_only_the_intrinsic_value_is_left(
    right: Right, spot: float, ratio: float, volatility: float
) -> None:
    price = price_option(right, spot, spot * ratio, volatility, 0.0)

    assert price == intrinsic(right, spot, spot * ratio)


def test_many_are_priced_as_one_by_one() -> None:
    spot, strike = np.array([90.0, 100.0, 110.0]), np.array([100.0, 100.0, 100.0])
    volatility, years = np.array([0.5, np.nan, 0.7]), np.array([0.1, 0.2, 0.0])

    found = price_option(PUT, spot, strike, volatility, years)

    alone = [
        float(price_option(PUT, *each))
        for each in zip(spot, strike, volatility, years, strict=True)
    ]
    assert np.array_equal(found, alone, equal_nan=True)
    assert np.isnan(found[1])


def test_the_normal_distribution_is_exact_in_its_tails() -> None:
    found = normal_cdf(np.array([[-10.0, 0.0], [1.959963984540054, 10.0]]))

    assert found.shape == (2, 2)
    assert found.ravel() == pytest.approx([7.61985302416e-24, 0.5, 0.975, 1.0], rel=1e-11)
