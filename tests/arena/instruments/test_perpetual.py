"""Funding goes from one side to the other at its instant, and margin ends before it is gone."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from arena.exceptions import ValidationError
from arena.instruments.perpetual import (
    carry_of_bar,
    compound_short,
    funding_payment,
    funding_rate,
    initial_margin,
    liquidation_price,
    maintenance_margin,
    sum_settlements,
)
from arena.market import DAY_S, Floats

CRYPTO = Path(__file__).parents[4] / "shared" / "data" / "crypto"
FUNDING = CRYPTO / "funding_8h_binance.csv"
OTHER = CRYPTO / "perp_spot_8h.csv"
HOUR = 3_600

real = pytest.mark.skipif(not FUNDING.exists(), reason=f"the real data is not here: {FUNDING}")

prices = st.floats(1.0, 1e5)
quantities = st.floats(-100.0, 100.0).filter(lambda quantity: abs(quantity) > 1e-3)
small = st.lists(st.floats(-0.003, 0.003), min_size=1, max_size=30).map(np.array)


def test_longs_pay_when_the_rate_is_positive() -> None:
    assert funding_payment(2.0, 30_000.0, 0.0001) == pytest.approx(6.0)
    assert funding_payment(-2.0, 30_000.0, 0.0001) == pytest.approx(-6.0)
    assert funding_payment(2.0, 30_000.0, -0.0001) == pytest.approx(-6.0)


@given(quantities, prices, st.floats(-0.003, 0.003))
def test_what_one_side_pays_the_other_receives(quantity: float, mark: float, rate: float) -> None:
    assert funding_payment(quantity, mark, rate) == -funding_payment(-quantity, mark, rate)


@pytest.mark.parametrize(
    ("premium", "rate"),
    [(0.0, 1.0), (-3.99, 1.0), (5.99, 1.0), (7.0, 2.0), (-5.0, 0.0), (-10.0, -5.0), (26.0, 21.0)],
)
def test_inside_the_band_the_rate_is_one_basis_point(premium: float, rate: float) -> None:
    found = funding_rate(np.array([premium * 1e-4]))

    assert found * 1e4 == pytest.approx([rate], abs=1e-9)
    assert (found == 1e-4) == (rate == 1.0)


@given(small)
def test_the_rate_is_never_further_than_the_band_from_the_premium(premium: Floats) -> None:
    assert np.all(np.abs(funding_rate(premium) - premium) <= 5e-4 + 1e-18)


def test_a_settlement_at_midnight_belongs_to_the_day_that_ends() -> None:
    days = DAY_S * np.arange(2)
    instants = np.array([0, 8, 16, 24, 32, 40, 48]) * HOUR
    rates = np.array([64.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0])

    sums = sum_settlements(instants, rates, days, bar_s=DAY_S)

    assert sums.tolist() == [7.0, 56.0]


def test_a_bar_without_a_settlement_is_not_known_and_not_free() -> None:
    hours = HOUR * np.arange(9)

    sums = sum_settlements(np.array([8 * HOUR]), np.array([0.5]), hours, bar_s=HOUR)

    assert np.isnan(sums[[0, 6, 8]]).all()
    assert sums[7] == 0.5


def test_a_settlement_outside_all_bars_is_nobodys() -> None:
    sums = sum_settlements(
        np.array([0, DAY_S, DAY_S + 1]), np.ones(3), np.array([0], dtype=np.int64), bar_s=DAY_S
    )

    assert sums.tolist() == [1.0]


@pytest.mark.parametrize("instants", [[8, 8], [16, 8], [8]])
def test_settlements_out_of_order_are_refused(instants: list[int]) -> None:
    with pytest.raises(ValidationError, match="settlements"):
        sum_settlements(
            np.array(instants, dtype=np.int64),
            np.zeros(2),
            np.zeros(1, dtype=np.int64),
            bar_s=DAY_S,
        )


@real
@pytest.mark.parametrize(
    ("asset", "total", "short"), [("BTC", 0.55603765, 0.74343), ("ETH", 0.69413141, 1.00135)]
)
def test_three_years_and_a_half_of_funding_have_their_known_sum(
    asset: str, total: float, short: float
) -> None:
    instants, rates = settlements(asset)

    assert len(rates) == 3831
    assert set(instants % DAY_S) == {0, 8 * HOUR, 16 * HOUR}
    assert rates.sum() == pytest.approx(total, abs=5e-9)
    assert compound_short(rates) == pytest.approx(short, abs=5e-6)


@real
@pytest.mark.parametrize(
    ("year", "by_stamp", "by_bar"),
    [
        (2020, 0.17239719, 0.17274831),
        (2021, 0.30608423, 0.30595670),
        (2022, 0.04164925, 0.04164925),
        (2023, 0.03590698, 0.03580698),
    ],
)
def test_a_year_of_bars_has_one_settlement_that_is_stamped_in_the_next(
    year: int, by_stamp: float, by_bar: float
) -> None:
    instants, rates = settlements("BTC")
    start, end = (int(datetime(one, 1, 1, tzinfo=UTC).timestamp()) for one in (year, year + 1))
    days = np.arange(start, min(end, int(instants[-1])), DAY_S)
    inside = (instants >= start) & (instants < end)

    sums = sum_settlements(instants, rates, days, bar_s=DAY_S)

    assert rates[inside].sum() == pytest.approx(by_stamp, abs=5e-9)
    assert sums.sum() == pytest.approx(by_bar, abs=5e-9)


@real
def test_stamps_that_are_three_hours_late_move_money_to_other_days() -> None:
    """The trap of that file: its author's clock was in UTC+3."""
    instants, rates = settlements("BTC")
    days = np.arange(instants[0], instants[-1], DAY_S)

    right = sum_settlements(instants, rates, days, bar_s=DAY_S)
    late = sum_settlements(instants + 3 * HOUR, rates, days, bar_s=DAY_S)

    assert np.mean(late != right) > 0.6
    assert np.abs(late - right).max() > 0.002


