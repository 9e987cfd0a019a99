"""Long here and short there: what is held is the difference, whatever the price does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.instruments.spread import mark_spread
from arena.market import Floats

pairs = st.lists(
    st.tuples(st.floats(100.0, 1e5), st.floats(-0.01, 0.01)), min_size=2, max_size=40
).map(np.array)


def test_a_long_position_earns_when_the_other_venue_comes_down() -> None:
    price = np.full(3, 30_000.0)

    marks = mark_spread(price, price, np.array([0.001, 0.001, 0.0]))

    assert marks.close[1] == pytest.approx(-30.0)
    assert marks.close[2] - marks.open[2] == pytest.approx(30.0)


@given(pairs)
def test_the_mark_is_our_price_less_theirs(bars: Floats) -> None:
    closes, spread = bars[:, 0].copy(), bars[:, 1].copy()
    opens = np.concatenate((np.full(1, 500.0), closes))[:-1]

    marks = mark_spread(opens, closes, spread)

    theirs = closes * (1 + spread)
    assert marks.close[1:] == pytest.approx((closes - theirs)[1:], abs=1e-9)
    assert marks.open[1:].tolist() == [mark.item() for mark in 0.0 - spread[:-1] * opens[1:]]


def test_the_first_bar_has_no_spread_before_it_and_a_gap_takes_two_bars() -> None:
    price = np.full(5, 100.0)

    marks = mark_spread(price, price, np.array([0.001, 0.001, np.nan, 0.001, 0.001]))

    assert np.isfinite(marks.open).tolist() == [False, True, False, False, True]
    assert np.array_equal(np.isfinite(marks.open), np.isfinite(marks.close))


def test_no_spread_is_nothing_and_not_less() -> None:
    marks = mark_spread(np.full(2, 100.0), np.full(2, 100.0), np.zeros(2))

    assert not np.signbit(marks.close).any()
