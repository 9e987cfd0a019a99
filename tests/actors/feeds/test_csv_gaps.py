"""A bar shows the latest row published by its close; a gap is refused, or held and counted."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest


@pytest.fixture
def features(write):
    """Write a feature's value for the given days of January 2020: its value is the day."""

    def features(*days: int):
        return write("date,x", *(f"2020-01-{day:02},{day}" for day in days))

    return features


X = {"series": {"x": "x"}}


def test_a_gap_inside_the_period_is_refused_and_measured(features, refuse):
    error = refuse(features(1, 2, 5, 6), **X, end="2020-01-06")

    assert (error.line, error.column, error.found) == (4, "date", "2020-01-05")
    assert error.needed == (
        "rows for 2020-01-03 to 2020-01-04 after line 3: 2 missing (gaps = 'reject')"
    )


def test_a_file_that_ends_too_early_is_refused(features, refuse):
    error = refuse(features(1, 2, 3), **X, end="2020-01-05")

    assert (error.line, error.found) == (4, "2020-01-03")
    assert "rows for 2020-01-04 to 2020-01-05 after line 4: 2 missing" in error.needed


def test_each_gap_is_reported_once(features, refuse):
    error = refuse(features(1, 4, 5, 9), **X, end="2020-01-10")

    assert [problem.line for problem in error.problems] == [3, 5, 5]


def test_a_gap_across_the_start_is_not_mistaken_for_a_late_listing(features, refuse):
    error = refuse(features(1, 9), **X, start="2020-01-05", end="2020-01-09")

    assert "8 missing" not in error.needed
    assert "rows for 2020-01-02 to 2020-01-08 after line 2: 7 missing" in error.needed


def test_what_is_listed_late_is_not_known_before(features, read):
    table = read(features(3, 4), **X, end="2020-01-04")

    assert np.isnan(table.values[1:3, 0]).all()
    assert table.values[3:, 0].tolist() == [3, 4]
    assert table.listed == date(2020, 1, 3)
    assert "not known before 2020-01-03" in table.notes[0]


def test_a_file_without_a_row_in_the_period_is_refused(features, refuse):
    error = refuse(features(10, 11), **X, end="2020-01-04")

    assert error.found == "rows from 2020-01-10 to 2020-01-11"
    assert error.needed == "rows from 2020-01-01 to 2020-01-04"


def test_a_short_gap_is_held_and_every_held_bar_is_counted(features, read):
    table = read(features(1, 2, 5), **X, end="2020-01-06", gaps="hold:2")

    assert table.values[1:, 0].tolist() == [1, 2, 2, 2, 5, 5]
    assert table.held == (date(2020, 1, 3), date(2020, 1, 4), date(2020, 1, 6))
    assert "3 bars held over gaps: 2020-01-03 to 2020-01-04, 2020-01-06" in table.notes[0]


def test_a_gap_longer_than_may_be_held_is_refused(features, refuse):
    error = refuse(features(1, 2, 5), **X, end="2020-01-05", gaps="hold:1")

    assert error.line == 4
    assert error.needed.endswith("2 missing (at most 1 held)")


def test_nothing_happens_in_a_held_price_bar(bars, read):
    table = read(bars({3: None}), gaps="hold:1")

    assert table.values[1:].tolist() == [
        [10, 12, 9, 11, 1000],
        [11, 11, 11, 11, 0],
        [12, 14, 11, 13, 3000],
    ]


def test_a_lagged_feature_is_known_that_many_bars_later(features, read):
    table = read(features(1, 2, 3), **X, start="2020-01-02", end="2020-01-05", lag_bars=2)

    assert np.isnan(table.values[1, 0])
    assert table.values[2:, 0].tolist() == [1, 2, 3]


def test_a_lagged_feature_reaches_back_before_the_start(features, read):
    table = read(features(1, 2, 3), **X, start="2020-01-02", end="2020-01-04", lag_bars=1)

    assert table.values[1:, 0].tolist() == [1, 2, 3]
    assert table.listed is None


def test_a_lagged_file_that_ends_too_early_is_told_the_days_it_lacks(features, refuse):
    error = refuse(features(1, 2), **X, end="2020-01-05", lag_bars=1)

    assert "rows for 2020-01-03 to 2020-01-04 after line 3: 2 missing" in error.needed


