"""One contract after the other: listed at an open, marked each bar, settled at its last close."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.exceptions import ValidationError
from arena.instruments import Right
from arena.instruments.black_scholes import intrinsic, price_option
from arena.instruments.option import OptionMarks, Terms, mark_option
from arena.market import Floats

PUT, CALL = Right.PUT, Right.CALL
HOUR = 3_600

paths = st.lists(st.floats(0.7, 1.4), min_size=2, max_size=60).map(np.array)


def marked(terms: Terms, closes: Floats, iv: float | Floats = 0.8, **changes: Any) -> OptionMarks:
    """Return the marks on bars that open where the last one closed."""
    opens = np.concatenate((np.full(1, 100.0), closes))[:-1]
    return mark_option(terms, opens, closes, np.broadcast_to(iv, closes.shape), **changes)


def test_a_contract_is_listed_at_an_open_and_ends_after_its_tenor() -> None:
    closes = 100.0 + np.arange(10.0)

    marks = marked(Terms(PUT, 0.9, 4), closes)

    assert np.isnan(marks.open[0])
    assert np.isnan(marks.close[0])
    assert marks.strike[1:5] == pytest.approx([90.0] * 4)
    assert marks.strike[5:9] == pytest.approx([0.9 * 103.0 + 0.9 * 1.0] * 4)
    assert marks.days_left[1:].tolist() == [3, 2, 1, 0, 3, 2, 1, 0, 3]
    assert np.flatnonzero(marks.expires).tolist() == [4, 8]


def test_an_open_is_marked_with_the_volatility_of_the_close_before() -> None:
    closes, iv = np.full(4, 100.0), np.array([0.5, 0.7, 0.9, 1.1])

    marks = marked(Terms(CALL, 1.1, 30), closes, iv)

    rows, day = np.arange(1, 4), 1 / 365
    before = price_option(CALL, 100.0, 110.0, iv[rows - 1], (31 - rows) * day)
    after = price_option(CALL, 100.0, 110.0, iv[rows], (30 - rows) * day)
    assert marks.open[1:] == pytest.approx(before)
    assert marks.close[1:] == pytest.approx(after)


@given(st.sampled_from(Right), paths, st.integers(1, 12), st.floats(0.7, 1.3))
def test_at_expiry_a_mark_is_the_intrinsic_value(
    right: Right, steps: Floats, tenor: int, moneyness: float
) -> None:
    closes = 100.0 * np.cumprod(steps)

    marks = marked(Terms(right, moneyness, tenor), closes)

    last = np.flatnonzero(marks.expires)
    assert len(last) == (len(closes) - 1) // tenor
    assert np.array_equal(marks.close[last], intrinsic(right, closes[last], marks.strike[last]))
    assert np.all(marks.days_left[last] == 0)


@given(paths, st.integers(1, 12))
def test_a_put_that_was_written_keeps_its_premium_less_what_it_must_pay(
    steps: Floats, tenor: int
) -> None:
    closes = 100.0 * np.cumprod(steps)

    marks = marked(Terms(PUT, 0.9, tenor), closes)

    for last in np.flatnonzero(marks.expires):
        first = last - tenor + 1
        bars = slice(first, last + 1)
        overnight = marks.open[first + 1 : last + 1] - marks.close[first:last]
        profit = -np.sum(marks.close[bars] - marks.open[bars]) - np.sum(overnight)
        owed = max(marks.strike[last] - closes[last], 0.0)
        assert profit == pytest.approx(marks.open[first] - owed, rel=1e-9, abs=1e-9)


@given(paths, st.integers(1, 12), st.data())
def test_what_comes_later_changes_no_mark(steps: Floats, tenor: int, data: st.DataObject) -> None:
    closes = 100.0 * np.cumprod(steps)
    known = data.draw(st.integers(1, len(closes)))

    long = marked(Terms(PUT, 0.9, tenor), closes)
    short = marked(Terms(PUT, 0.9, tenor), closes[:known])

    for one, other in zip(short, long, strict=True):
        assert np.array_equal(one, other[:known], equal_nan=True)


def test_a_contract_whose_last_bar_is_missing_is_settled_on_the_next() -> None:
    closes = np.array([100.0, 100.0, 100.0, np.nan, np.nan, 80.0, 80.0, 80.0])
    opens = np.array([100.0, 100.0, 100.0, np.nan, np.nan, 85.0, 80.0, 80.0])

    marks = mark_option(Terms(PUT, 0.9, 3), opens, closes, np.full(8, 0.8))

    assert np.flatnonzero(marks.expires).tolist() == [5]
    assert marks.open[5] == pytest.approx(5.0)
    assert marks.close[5] == pytest.approx(10.0)
    assert np.isnan(marks.close[3:5]).all()
    assert marks.strike[6] == pytest.approx(72.0)


def test_a_bar_without_volatility_has_no_mark_and_the_one_after_it_has_no_open() -> None:
    iv = np.array([0.8, 0.8, np.nan, 0.8, 0.8, 0.8])

    marks = marked(Terms(PUT, 0.9, 30), np.full(6, 100.0), iv)

    assert np.isfinite(marks.close).tolist() == [False, True, False, False, True, True]
    assert np.array_equal(np.isfinite(marks.open), np.isfinite(marks.close))


def test_a_contract_can_be_settled_though_the_volatility_of_that_close_is_missing() -> None:
    iv = np.array([0.8, 0.8, np.nan, 0.8])

    marks = marked(Terms(PUT, 1.1, 2), np.full(4, 100.0), iv)

    assert marks.expires.tolist() == [0, 0, 1, 0]
    assert marks.close[2] == pytest.approx(10.0)


def test_the_tenor_is_counted_in_time_and_not_in_bars() -> None:
    marks = marked(Terms(PUT, 0.9, 1), np.full(50, 100.0), bar_s=HOUR)

    assert np.flatnonzero(marks.expires).tolist() == [24, 48]
    assert marks.days_left[1] == pytest.approx(23 / 24)
    assert marks.open[1] == pytest.approx(price_option(PUT, 100.0, 90.0, 0.8, 1 / 365))


def test_a_contract_shorter_than_a_bar_is_refused() -> None:
    with pytest.raises(ValidationError, match="tenor_days: found 0, needed at least one bar"):
        marked(Terms(PUT, 0.9, 0), np.full(3, 100.0))
