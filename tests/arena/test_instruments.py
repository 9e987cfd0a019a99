"""A deposit is worth its index, and its index grows as the protocol's own contract says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.instruments import Instrument, Kind, accrue_linear
from arena.market import Floats

rates = st.lists(st.floats(0.0, 2.0), min_size=1, max_size=100).map(np.array)


def test_five_per_cent_for_a_day_is_what_aave_pays() -> None:
    _, closes = accrue_linear(np.array([0.05]), periods_per_year=365)

    assert closes[0] == pytest.approx(1.000136986301369863, abs=1e-15)


def test_a_rate_that_stands_for_a_year_is_compounded_daily() -> None:
    _, closes = accrue_linear(np.full(365, 0.05), periods_per_year=365)

    assert closes[-1] == pytest.approx((1 + 0.05 / 365) ** 365, rel=1e-13)
    assert (
        1.051265681539063650 < closes[-1] < math.exp(0.05)
    )  # Aave's three terms; no pause at all.


@given(rates)
def test_an_index_opens_at_one_and_each_bar_opens_where_the_last_closed(rate: Floats) -> None:
    opens, closes = accrue_linear(rate, periods_per_year=365)

    assert opens.shape == closes.shape == rate.shape
    assert opens[0] == 1.0
    assert opens[1:].tolist() == closes[:-1].tolist()


@given(rates)
def test_a_rate_that_is_not_negative_never_takes_interest_back(rate: Floats) -> None:
    opens, closes = accrue_linear(rate, periods_per_year=365)

    assert np.all(closes >= opens)


def test_a_market_without_bars_has_an_index_without_bars() -> None:
    opens, closes = accrue_linear(np.array([]), periods_per_year=365)

    assert len(opens) == len(closes) == 0


def test_an_instrument_names_the_columns_that_price_it() -> None:
    aave = Instrument("aave", Kind.LENDING, protocol="aave")

    columns = (aave.open_column, aave.close_column, aave.rate_column)

    assert columns == ("aave.open", "aave.close", "aave.apr")
