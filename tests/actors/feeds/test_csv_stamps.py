"""A stamp names one instant in UTC, or it is refused: no unit, zone or hour is ever guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actors.feeds import CsvSource
from actors.feeds.stamps import StampError, stamp_parser


def parse(text: str, *, zone: str = "UTC", unit: str | None = None) -> datetime:
    source = CsvSource(
        path="x.csv", series={"x": "x"}, time_column="t", time_zone=zone, time_unit=unit
    )
    seconds = stamp_parser(source, not_after=datetime(2024, 1, 1, tzinfo=UTC))(text)
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("text", "zone", "needed"),
    [
        ("2020-01-01", "UTC", "2020-01-01T00:00"),
        ("2020-01-01T10:30:00Z", "UTC", "2020-01-01T10:30"),
        ("2020-01-01 10:30:00+03:00", "UTC", "2020-01-01T07:30"),
        ("2020-01-01T10:30:00+03:00", "Europe/London", "2020-01-01T07:30"),
        ("2023-01-15 12:00", "Europe/London", "2023-01-15T12:00"),
        ("2023-07-15 12:00", "Europe/London", "2023-07-15T11:00"),
        ("2023-07-15 00:30", "Europe/London", "2023-07-14T23:30"),
        ("2023-07-15 12:00", "Europe/Moscow", "2023-07-15T09:00"),
    ],
)
def test_a_stamp_is_read_in_its_own_offset_or_else_in_the_zone_of_its_source(text, zone, needed):
    assert parse(text, zone=zone) == datetime.fromisoformat(f"{needed}:00+00:00")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_an_integer_is_read_in_the_unit_that_was_declared(unit):
    zeros = {"s": "", "ms": "000", "us": "000000", "ns": "000000000"}[unit]

    assert parse(f"1577836800{zeros}", unit=unit) == datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "arguments", "needed"),
    [
        ("2023-10-29 01:30", {"zone": "Europe/London"}, "this hour comes twice in Europe/London"),
        (
            "2023-03-26 01:30",
            {"zone": "Europe/London"},
            "this hour does not exist in Europe/London",
        ),
        ("2023-07-15", {"zone": "Europe/London"}, "a time of day, since a day in Europe/London"),
        ("1577836800000", {"unit": "s"}, "did you mean time_unit = 'ms'?"),
        ("1577836800", {"unit": "ms"}, "did you mean time_unit = 's'?"),
        ("1577836800.5", {"unit": "s"}, "an integer"),
        ("-1", {"unit": "s"}, "an integer"),
        ("9" * 5000, {"unit": "s"}, "an integer"),
        ("43831", {}, "a time_unit for integers"),
        ("1577836800", {}, "a time_unit for integers"),
        ("01/02/2020", {}, "an ISO 8601 stamp"),
        ("2020-02-30", {}, "an ISO 8601 stamp"),
        ("2016-12-31T23:59:60Z", {}, "an ISO 8601 stamp"),
        ("", {}, "an ISO 8601 stamp"),
        ("1970-01-01", {}, "a time from 2000-01-01 to 2024-01-01"),
        ("2262-01-01", {}, "a time from 2000-01-01 to 2024-01-01"),
        ("0001-01-01T00:00:00+14:00", {}, "a time from 2000-01-01 to 2024-01-01"),
    ],
)
def test_a_stamp_with_no_meaning_or_two_is_refused(text, arguments, needed):
    with pytest.raises(StampError) as caught:
        parse(text, **arguments)

    assert needed in caught.value.needed


def test_a_refused_stamp_is_reported_with_its_line(write, refuse):
    path = write("time,x", "2023-10-28 12:00,1", "2023-10-29 01:30,2")

    error = refuse(
        path,
        series={"x": "x"},
        time_column="time",
        time_zone="Europe/London",
        start="2023-10-28",
        end="2023-10-29",
    )

    assert (error.line, error.column, error.found) == (3, "time", "2023-10-29 01:30")


def test_london_samples_fall_on_the_days_of_utc(write, read):
    path = write("time,x", "2023-07-15 12:00,1", "2023-07-17 00:30,2", "2023-07-17 12:00,3")

    table = read(
        path,
        series={"x": "x"},
        time_column="time",
        time_zone="Europe/London",
        start="2023-07-15",
        end="2023-07-17",
    )

    assert table.values[1:, 0].tolist() == [1, 2, 3]


def test_a_price_bar_that_does_not_open_at_midnight_is_refused(bars, refuse):
    error = refuse(bars({4: "2020-01-03T13:05:00,12,14,11,13,3000"}))

    assert (error.line, error.column, error.found) == (4, "date", "2020-01-03T13:05:00")
    assert error.needed == "00:00 UTC, when a daily bar opens"
