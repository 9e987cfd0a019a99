"""A file becomes a series of the store: whole rows on the grid of its timeframe, as they are.

What is imported is checked as what is read: order, duplicates, numbers, stamps on the grid, bars
that can have happened.  Needs the extra `data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from actors.feeds.describe import find_stamps, read_header
from actors.feeds.placing import grid
from actors.feeds.samples import read_whole
from actors.feeds.source import PRICES, CsvSource, field_of
from actors.feeds.store import Frame, SeriesKey, SeriesKind, Span
from arena.exceptions import ValidationError

_RATES = {SeriesKind.FUNDING: "ratio", SeriesKind.APY: "1/year"}
"""Kinds whose numbers have a unit in the file, and the one that they are stored in."""


def import_series(
    path: Path, key: SeriesKey, columns: Mapping[str, str], *, not_after: datetime, **given: Any
) -> Frame:
    """Return the rows of a file as a frame of `key`.

    Args:
        path: A CSV or Parquet file.
        key: What it will be called.
        columns: The store's column -> the file's; empty: all but the stamps, as they are called.
            The rate of a funding series is called `rate`, yields begin with `apy`.
        not_after: As for `read_csv`.
        given: What else `CsvSource` takes: where, zone, unit of rates, provenance; None is as if
            left out.  Of bars and prices, `unit` is the currency: it is kept with the numbers.

    Raises:
        DataError: The file cannot be used; all problems found are listed.
        ValidationError: The values do not fit together.
    """
    known = {name: value for name, value in given.items() if value is not None}
    header = read_header(path)
    stamps = known.pop("time_column", None) or find_stamps(path, header)
    where, unit = known.get("where", {}), known.pop("unit", None)
    named = columns or {title: title for title in header if title != stamps and title not in where}
    every_s = key.step_ms // 1000
    told: dict[str, Any] = {"time_zone": "UTC", **known, "time_column": stamps}
    if key.kind is SeriesKind.FUNDING:
        told |= {"aggregate": "sum", "every_s": every_s}
    source = CsvSource(
        path=path,
        series={_target(key.kind, name): column for name, column in named.items()},
        units=_units(key.kind, named, unit),
        **told,
    )
    sheet, values = read_whole(source, grid(every_s, source.snap_s), not_after=not_after)
    times = np.array(sheet.slots, dtype=np.int64) * 1000
    return Frame(
        times=times,
        values=values,
        columns=tuple(named),
        unit=_RATES.get(key.kind) or unit or "USD",
        provenance=source.provenance,
        spans=(Span(int(times[0]), int(times[-1]) + key.step_ms),),
    )


def _target(kind: SeriesKind, name: str) -> str:
    """Return the target as which a column is checked."""
    if kind is SeriesKind.FUNDING and name == "rate":
        return "rate.funding"
    if kind is SeriesKind.APY and name.startswith("apy"):
        return f"{name}.apr"
    return f"bar.{name}" if name in PRICES else name


def _units(kind: SeriesKind, names: Mapping[str, str], unit: str | None) -> dict[str, str]:
    """Return the unit of each rate; other numbers stay as they are."""
    if kind is SeriesKind.APY and unit is None:
        needed = "fraction, percent or bps: a factor of 100 is easily mistaken"
        raise ValidationError("unit", found=None, needed=needed)
    rate = unit or "fraction/settlement"
    units = {target: field_of(target) for target in (_target(kind, name) for name in names)}
    return {
        target: rate if field else "ratio" for target, field in units.items() if field not in PRICES
    }