@real
def test_a_second_source_has_the_same_settlements() -> None:
    with OTHER.open() as file:
        other = {
            seconds(row["time_utc"]): float(row["funding_rate"])
            for row in csv.DictReader(file)
            if (row["venue"], row["asset"], row["contract"]) == ("binance", "BTC", "perp_usdt")
        }
    found = dict(zip(*(column.tolist() for column in settlements("BTC")), strict=True))

    common = other.keys() & found.keys()

    assert len(common) > 500
    assert all(other[one] == found[one] for one in common)


def settlements(asset: str) -> tuple[npt.NDArray[np.int64], Floats]:
    with FUNDING.open() as file:
        rows = [row for row in csv.DictReader(file) if row["asset"] == asset]
    instants = np.array([seconds(row["time_utc"]) for row in rows], dtype=np.int64)
    return instants, np.array([float(row["funding_rate"]) for row in rows])


def seconds(stamp: str) -> int:
    return int(datetime.fromisoformat(stamp).timestamp())


def test_a_bar_pays_its_rates_on_the_mean_of_its_marks() -> None:
    carry = carry_of_bar(np.array([0.0003]), np.array([100.0]), np.array([110.0]))

    assert carry == pytest.approx([0.0315])


@given(quantities, st.lists(prices, min_size=4, max_size=4), small)
def test_profit_and_carry_account_for_every_dollar_of_a_position(
    quantity: float, marks: list[float], rates: Floats
) -> None:
    """Bar after bar, marking and paying gives what one account from entry to exit gives."""
    opens, closes = np.array(marks[:-1]), np.array(marks[1:])
    funding = np.resize(rates, 3)

    paid = quantity * carry_of_bar(funding, opens, closes)
    cash = np.cumsum(quantity * (closes - opens) - paid)
    settled = [
        funding_payment(quantity, (before + after) / 2, rate)
        for before, after, rate in zip(opens, closes, funding, strict=True)
    ]

    whole = quantity * (marks[-1] - marks[0]) - sum(settled)
    assert cash[-1] == pytest.approx(whole, rel=1e-9, abs=1e-6)


def test_a_position_of_five_times_its_margin_is_liquidated_after_a_fifth() -> None:
    long = liquidation_price(1.0, 100.0, 20.0, maintenance=0.01)
    short = liquidation_price(-1.0, 100.0, 20.0, maintenance=0.01)

    assert long == pytest.approx(80 / 0.99)
    assert short == pytest.approx(120 / 1.01)


@given(quantities, prices, st.floats(1.0, 20.0), st.floats(0.0, 0.04))
def test_at_the_liquidation_price_the_maintenance_margin_is_left(
    quantity: float, entry: float, leverage: float, maintenance: float
) -> None:
    margin = initial_margin(quantity * entry, leverage_max=leverage)

    price = liquidation_price(quantity, entry, margin, maintenance=maintenance)

    assume(price > 0.0)
    left = margin + quantity * (price - entry)
    needed = maintenance_margin(quantity * price, maintenance=maintenance)
    assert left == pytest.approx(needed, rel=1e-9, abs=1e-6)
    assert (price < entry) == (quantity > 0) or leverage * maintenance > 1 - 1e-9


def test_a_long_position_that_owes_nothing_is_never_liquidated() -> None:
    assert liquidation_price(2.0, 100.0, 250.0, maintenance=0.01) == 0.0


@pytest.mark.parametrize("quantity", [0.0, float("nan"), float("inf")])
def test_without_a_position_there_is_nothing_to_liquidate(quantity: float) -> None:
    with pytest.raises(ValidationError, match="quantity"):
        liquidation_price(quantity, 100.0, 20.0, maintenance=0.01)
