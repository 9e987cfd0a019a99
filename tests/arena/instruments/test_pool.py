"""A pool of a constant product: the contract's whole numbers, and what a share of it is worth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.exceptions import ValidationError
from arena.instruments.pool import amount_in, amount_out, fee_yield, impermanent_loss, mark_pool
from arena.market import Floats

E18 = 10**18

amounts = st.integers(1, 10**24)
ratios = st.floats(1e-4, 1e4)


@pytest.mark.parametrize(
    ("paid", "reserve_in", "reserve_out", "out"),
    [
        (1, 5, 10, 1662497915624478906),
        (1, 10, 5, 453305446940074565),
        (2, 5, 10, 2851015155847869602),
        (2, 10, 5, 831248957812239453),
        (1, 10, 10, 906610893880149131),
        (1, 100, 100, 987158034397061298),
        (1, 1000, 1000, 996006981039903216),
    ],
)
def test_a_swap_pays_what_the_contract_pays(
    paid: int, reserve_in: int, reserve_out: int, out: int
) -> None:
    """The test vectors of Uniswap v2."""
    assert amount_out(paid * E18, reserve_in * E18, reserve_out * E18) == out


def test_the_smallest_swaps_round_for_the_pool() -> None:
    assert amount_out(2, 100, 100) == 1
    assert amount_in(1, 100, 100) == 2


@given(amounts, amounts, amounts)
def test_a_swap_never_lowers_the_product(paid: int, reserve_in: int, reserve_out: int) -> None:
    out = amount_out(paid, reserve_in, reserve_out)

    assert (reserve_in + paid) * (reserve_out - out) >= reserve_in * reserve_out


@given(st.integers(1, 10**20), amounts, st.integers(10**21, 10**24))
def test_paying_what_is_asked_brings_what_was_wanted(
    wanted: int, reserve_in: int, reserve_out: int
) -> None:
    asked = amount_in(wanted, reserve_in, reserve_out)

    assert amount_out(asked, reserve_in, reserve_out) >= wanted


@pytest.mark.parametrize("found", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-1, 5, 5)])
def test_nothing_cannot_be_swapped(found: tuple[int, int, int]) -> None:
    for swap in (amount_out, amount_in):
        with pytest.raises(ValidationError, match="amounts"):
            swap(*found)


def test_a_pool_cannot_be_emptied() -> None:
    with pytest.raises(ValidationError, match="amount_out: found 100, needed under 100"):
        amount_in(100, 100, 100)


@pytest.mark.parametrize(
    ("ratio", "per_cent"),
    [
        (1.0, 0.0),
        (1.25, -0.619201),
        (1.5, -2.020410),
        (2.0, -5.719096),
        (3.0, -13.397460),
        (4.0, -20.0),
        (5.0, -25.464401),
    ],
)
def test_impermanent_loss_has_its_known_values(ratio: float, per_cent: float) -> None:
    assert impermanent_loss(np.array([ratio])) * 100 == pytest.approx([per_cent], abs=5e-7)


@given(ratios)
def test_impermanent_loss_is_never_a_gain_and_the_same_either_way(ratio: float) -> None:
    there, back = impermanent_loss(np.array([ratio, 1 / ratio]))

    assert -1 < there <= 0
    assert there == pytest.approx(back, rel=1e-9, abs=1e-15)


def test_the_fees_of_a_bar_are_a_share_of_what_was_traded() -> None:
    volume, tvl = np.array([10e6]), np.array([100e6])

    assert fee_yield(volume, tvl, fee_bps=30.0, days=1.0) == pytest.approx([3e-4])
    assert fee_yield(volume, tvl, fee_bps=30.0, days=0.25) == pytest.approx([0.75e-4])


@given(st.lists(ratios, min_size=2, max_size=30).map(np.array))
def test_without_fees_a_share_loses_what_the_formula_says(prices: Floats) -> None:
    marks = mark_pool(prices[:-1], prices[1:], np.zeros(len(prices) - 1))

    held = (1 + prices[1:] / prices[0]) / 2  # Half in coins, half in dollars, and left alone.
    lost = marks.close / marks.open[0] / held - 1

    assert lost == pytest.approx(impermanent_loss(prices[1:] / prices[0]), rel=1e-9, abs=1e-12)


def test_fees_stay_in_the_pool_and_earn_fees() -> None:
    price = np.full(3, 2500.0)

    marks = mark_pool(price, price, np.array([0.01, 0.02, 0.0]))

    assert marks.open == pytest.approx([100.0, 101.0, 103.02])
    assert marks.close == pytest.approx([101.0, 103.02, 103.02])


def test_a_bar_whose_fees_nobody_knows_has_no_mark_and_adds_nothing() -> None:
    price = np.full(3, 2500.0)

    marks = mark_pool(price, price, np.array([0.01, np.nan, 0.01]))

    assert np.isnan([marks.open[1], marks.close[1], marks.fees[1]]).all()
    assert marks.open[2] == marks.close[0]
