"""A staked coin is the coin, and a little more of it each day."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.instruments.staking import mark_staked
from arena.market import Floats

steps = st.lists(st.tuples(st.floats(0.7, 1.4), st.floats(0.0, 0.2)), min_size=1, max_size=40)


def test_a_year_of_three_per_cent_is_three_per_cent_more_coins() -> None:
    price, apr = np.full(365, 2000.0), np.full(365, 0.03)

    marks = mark_staked(price, price, apr, periods_per_year=365)

    assert marks.open[0] == 2000.0
    assert marks.close[-1] == pytest.approx(2000.0 * (1 + 0.03 / 365) ** 365)


@given(steps.map(np.array))
def test_it_earns_the_price_times_the_rate(moves: Floats) -> None:
    closes = 100.0 * np.cumprod(moves[:, 0])
    opens = np.concatenate((np.full(1, 100.0), closes))[:-1]
    apr = moves[:, 1].copy()

    marks = mark_staked(opens, closes, apr, periods_per_year=365)

    assert marks.close / marks.open == pytest.approx(closes / opens * (1 + apr / 365))
    assert marks.open[1:] == pytest.approx(marks.close[:-1])


def test_a_bar_whose_rate_is_unknown_has_no_mark_and_earns_nothing() -> None:
    price = np.full(4, 100.0)

    marks = mark_staked(price, price, np.array([np.nan, 3.65, np.nan, 3.65]), periods_per_year=365)

    assert np.isfinite(marks.close).tolist() == [False, True, False, True]
    assert marks.close[[1, 3]] == pytest.approx([101.0, 102.01])