def test_hidden_futures_stay_hidden_whatever_comes_after_the_end(features, read):
    short = read(features(1, 2, 3), **X, end="2020-01-03")
    longer = read(features(1, 2, 3, 4, 9), **X, end="2020-01-03")

    assert short.values[1:].tolist() == longer.values[1:].tolist()


def test_after_the_held_bars_there_is_none_until_the_data_returns(features, read):
    table = read(features(1, 2, 6, 7), **X, end="2020-01-07", gaps="hold:2,halt")

    np.testing.assert_array_equal(table.values[1:, 0], [1, 2, 2, 2, np.nan, 6, 7])
    assert table.held == (date(2020, 1, 3), date(2020, 1, 4))
    assert table.missing == (date(2020, 1, 5),)
    assert table.notes[1] == "x: 1 bars missing: 2020-01-05 (prices.csv)"


def test_a_file_that_ends_too_early_halts_for_good(features, read):
    table = read(features(1, 2), **X, end="2020-01-06", gaps="hold:1,halt")

    np.testing.assert_array_equal(table.values[1:, 0], [1, 2, 2, np.nan, np.nan, np.nan])
    assert len(table.missing) == 3


def test_what_is_not_listed_yet_is_not_missing(features, read):
    table = read(features(3, 4), **X, end="2020-01-04", gaps="hold:1,halt")

    assert (table.missing, table.listed) == ((), date(2020, 1, 3))


def test_a_source_that_halts_and_has_no_bar_at_all_is_refused(features, refuse):
    error = refuse(features(1), **X, start="2020-01-05", end="2020-01-09", gaps="hold:1,halt")

    assert error.needed == "a row that is known from 2020-01-05 to 2020-01-09"


@pytest.fixture
def frozen(write):
    """Write closes of one bar a day from the first of January 2020."""

    def frozen(*closes: int):
        days = enumerate(closes, start=1)
        return write("date,close", *(f"2020-01-{day:02},{close}" for day, close in days))

    return frozen


CLOSE = {"series": {"BTC.close": "close"}, "frozen_rows": 1}


def test_a_price_that_stands_still_is_no_bar_where_that_is_the_policy(frozen, read, refuse):
    path = frozen(1, 2, 2, 2, 2, 5)

    error = refuse(path, **CLOSE, end="2020-01-06")
    table = read(path, **CLOSE, end="2020-01-06", frozen="halt")

    assert (error.line, error.found) == (5, "2")
    np.testing.assert_array_equal(table.values[1:, 0], [1, 2, 2, np.nan, np.nan, 5])
    assert table.missing == (date(2020, 1, 4), date(2020, 1, 5))


def test_a_price_that_stood_still_is_not_held_over_the_gap_behind_it(write, read):
    path = write("date,close", *(f"2020-01-0{day},2" for day in (1, 2, 3)), "2020-01-05,5")

    table = read(path, **CLOSE, end="2020-01-05", frozen="halt", gaps="hold:1")

    np.testing.assert_array_equal(table.values[1:, 0], [2, 2, np.nan, np.nan, 5])
    assert table.held == ()


def test_a_row_whose_mapped_cells_are_all_empty_is_no_row(write, read, refuse):
    path = write("date,x,y", "2020-01-01,1,1", "2020-01-02,,7", "2020-01-03,3,1")

    error = refuse(path, **X)
    table = read(path, **X, gaps="halt")

    assert "rows for 2020-01-02 to 2020-01-02 after line 2: 1 missing" in error.needed
    np.testing.assert_array_equal(table.values[1:, 0], [1, np.nan, 3])
    assert (table.held, table.missing) == ((), (date(2020, 1, 2),))


def test_a_token_that_has_expired_does_not_expire_again_on_a_held_bar(write, read):
    path = write("date,close,expires", "2020-01-01,2,0", "2020-01-02,1,1")
    source = {"series": {"MOON.close": "close", "MOON.expires": "expires"}, "gaps": "hold:1,halt"}

    table = read(path, **source, end="2020-01-04")

    np.testing.assert_array_equal(table.values[1:, 1], [0, 1, 0, np.nan])
    assert table.series[1].unit == "flag"


def test_a_note_lists_no_more_stretches_than_can_be_read(write, read):
    days = [day for day in range(1, 32) if day % 2]
    path = write("date,x", *(f"2020-0{month}-{day:02},1" for month in (1, 3, 5) for day in days))

    table = read(path, **X, end="2020-05-31", gaps="halt")

    assert table.notes[0].endswith("2020-03-06, 2020-03-08 and 27 more (prices.csv)")
