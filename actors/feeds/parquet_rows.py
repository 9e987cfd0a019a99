"""A Parquet file as rows of text with line numbers, as if it were CSV: the same checks then apply.

Numbers are written so that they read back as the same numbers; null and NaN are empty.  A stamp
without a zone stays without one; it is the source that says where it was written.  A series of the
store is held against its hash.  Needs the extra `data`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date, datetime
from math import isnan
from pathlib import Path
from typing import Any, TypeAlias

from actors.feeds.lines import ROWS_MAX, Rows
from actors.feeds.problems import DataError, Problem
from actors.feeds.store import parquet

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ModuleNotFoundError as error:
    raise DataError(
        [Problem("Parquet", None, None, str(error), "pip install 'treasury-arena[data]'")]
    ) from error

_Row: TypeAlias = list[str]
_BATCH = 65_536


def read_parquet_rows(path: str | os.PathLike[str]) -> Rows:
    """Yield (line, fields) for each row, the names of the columns first, as line 1.

    Raises:
        DataError: The file cannot be opened, is no Parquet file, exceeds a bound, or is a series of
            the store that was changed outside it.
    """
    name = os.fspath(path)
    try:
        with pq.ParquetFile(name) as file:
            if parquet.META in (file.schema_arrow.metadata or {}):
                parquet.read(Path(name))
            if file.metadata.num_rows > ROWS_MAX:
                raise _broken(name, f"{file.metadata.num_rows} rows", f"at most {ROWS_MAX} rows")
            yield from _rows(file)
    except FileNotFoundError:
        raise _broken(name, "no file there", "a readable file") from None
    except (pa.ArrowException, OSError) as error:
        raise _broken(name, str(error), "an intact Parquet file") from None


def _rows(file: Any) -> Iterator[tuple[int, _Row]]:
    yield 1, list(file.schema_arrow.names)
    line = 1
    for batch in file.iter_batches(batch_size=_BATCH):
        columns = [_texts(column.to_pylist()) for column in batch.columns]
        for row in zip(*columns, strict=True):
            line += 1
            yield line, list(row)


def _texts(cells: list[Any]) -> list[str]:
    return [_TEXTS.get(type(cell), str)(cell) for cell in cells]


_TEXTS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "",
    float: lambda number: "" if isnan(number) else repr(number),
    datetime: datetime.isoformat,
    date: date.isoformat,
}


def _broken(name: str, found: str, needed: str) -> DataError:
    return DataError([Problem(name, None, None, found, needed)])
