"""Several rows a day become one: added up, the last of them, or a bar out of shorter bars.

A day without all of its rows is no day: it is left out, and the policy for gaps decides about it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from actors.feeds.sheet import Sheet
from actors.feeds.source import field_of
from arena.market import DAY_S, Floats

_Places = npt.NDArray[np.intp]


def resample(sheet: Sheet, values: Floats) -> tuple[Sheet, Floats]:
    """Return the sheet and its numbers with one row a day.

    Args:
        sheet: Rows in order of time; left as it is.  A source that does not aggregate has one row
            a day already.
        values: Their numbers, shape (rows, targets).

    Returns:
        A sheet of whole days, each standing at the line of its last row, and shape (days, targets).
    """
    source = sheet.source
    if source.aggregate is None or not sheet.rows:
        return sheet, values
    days = np.array(sheet.days, dtype=np.int64)
    starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    counts = np.diff(starts, append=len(days))
    needed = DAY_S // source.every_s if source.every_s else 1
    whole = counts >= needed
    if not whole.any():
        rows = f"a whole day: {needed} rows from open to close, {source.every_s} s apart"
        sheet.report(len(sheet.rows) - 1, source.time_column, rows)
        return sheet, values
    columns = [
        _aggregate(_way(source.aggregate, target), values[:, i], starts, counts)[whole]
        for i, target in enumerate(source.series)
    ]
    lasts = (starts + counts - 1)[whole].tolist()
    daily = replace(
        sheet,
        lines=[sheet.lines[i] for i in lasts],
        days=[sheet.days[i] for i in lasts],
        rows=[sheet.rows[i] for i in lasts],
        parts=[int(day) for day in days[starts[~whole]]],
    )
    return daily, np.column_stack(columns)


def _way(aggregate: str, target: str) -> str:
    if aggregate != "ohlcv":
        return aggregate
    kind = field_of(target)
    return {"open": "first", "high": "high", "low": "low", "volume": "sum"}.get(kind, "last")


def _aggregate(way: str, column: Floats, starts: _Places, counts: _Places) -> Floats:
    """Return one number for each day, whose rows begin at `starts`."""
    chosen = {"first": starts, "last": starts + counts - 1}
    if way in chosen:
        picked: Floats = column[chosen[way]]
        return picked
    join = {"sum": np.add, "high": np.maximum, "low": np.minimum}[way]
    joined: Floats = join.reduceat(column, starts)
    return joined
