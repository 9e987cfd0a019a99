"""A bad row is refused with its file, its line, its column, what was found and what was needed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.feeds.problems import PROBLEMS_MAX


def test_a_good_file_is_read_as_it_stands(bars, read):
    table = read(bars())

    assert table.values[1:].tolist() == [
        [10, 12, 9, 11, 1000],
        [11, 13, 10, 12, 2000],
        [12, 14, 11, 13, 3000],
    ]
    assert table.notes == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "N/A",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "1e400",
        '"1,234.5"',
        "1_000",
        "$10",
        "=1+1",
        "\uff11",
    ],
)
def test_a_cell_that_is_no_finite_number_is_refused(bars, refuse, text):
    path = bars({3: f"2020-01-02,11,13,10,{text},2000"})

    error = refuse(path)

    assert (error.file, error.line, error.column) == (str(path), 3, "close")
    assert error.found == text.strip('"')
    assert error.needed == "a finite number in plain digits, such as 1234.5"
    assert str(error) == (f"{path}:3, column 'close': found {error.found!r}, needed {error.needed}")


def test_an_unquoted_thousands_separator_makes_a_field_too_many(bars, refuse):
    error = refuse(bars({3: "2020-01-02,11,13,10,1,234.5,2000"}))

    assert (error.line, error.column) == (3, None)
    assert (error.found, error.needed) == ("7 fields", "6 fields, as in the header")


@pytest.mark.parametrize(
    ("row", "column", "found", "needed"),
    [
        ("11,10,13,12,1", "high", "10", "a high that is not below the low"),
        ("11,13,10,14,1", "close", "14", "close within [low, high]"),
        ("11,13,10,9,1", "close", "9", "close within [low, high]"),
        ("16,15,10,12,1", "open", "16", "open within [low, high]"),
        ("-11,13,10,12,1", "open", "-11", "a number above 0"),
        ("11,13,0,12,1", "low", "0", "a number above 0"),
        ("11,13,10,12,-1", "volume", "-1", "0 or more"),
    ],
)
def test_a_bar_that_cannot_have_happened_is_refused(bars, refuse, row, column, found, needed):
    path = bars({3: f"2020-01-02,{row}"})

    problem = next(each for each in refuse(path).problems if each.column == column)
    assert (problem.file, problem.line) == (str(path), 3)
    assert (problem.found, problem.needed) == (found, needed)


def test_two_different_rows_for_a_day_are_refused_and_both_lines_are_named(bars, refuse):
    error = refuse(bars({5: "2020-01-03,12,14,11,13.5,3000"}))

    assert (error.line, error.column, error.found) == (5, "date", "2020-01-03")
    assert "line 4 has that day with other values" in error.needed


def test_equal_rows_for_a_day_are_dropped_and_counted(bars, read):
    table = read(bars({5: "2020-01-03,12,14,11,13,3000"}))

    assert table.duplicates == 1
    assert "1 equal rows dropped" in table.notes[0]


def test_a_filter_that_matches_two_things_is_refused_and_told_to_be_narrower(write, refuse):
    path = write(
        "date,symbol,address,apr",
        "2020-01-01,USDC,0xaf,0.02",
        "2020-01-01,USDC,0xff,0.02",
    )

    error = refuse(
        path,
        series={"aave.apr": "apr"},
        unit="fraction",
        where={"symbol": "USDC"},
        end="2020-01-01",
    )

    assert (error.line, error.found) == (3, "2020-01-01")
    assert "where = {'symbol': 'USDC'} may match two things: narrow it" in error.needed


def test_a_row_out_of_order_is_refused(bars, refuse):
    path = bars({3: "2020-01-03,12,14,11,13,3000", 4: "2020-01-02,11,13,10,12,2000"})

    error = refuse(path)

    assert (error.line, error.column, error.found) == (4, "date", "2020-01-02")
    assert error.needed == "a time after that of line 3: oldest row first"


def test_rows_that_stand_still_are_refused_where_that_is_asked_for(write, read, refuse):
    path = write("date,mvrv", *(f"2020-01-0{day},1.5" for day in range(1, 6)))
    arguments = {"series": {"btc_mvrv": "mvrv"}, "end": "2020-01-05"}

    assert len(read(path, **arguments).values) == 6
    assert len(read(path, **arguments, frozen_rows=4).values) == 6
    error = refuse(path, **arguments, frozen_rows=2)
    assert (error.line, error.column, error.found) == (5, "mvrv", "1.5")


def test_an_index_that_falls_is_refused(write, refuse):
    path = write("date,index", "2020-01-01,1.1", "2020-01-02,1.0")

    error = refuse(path, series={"aave.index": "index"}, end="2020-01-02")

    assert (error.line, error.found) == (3, "1.0")
    assert error.needed == "at least the 1.1 of the row before"


def test_all_problems_are_listed_in_one_error_in_the_order_of_the_file(bars, refuse):
    path = bars({2: "yesterday,10,12,9,11,1", 3: "2020-01-02,11,13,10,N/A,1", 4: "2020-01-03,1"})

    error = refuse(path)

    assert [problem.line for problem in error.problems] == [2, 3, 4]
    assert str(error).count("\n") == 2


def test_reading_stops_after_a_bounded_number_of_problems(write, refuse):
    path = write("date,mvrv", *(f"day {i},N/A" for i in range(1000)))

    error = refuse(path, series={"btc_mvrv": "mvrv"})

    assert len(error.problems) == PROBLEMS_MAX
    assert str(error).endswith(f"(reading stopped after {PROBLEMS_MAX} problems)")


def test_control_characters_in_a_cell_cannot_reach_the_terminal(bars, refuse):
    error = refuse(bars({3: "2020-01-02,11,13,10,\x1b[31mred,2000"}))

    assert "\x1b" not in str(error)


def test_numbers_outside_the_period_are_nobodys_business(bars, read):
    path = bars({2: "2020-01-01,10,12,9,N/A,1000"})

    table = read(path, start="2020-01-03", end="2020-01-03")

    assert table.values[1].tolist() == [12, 14, 11, 13, 3000]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=28))
def test_every_finite_feature_comes_back_as_the_number_that_was_written(write, read, numbers):
    path = write("date,x", *(f"2020-01-{i:02},{x!r}" for i, x in enumerate(numbers, start=1)))

    table = read(path, series={"x": "x"}, end=f"2020-01-{len(numbers):02}")

    assert table.values[1:, 0].tolist() == numbers
