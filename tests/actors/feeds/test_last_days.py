"""Until when a source has everything, and rows that come when their bars are known without them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from actors.feeds import CsvSource, DataError, read_csv
from actors.feeds.csv_files import last_days

NOW = datetime(2024, 2, 1, tzinfo=UTC)
START = date(2024, 1, 2)


def a_source(folder, text, **how):
    path = folder / "some.csv"
    path.write_text(text)
    common = {"time_column": "time", "time_zone": "UTC", "path": path}
    return CsvSource(**{**common, "series": {"X.close": "value"}, **how})


def daily(*days):
    return "time,value\n" + "".join(f"2024-01-{day:02},{day + 10}\n" for day in days)


def last(source):
    (day,) = last_days([source], start=START, not_after=NOW)
    return day


def test_a_row_a_day_ends_with_its_last_row_whatever_is_missing_before(tmp_path):
    assert last(a_source(tmp_path, daily(1, 2, 5))) == date(2024, 1, 5)


def test_what_is_published_late_is_known_for_later_bars(tmp_path):
    source = a_source(tmp_path, daily(1, 2, 5), series={"mvrv": "value"}, lag_bars=2)
    assert last(source) == date(2024, 1, 7)


@pytest.mark.parametrize(("hours", "day"), [(range(48), 2), (range(71), 2), (range(72), 3)])
def test_a_day_of_shorter_bars_is_there_with_its_last_one(tmp_path, hours, day):
    stamps = [f"2024-01-{1 + hour // 24:02}T{hour % 24:02}:00:00,10\n" for hour in hours]
    text = "time,value\n" + "".join(stamps)
    source = a_source(tmp_path, text, aggregate="ohlcv", every_s=3600)
    assert last(source) == date(2024, 1, day)


def test_the_latest_of_a_day_is_known_when_one_of_a_later_day_is_there(tmp_path):
    stamps = ["01T08", "02T08", "03T08", "03T20"]
    text = "time,value\n" + "".join(f"2024-01-{stamp}:00:00,10\n" for stamp in stamps)
    source = a_source(tmp_path, text, aggregate="last", series={"mvrv": "value"})
    assert last(source) == date(2024, 1, 2)


def test_what_cannot_be_read_has_no_last_day(tmp_path):
    source = a_source(tmp_path, daily(1, 2, 3) + "2024-01-04,nothing\n")
    with pytest.raises(DataError, match="a finite number"):
        last(source)


def test_a_row_of_a_bar_that_is_known_without_it_is_as_if_it_were_not_there(tmp_path):
    def read(text, absent):
        source = a_source(tmp_path, text, gaps="hold:2")
        days = {"start": START, "end": date(2024, 1, 5), "not_after": NOW}
        (table,) = read_csv([source], **days, absent=absent)
        return table

    without = read(daily(1, 2, 4, 5), ())
    late = read(daily(1, 2, 3, 4, 5), [without.absent])

    assert without.absent == late.absent == (date(2024, 1, 3),)
    assert (without.late, late.late) == (0, 1)
    assert np.array_equal(without.values, late.values)
    assert without.held == late.held
