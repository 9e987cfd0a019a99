"""A source as it stands in its file: every row at its own instant, in the market's units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from actors.feeds.placing import Place, as_stamped
from actors.feeds.problems import Problem, Problems
from actors.feeds.quality import check_sequence, read_numbers
from actors.feeds.sheet import Sheet, gather
from actors.feeds.source import CsvSource
from actors.feeds.stamps import stamp_parser
from arena.market import Floats

Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Samples:
    """All rows of a source.

    Attributes:
        sheet: Their lines and texts, for messages.
        times: Unix seconds, strictly ascending.
        values: float64, shape (rows, targets).
    """

    sheet: Sheet
    times: Times
    values: Floats

    @property
    def source(self) -> CsvSource:
        """What was read."""
        return self.sheet.source

    @property
    def step_s(self) -> int:
        """Seconds from row to row, as most of them have it; 0 for a single row."""
        steps = np.diff(self.times)
        return int(np.median(steps)) if len(steps) else 0

    def column(self, target: str) -> Floats:
        """Return the numbers of one target column."""
        return self.values[:, list(self.source.series).index(target)]

    def problem(self, row: int, target: str, found: object, needed: str) -> Problem:
        """Return the problem that `target` has in row number `row`, with its instant."""
        at = f"{datetime.fromtimestamp(int(self.times[row]), UTC):%Y-%m-%d %H:%M}"
        column = self.source.series[target]
        return Problem(self.source.name, self.sheet.lines[row], column, f"{at}: {found}", needed)


def read_samples(source: CsvSource, *, not_after: datetime) -> Samples:
    """Read all rows of `source`, each at its own instant.

    Args:
        source: What to read; how it aggregates does not matter, and what it does about prices that
            stand still.
        not_after: As for `read_csv`.

    Raises:
        DataError: The file cannot be used; all problems found are listed.
    """
    as_it_is = replace(source, frozen_rows=0)
    sheet, values = read_whole(as_it_is, as_stamped, not_after=not_after)
    return Samples(sheet, np.array(sheet.slots, dtype=np.int64), values)


def read_whole(source: CsvSource, place: Place, *, not_after: datetime) -> tuple[Sheet, Floats]:
    """Read all rows of `source`, whatever their day: the sheet, and numbers of (rows, targets).

    Raises:
        DataError: The file cannot be used; all problems found are listed.
    """
    problems = Problems()
    parse = stamp_parser(source, not_after=not_after)
    (sheet,) = gather([source], [parse], problems, place=place)
    values = read_numbers(sheet)
    problems.settle()
    check_sequence(sheet, values)
    problems.settle()
    return sheet, values
