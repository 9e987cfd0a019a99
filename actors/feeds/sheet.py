"""The rows of a file that belong to one source: one for each slot, in order of time.

A slot is a day, or where several rows make a bar, an instant.  A row that cannot be placed is
reported and left out.  Of two equal rows for a slot one is dropped and counted; two different ones
are refused, and usually mean that `where` matches two things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from actors.feeds.lines import Rows, find_columns, read_rows
from actors.feeds.placing import Place, placer
from actors.feeds.problems import DataError, Problem, Problems
from actors.feeds.source import CsvSource
from actors.feeds.stamps import Parse, StampError

_KINDS_SHOWN = 10


@dataclass(slots=True)
class Sheet:
    """What a source has to say, before its numbers are read.

    Attributes:
        source: Whose rows these are.
        columns: The file's column -> its position in a row.
        problems: Where problems go.
        lines: Line of each row in the file.
        days: Day of each row, in days since 1970.
        slots: Instant of each row, or its day where there is one row a day.
        rows: The fields, as text.
        duplicates: Equal rows that were dropped.
        frozen: Rows that stood still for too long, and are no bars.
        parts: Days that had some of their rows, but not all: they were left out.
    """

    source: CsvSource
    columns: Mapping[str, int]
    problems: Problems
    lines: list[int] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    duplicates: int = 0
    frozen: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)

    def report(self, row: int, column: str, needed: str) -> None:
        """Report the cell of the file's `column` in row number `row`."""
        found = self.rows[row][self.columns[column]]
        place = (self.source.name, self.lines[row], column)
        self.problems.add(Problem(*place, found=found, needed=needed))

    def keep(self, first: int, last: int) -> None:
        """Drop the rows outside the days `first` to `last`: nobody will read their numbers.

        The last row up to `first` stays: without it, a gap there would look like a late listing.
        """
        first = max((day for day in self.days if day <= first), default=first)
        kept = self.at([i for i, day in enumerate(self.days) if first <= day <= last])
        self.lines, self.days, self.slots, self.rows = kept.lines, kept.days, kept.slots, kept.rows

    def at(self, places: Sequence[int]) -> Sheet:
        """Return a sheet of the rows at some of its places."""
        return replace(
            self,
            lines=[self.lines[i] for i in places],
            days=[self.days[i] for i in places],
            slots=[self.slots[i] for i in places],
            rows=[self.rows[i] for i in places],
        )


def gather(
    sources: Sequence[CsvSource],
    parsers: Sequence[Parse],
    problems: Problems,
    place: Place | None = None,
) -> list[Sheet]:
    """Read one file once, for all the sources that name it; return their sheets, in their order.

    Args:
        sources: All of the same file.
        parsers: One for each source.
        problems: Where problems go.
        place: How rows are placed; by default as each source says.

    Raises:
        DataError: The file cannot be read on, or has nothing for a source.
    """
    name = sources[0].name
    rows = read_file(name)
    top, header = next(rows, (None, []))
    if top is None:
        raise DataError([Problem(name, None, None, "an empty file", "a header and rows")])
    sheets = [_open_sheet(source, header, problems) for source in sources]
    takers = [
        _Taker(sheet, parse, place or placer(sheet.source))
        for sheet, parse in zip(sheets, parsers, strict=True)
    ]
    line, before = top, len(problems)
    for line, row in rows:
        if len(row) == len(header):
            for taker in takers:
                taker.take(line, row)
        else:
            needed = f"{len(header)} fields, as in the header"
            problems.add(Problem(name, line, None, f"{len(row)} fields", needed))
    if line == top:
        raise DataError([Problem(name, top, None, "a header and no rows", "rows")])
    if len(problems) == before:
        _refuse_empty(takers)
    return sheets


def read_file(name: str) -> Rows:
    """Yield (line, fields) for each row of a CSV or Parquet file, the header first.

    Raises:
        DataError: It cannot be read.
    """
    if not name.endswith(".parquet"):
        return read_rows(name)
    from actors.feeds.parquet_rows import read_parquet_rows  # noqa: PLC0415 - needs an extra

    return read_parquet_rows(name)


def _open_sheet(source: CsvSource, header: Sequence[str], problems: Problems) -> Sheet:
    needed = (source.time_column, *source.where, *source.series.values())
    return Sheet(source, find_columns(source.name, header, needed), problems)


def _refuse_empty(takers: Sequence[_Taker]) -> None:
    empty = [taker.nothing() for taker in takers if not taker.sheet.rows]
    if empty:
        raise DataError(empty)


class _Taker:
    """Places the rows of one source in its sheet, one after another."""

    def __init__(self, sheet: Sheet, parse: Parse, place: Place) -> None:
        where = sheet.source.where
        self.sheet, self._parse, self._put = sheet, parse, place
        self._time = sheet.columns[sheet.source.time_column]
        self._cells = [sheet.columns[column] for column in where]
        self._wanted = list(where.values())
        self._mapped = [sheet.columns[column] for column in sheet.source.series.values()]
        self._others: set[tuple[str, ...]] = set()
        self._seen: dict[int, int] = {}
        self._latest = -1

    def take(self, line: int, row: list[str]) -> None:
        """Append `row` if it is the source's and says anything, or report why not."""
        cells = [row[cell] for cell in self._cells]
        if cells == self._wanted:
            if not any(row[cell] for cell in self._mapped):
                return
            try:
                self._place(line, row, self._parse(row[self._time]))
            except StampError as error:
                self._refuse(line, row, error.needed)
        elif len(self._others) < _KINDS_SHOWN:
            self._others.add(tuple(cells))

    def nothing(self) -> Problem:
        """Return the problem that no row was the source's, and what `where` could have said."""
        source = self.sheet.source
        if not source.where:
            titles = [*source.series.values()]
            return Problem(source.name, None, ", ".join(titles), "empty cells only", "numbers")
        found = sorted(", ".join(cells) for cells in self._others)
        needed = f"rows with {', '.join(source.where.values())!r}"
        return Problem(source.name, None, ", ".join(source.where), found, needed)

    def _place(self, line: int, row: list[str], stamp: int) -> None:
        sheet, (slot, day) = self.sheet, self._put(stamp)
        latest, self._latest = self._latest, stamp
        if slot in self._seen:
            self._place_again(row, self._seen[slot])
            return
        if stamp < latest:
            raise StampError(f"a time after that of line {sheet.lines[-1]}: oldest row first")
        self._seen[slot] = len(sheet.rows)
        sheet.lines.append(line)
        sheet.days.append(day)
        sheet.slots.append(slot)
        sheet.rows.append(row)

    def _place_again(self, row: list[str], earlier: int) -> None:
        sheet = self.sheet
        if row != sheet.rows[earlier]:
            line, where = sheet.lines[earlier], dict(sheet.source.where)
            slot = "day" if sheet.slots[earlier] == sheet.days[earlier] else "time"
            raise StampError(
                f"one row a {slot}: line {line} has that {slot} with other values; where = {where} "
                "may match two things: narrow it"
            )
        sheet.duplicates += 1

    def _refuse(self, line: int, row: list[str], needed: str) -> None:
        source = self.sheet.source
        problem = Problem(source.name, line, source.time_column, row[self._time], needed)
        self.sheet.problems.add(problem)
