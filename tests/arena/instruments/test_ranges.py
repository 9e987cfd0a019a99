"""A range earns while the price is in it, and pays for being laid anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.exceptions import ValidationError
from arena.instruments.concentrated import (
    Q96,
    amounts_for_liquidity,
    liquidity_for_amounts,
)
from arena.instruments.pool import impermanent_loss
from arena.instruments.ranges import (
    PriceBars,
    amounts_held,
    concentration,
    edges,
    liquidity_of_coins,
    mark_range,
    position_value,
)
from arena.market import Floats

prices = st.floats(1.0, 1e5)
widths = st.floats(0.01, 0.9)
paths = st.lists(st.floats(0.8, 1.25), min_size=1, max_size=40).map(np.array)


def bars_of(closes: Floats, start: float = 100.0) -> PriceBars:
    """Return bars that open where the last one closed and go nowhere else."""
    opens = np.concatenate((np.full(1, start), closes))[:-1]
    return PriceBars(opens, np.maximum(opens, closes), np.minimum(opens, closes), closes)


def test_a_position_is_worth_what_is_known_of_it() -> None:
    units = liquidity_of_coins(1.0, 2000.0, 1800.0, 2200.0)
    coins, dollars = amounts_held(2000.0, 1800.0, 2200.0)

    assert units == pytest.approx(960.9765310323, abs=5e-11)
    assert units * coins == pytest.approx(1.0)
    assert units * dollars == pytest.approx(2205.3956641593, abs=5e-11)
    assert units * position_value(2000.0, 1800.0, 2200.0) == pytest.approx(4205.3956641593)


@pytest.mark.parametrize(
    ("price", "value", "loss"),
    [
        (1600.0, 3459.75291749, -9.08296475),
        (1900.0, 4077.84230320, -0.67114995),
        (2100.0, 4279.18677981, -0.60874508),
        (2500.0, 4303.01336050, -8.55150836),
    ],
)
def test_it_lost_what_is_known_against_holding(price: float, value: float, loss: float) -> None:
    units = liquidity_of_coins(1.0, 2000.0, 1800.0, 2200.0)
    dollars = units * amounts_held(2000.0, 1800.0, 2200.0)[1]

    worth = units * position_value(price, 1800.0, 2200.0)

    assert worth == pytest.approx(value, abs=5e-9)
    assert (worth / (price + dollars) - 1) * 100 == pytest.approx(loss, abs=5e-9)


@given(prices, prices, widths)
def test_floats_and_whole_numbers_agree(price: float, centre: float, width: float) -> None:
    low, high = edges(centre, width)
    now, lowest, highest = (int(math.sqrt(each) * Q96) for each in (price, low, high))

    whole = amounts_for_liquidity(now, lowest, highest, 10**24)
    coins, dollars = amounts_held(price, low, high)

    assert whole.amount0 / 1e24 == pytest.approx(float(coins), rel=1e-9, abs=1e-12)
    assert whole.amount1 / 1e24 == pytest.approx(float(dollars), rel=1e-9, abs=1e-9)
    assert liquidity_for_amounts(now, lowest, highest, whole) <= 10**24


@given(prices, widths)
def test_the_value_has_no_step_at_the_edges(centre: float, width: float) -> None:
    for edge in edges(centre, width):
        around = edge * (1 + np.array([-1e-9, 0.0, 1e-9]))
        values = position_value(around, *edges(centre, width))

        assert values == pytest.approx(np.full(3, values[1]), rel=3e-9 / width)


@given(prices, prices, widths)
def test_a_position_is_never_worth_more_than_what_it_was_made_of(
    price: float, centre: float, width: float
) -> None:
    low, high = edges(centre, width)
    coins, dollars = amounts_held(centre, low, high)

    worth = position_value(price, low, high)

    assert worth <= (coins * price + dollars) * (1 + 1e-9)


@given(prices, st.floats(0.5, 2.0))
def test_an_endless_range_is_a_constant_product(centre: float, ratio: float) -> None:
    low, high = centre * 1e-12, centre * 1e12

    coins, dollars = amounts_held(centre, low, high)
    lost = position_value(centre * ratio, low, high) / (coins * centre * ratio + dollars) - 1

    assert lost == pytest.approx(impermanent_loss(np.array([ratio]))[0], abs=1e-5)


def test_a_narrow_range_makes_more_liquidity_of_a_dollar() -> None:
    assert concentration(0.2) == pytest.approx(10.37872594610)
    assert concentration(0.01) > concentration(0.1) > concentration(0.9) > 1


@pytest.mark.parametrize("width", [0.0, 1.0, -0.1, math.nan])
def test_a_range_without_width_is_refused(width: float) -> None:
    with pytest.raises(ValidationError, match="width"):
        edges(100.0, width)


def test_above_its_range_no_coins_belong_to_a_position() -> None:
    with pytest.raises(ValidationError, match="needed under 2200"):
        liquidity_of_coins(1.0, 2300.0, 1800.0, 2200.0)


def test_inside_the_range_the_mark_is_the_position_and_its_fees() -> None:
    closes = np.array([105.0, 95.0, 110.0])

    marks = mark_range(bars_of(closes), np.full(3, 0.001), width=0.2, swap_cost_bps=10.0)

    earned = (1 + 0.001 * concentration(0.2)) ** np.array([1, 2, 3])
    assert marks.close == pytest.approx(position_value(closes, 80.0, 120.0) * earned)
    assert marks.open[1:] == pytest.approx(marks.close[:-1])
    assert marks.fees == pytest.approx(np.full(3, 0.001 * concentration(0.2)))


def test_fees_are_earned_for_the_part_of_the_bar_in_range() -> None:
    bars = PriceBars(*(np.array([each]) for each in (110.0, 130.0, 110.0, 119.0)))
    still = PriceBars(*(np.full(1, 100.0) for _ in range(4)))

    half = mark_range(bars, np.full(1, 0.001), width=0.1, swap_cost_bps=10.0)
    whole = mark_range(still, np.full(1, 0.001), width=0.1, swap_cost_bps=10.0)

    assert half.fees == pytest.approx([0.001 * concentration(0.1) * 0.55])
    assert whole.fees == pytest.approx([0.001 * concentration(0.1)])


@pytest.mark.parametrize(
    ("close", "all_in"), [(70.0, "coins"), (130.0, "dollars")], ids=["below", "above"]
)
def test_a_bar_that_ends_outside_lays_the_range_anew_and_pays_for_it(
    close: float, all_in: str
) -> None:
    closes = np.array([close, close, close * 1.19])

    marks = mark_range(bars_of(closes), np.zeros(3), width=0.2, swap_cost_bps=100.0)

    low, high = edges(1.0, 0.2)
    coins, dollars = amounts_held(1.0, low, high)
    swapped = float((dollars if all_in == "coins" else coins) / (coins + dollars))
    before = float(position_value(close, 80.0, 120.0))
    assert marks.close[0] == pytest.approx(before * (1 - 0.01 * swapped))
    assert marks.close[1] == pytest.approx(marks.close[0])
    new = position_value(np.array([1.0, 1.19]), low, high)
    assert marks.close[2] / marks.close[1] == pytest.approx(new[1] / new[0])


@given(paths, widths)
def test_a_range_that_is_laid_anew_never_gains_by_it(steps: Floats, width: float) -> None:
    bars = bars_of(100.0 * np.cumprod(steps))
    free = mark_range(bars, np.zeros(len(steps)), width=width, swap_cost_bps=0.0)
    dear = mark_range(bars, np.zeros(len(steps)), width=width, swap_cost_bps=50.0)

    assert np.all(dear.close <= free.close * (1 + 1e-12))
    assert free.open[1:] == pytest.approx(free.close[:-1], rel=1e-9)
    assert dear.open[1:] == pytest.approx(dear.close[:-1], rel=1e-9)
    # Each time it loses at least nothing against what it held when the bar began.
    assert np.all(free.close <= free.open * np.maximum(bars.close / bars.open, 1.0) * (1 + 1e-9))


def test_a_gap_leaves_the_range_where_it_was() -> None:
    closes = np.array([105.0, np.nan, 95.0])
    bars = PriceBars(np.array([100.0, np.nan, 105.0]), *(closes,) * 3)

    marks = mark_range(bars, np.zeros(3), width=0.2, swap_cost_bps=10.0)

    assert np.isnan([marks.open[1], marks.close[1], marks.fees[1]]).all()
    assert marks.close[2] == pytest.approx(position_value(95.0, 80.0, 120.0))


def test_without_bars_there_are_no_marks() -> None:
    marks = mark_range(bars_of(np.array([])), np.array([]), width=0.2, swap_cost_bps=10.0)

    assert [len(each) for each in marks] == [0, 0, 0]
