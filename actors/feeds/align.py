"""From the days that a file has to the bars that were asked for.

Each bar shows the latest row published by its close.  Before the first row nothing is known (NaN);
after it, a bar without a row is a gap: refused, held, or no bar at all, as the source says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actors.feeds.problems import Problem
from actors.feeds.sheet import Sheet
from actors.feeds.source import CsvSource, field_of
from arena.market import DAY_S, Floats, Series

EPOCH = date(1970, 1, 1)

STRETCHES_SHOWN = 20
"""Stretches of days that a note lists."""

Days = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Table:
    """One source on the bars of the run.

    Attributes:
        file: Where it was read from.
        days: Days since 1970, one apart.  The first is the day *before* the first bar: an index
            needs it to know what it accrues from.
        series: What each column means.
        values: Shape (days, columns); NaN before the first row of the file, and on missing days.
        held: Days whose row is missing and was carried over from an earlier one.
        missing: Days after the first row that have no bar: the gap was too long to be held, or the
            price stood still for too long.
        duplicates: Equal rows that were dropped.
        absent: Bars without a row of their own, whatever was done about it.
        late: Rows of bars that were to stay without one.
    """

    file: str
    days: Days
    series: tuple[Series, ...]
    values: Floats
    held: tuple[date, ...] = ()
    missing: tuple[date, ...] = ()
    duplicates: int = 0
    absent: tuple[date, ...] = ()
    late: int = 0

    @property
    def listed(self) -> date | None:
        """The first bar that is known, where that is later than the first that was asked for."""
        first = int(np.flatnonzero(np.isfinite(self.values[:, 0]))[0])
        return day_of(int(self.days[first])) if first > 1 else None

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what a reader of the results should know of this table, one sentence each."""
        names = ", ".join(series.name for series in self.series)
        file = Path(self.file).name
        notes = []
        if self.listed:
            notes.append(f"{names}: not known before {self.listed} ({file})")
        for said, which in (("held over gaps", self.held), ("missing", self.missing)):
            if which:
                notes.append(f"{names}: {len(which)} bars {said}: {_stretches(which)} ({file})")
        if self.duplicates:
            notes.append(f"{names}: {self.duplicates} equal rows dropped ({file})")
        return tuple(notes)


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to `day`."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    """Return the date that is `number` days after 1970-01-01."""
    return EPOCH + timedelta(days=number)


def _stretches(days: Sequence[date]) -> str:
    """Return days as text, those of a stretch as `from to to`, and no more than can be read."""
    stretches: list[tuple[date, date]] = []
    for day in days:
        if stretches and stretches[-1][1] + timedelta(days=1) == day:
            stretches[-1] = (stretches[-1][0], day)
        else:
            stretches.append((day, day))
    shown = [f"{one}" if one == two else f"{one} to {two}" for one, two in stretches]
    more = len(shown) - STRETCHES_SHOWN
    return ", ".join(shown[:STRETCHES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def align(sheet: Sheet, values: Floats, days: Days) -> Table:
    """Put the rows of `sheet` on `days`, and report its gaps.

    Args:
        sheet: The rows, in order of time.
        values: Their numbers, shape (rows, targets).
        days: The day before the first bar, then each bar's day.
    """
    source = sheet.source
    published = np.array(sheet.days, dtype=np.int64) + source.lag_bars
    row = np.searchsorted(published, days, side="right") - 1
    age = np.where(row < 0, 0, days - published[row])
    stale = age > source.hold_bars
    if not source.halts:
        _report_gaps(sheet, row, stale, days)
    aligned = np.where((row < 0) | stale, np.nan, values[row].T).T
    known = np.isfinite(aligned[:, 0])
    if not known[1:].any() and not len(sheet.problems):
        _report_nothing(sheet, days)
    is_held = (age > 0) & known
    _still(source, aligned, is_held)
    held = _days(days, is_held)
    missing = _days(days, ~known & np.logical_or.accumulate(known))
    absent = _days(days, (age > 0) | (row < 0))
    series = _series(source)
    return Table(source.label, days, series, aligned, held, missing, sheet.duplicates, absent)


def _days(days: Days, which: npt.NDArray[np.bool_]) -> tuple[date, ...]:
    """Return the dates of the bars that are meant; the day before the first bar is none of them."""
    return tuple(day_of(int(day)) for day in days[1:][which[1:]])


def _report_nothing(sheet: Sheet, days: Days) -> None:
    """Report that a source whose gaps are no bars has no bar at all in the period."""
    needed = f"a row that is known from {day_of(int(days[1]))} to {day_of(int(days[-1]))}"
    sheet.report(len(sheet.rows) - 1, sheet.source.time_column, needed)


def _report_gaps(
    sheet: Sheet, row: npt.NDArray[np.intp], stale: npt.NDArray[np.bool_], days: Days
) -> None:
    """Report each gap once, at the row behind it; the day before the first bar is excused."""
    source = sheet.source
    stale = stale & (np.arange(len(days)) > 0)
    for last in sorted(set(row[stale].tolist())):  # np.unique would import numpy.ma: 60 ms.
        at = min(last + 1, len(sheet.rows) - 1)
        until = sheet.days[at] if at > last else int(days[-1]) - source.lag_bars + 1
        missing = until - sheet.days[last] - 1
        wanted = f"{day_of(sheet.days[last] + 1)} to {day_of(until - 1)}"
        policy = "gaps = 'reject'" if not source.hold_bars else f"at most {source.hold_bars} held"
        needed = f"rows for {wanted} after line {sheet.lines[last]}: {missing} missing ({policy})"
        if any(sheet.days[last] < day < until for day in sheet.parts):
            needed += f"; a day has {DAY_S // (source.every_s or DAY_S)} rows, and some are missing"
        found = sheet.rows[at][sheet.columns[source.time_column]]
        place = (source.name, sheet.lines[at], source.time_column)
        sheet.problems.add(Problem(*place, found=found, needed=needed))


def _still(source: CsvSource, aligned: Floats, is_held: npt.NDArray[np.bool_]) -> None:
    """Make a held bar one in which nothing happens: its open is the last close, its volume 0."""
    position = {target: i for i, target in enumerate(source.series)}
    for target, i in position.items():
        kind = field_of(target)
        if kind in {"open", "high", "low"}:
            close = position.get(f"{target.rpartition('.')[0]}.close")
            if close is not None:
                aligned[is_held, i] = aligned[is_held, close]
        elif kind in {"volume", "expires"}:
            aligned[is_held, i] = 0.0


def _series(source: CsvSource) -> tuple[Series, ...]:
    return tuple(
        Series(target, source.scale_of(target)[0], source.provenance_of(target), source.label)
        for target in source.series
    )
