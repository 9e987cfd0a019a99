"""The CSV feed: named files in, tables on the run's bars out, or one error that lists all faults.

For each source: `gather` its rows, `read_numbers`, check them, `resample` them where a day has
several, and `align` them with the bars.
Order and duplicates are checked in the whole file, numbers only in the part that the run can see.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from actors.feeds.align import Days, Table, align, day_number, day_of
from actors.feeds.problems import DataError, Problem, Problems
from actors.feeds.quality import check_sequence, read_numbers
from actors.feeds.resample import resample
from actors.feeds.sheet import Sheet, gather
from actors.feeds.source import HOLD_MAX, CsvSource
from actors.feeds.stamps import stamp_parser
from arena.exceptions import ValidationError
from arena.market import Floats

_Made = TypeVar("_Made")


def read_csv(
    sources: Sequence[CsvSource],
    *,
    start: date,
    end: date,
    not_after: datetime,
    absent: Sequence[Collection[date]] = (),
) -> tuple[Table, ...]:
    """Read each source onto the daily bars from `start` to `end`.

    Args:
        sources: What to read.
        start: Day of the first bar, UTC.
        end: Day of the last bar, UTC, inclusive.
        not_after: With an offset; a later stamp in a file is refused.  Now, and a day.
        absent: For each source the bars that stay without a row, even if there is one by now.

    Returns:
        One table for each source, in their order, all on the same days.

    Raises:
        DataError: Files cannot be used; all problems found are listed, at most `PROBLEMS_MAX`.
        ValidationError: `end` is before `start`, or `not_after` has no offset.
    """
    if not_after.tzinfo is None:
        raise ValidationError("not_after", found=str(not_after), needed="a time with an offset")
    if end < start:
        raise ValidationError("end", found=str(end), needed=f"{start} or later")
    days = np.arange(day_number(start) - 1, day_number(end) + 1, dtype=np.int64)
    gone = {id(source): which for source, which in zip(sources, absent, strict=False) if which}

    def make(sheet: Sheet, values: Floats) -> Table:
        late = _late(sheet, gone.get(id(sheet.source), ()))
        if not late.any():
            return align(sheet, values, days)
        kept = [i for i in range(len(sheet.rows)) if not late[i]]
        table = align(sheet.at(kept), values[kept], days)
        return replace(table, late=int(late.sum()))

    return _read_all(sources, days, not_after, make)


def _late(sheet: Sheet, absent: Collection[date]) -> npt.NDArray[np.bool_]:
    """Return which rows are of bars that stay without one."""
    published = np.array(sheet.days, dtype=np.int64) + sheet.source.lag_bars
    return np.isin(published, [day_number(day) for day in absent])


def last_days(
    sources: Sequence[CsvSource], *, start: date, not_after: datetime
) -> tuple[date, ...]:
    """Return for each source the last day of which everything is in its file, and published.

    Of rows of which a day has any number, the last of a day is known when one of a later day is
    there.

    Args:
        sources: What to read.
        start: A day that none of them ends before.
        not_after: With an offset; a later stamp in a file is refused.

    Raises:
        DataError: Files cannot be used; all problems found are listed, at most `PROBLEMS_MAX`.
    """
    days = np.array([day_number(start) - 1, day_number(not_after.date()) + HOLD_MAX])
    return _read_all(sources, days, not_after, lambda sheet, _: _last_day(sheet))


def _last_day(sheet: Sheet) -> date:
    source = sheet.source
    return day_of(sheet.days[-1] + source.lag_bars - (source.aggregate == "last"))


def _read_all(
    sources: Sequence[CsvSource],
    days: Days,
    not_after: datetime,
    make: Callable[[Sheet, Floats], _Made],
) -> tuple[_Made, ...]:
    """Return what `make` makes of the daily rows and numbers of each source.

    Raises:
        DataError: Files cannot be used.
    """
    problems, made = Problems(), dict[int, _Made]()
    for places in _by_file(sources):
        try:
            read = _read_file([sources[i] for i in places], days, not_after, problems)
            made |= {i: make(*daily) for i, daily in zip(places, read, strict=True)}
        except DataError as error:
            problems.extend(error)
        if problems.full:
            break
    problems.settle()
    return tuple(made[i] for i in range(len(sources)))


def _by_file(sources: Sequence[CsvSource]) -> list[list[int]]:
    """Return the places of the sources that read the same file, file by file."""
    places: dict[str, list[int]] = {}
    for i, source in enumerate(sources):
        places.setdefault(source.name, []).append(i)
    return list(places.values())


def _read_file(
    sources: Sequence[CsvSource], days: Days, not_after: datetime, problems: Problems
) -> list[tuple[Sheet, Floats]]:
    """Return the daily rows and numbers of each source.

    Raises:
        DataError: The file cannot be used, and here is one more reason.
    """
    parsers = [stamp_parser(source, not_after=not_after) for source in sources]
    before = len(problems)
    sheets = gather(sources, parsers, problems)
    for sheet in sheets:
        _keep_period(sheet, days)
    numbers = [read_numbers(sheet) for sheet in sheets]
    if len(problems) > before:
        problems.settle()  # Rows are missing from the sheets: their gaps are not the file's.
    for sheet, values in zip(sheets, numbers, strict=True):
        check_sequence(sheet, values)
    daily = [resample(sheet, values) for sheet, values in zip(sheets, numbers, strict=True)]
    if len(problems) > before:
        problems.settle()
    return daily


def _keep_period(sheet: Sheet, days: Days) -> None:
    """Keep the rows that some bar will show, or that a held or lagged one may fall back on.

    Raises:
        DataError: There are none.
    """
    source, everything = sheet.source, sheet.days
    first, last = int(days[0]), int(days[-1])
    if source.not_before and everything and day_of(everything[0]) < source.not_before:
        needed = f"{source.not_before} or later: there was nothing to quote before (not_before)"
        sheet.report(0, source.time_column, needed)
    sheet.keep(first - source.hold_bars - source.lag_bars, last - source.lag_bars)
    if not sheet.rows and everything:
        found = f"rows from {day_of(min(everything))} to {day_of(max(everything))}"
        needed = f"rows from {day_of(first + 1)} to {day_of(last)}"
        raise DataError([Problem(source.name, None, source.time_column, found, needed)])
