"""A market as one wide file: a row a day, a column for each series, called as in the market.

What is not known is empty, and a series that is never known is left out.  A deposit is written as
its index (its close), which reading turns into opens and closes again.  Numbers read back as the
same numbers.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np

from actors.feeds.problems import DataError, Problem
from arena.exceptions import ValidationError
from arena.market import Floats, Market, Series

DATE = "date"


def write_market(market: Market, path: Path) -> tuple[Series, ...]:
    """Write `market` to a `.csv` or `.parquet` file that is not there yet; return its columns.

    Raises:
        ValidationError: There is a file already, or its name ends otherwise.
        DataError: Parquet needs the extra `data`.
        OSError: The disk refused.
    """
    if path.suffix not in {".csv", ".parquet"}:
        raise ValidationError("--out", found=path.name, needed="a name that ends in .csv, .parquet")
    if path.exists():
        raise ValidationError("--out", found=str(path), needed="a file that is not there yet")
    series, columns = _columns(market)
    days = [market.opens_on(row).date() for row in range(len(market))]
    beside = path.with_name(f".{path.name}.part")
    try:
        if path.suffix == ".csv":
            _write_csv(beside, series, [str(day) for day in days], columns)
        else:
            _write_parquet(beside, series, np.array(days, dtype="datetime64[D]"), columns)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return series


def _columns(market: Market) -> tuple[tuple[Series, ...], list[Floats]]:
    kept, columns = [], []
    for series in market.series:
        instrument, _, kind = series.name.rpartition(".")
        is_index = series.unit == "index"
        if (is_index and kind == "open") or not np.isfinite(market.column(series.name)).any():
            continue
        kept.append(replace(series, name=f"{instrument}.index") if is_index else series)
        columns.append(market.column(series.name))
    return tuple(kept), columns


def _write_csv(
    path: Path, series: Sequence[Series], days: Sequence[str], columns: Sequence[Floats]
) -> None:
    texts = [["" if isnan(x) else repr(x) for x in column.tolist()] for column in columns]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([DATE, *(each.name for each in series)])
        writer.writerows(zip(days, *texts, strict=True))


def _write_parquet(
    path: Path, series: Sequence[Series], days: np.ndarray, columns: Sequence[Floats]
) -> None:
    try:
        import pyarrow as pa  # noqa: PLC0415 - needs an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ModuleNotFoundError as error:
        needed = "pip install 'treasury-arena[data]'"
        raise DataError([Problem("Parquet", None, None, str(error), needed)]) from error
    fields = [pa.field(DATE, pa.date32())]
    fields += [
        pa.field(
            each.name,
            pa.float64(),
            metadata={"unit": each.unit, "provenance": each.provenance, "origin": each.origin},
        )
        for each in series
    ]
    arrays = [pa.array(days), *(pa.array(column, from_pandas=True) for column in columns)]
    pq.write_table(pa.table(arrays, schema=pa.schema(fields)), path, compression="zstd")
