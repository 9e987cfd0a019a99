"""A frame as a Parquet file, and back: whole or not at all, and nothing that was changed outside.

What the series is stands in the file's metadata, with the hash of its content.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actors.feeds.problems import DataError, Problem
from actors.feeds.store.frame import Frame
from actors.feeds.store.key import SeriesKey, SeriesKind
from actors.feeds.store.spans import Span
from arena.exceptions import ValidationError
from arena.market import Provenance

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ModuleNotFoundError as error:
    raise DataError(
        [Problem("the store", None, None, str(error), "pip install 'treasury-arena[data]'")]
    ) from error

FORMAT = 1
META = b"treasury-arena"
TIME = "time"


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about itself.

    Attributes:
        key: The series.
        rows: How many there are.
        columns: Without the time.
        unit: See `Frame.unit`.
        provenance: See `Frame.provenance`.
        spans: See `Frame.spans`.
        sha256: See `Frame.sha256`.
    """

    key: SeriesKey
    rows: int
    columns: tuple[str, ...]
    unit: str
    provenance: Provenance
    spans: tuple[Span, ...]
    sha256: str


def write(path: Path, key: SeriesKey, frame: Frame) -> None:
    """Put `frame` in the place of `path`, in one step: a reader sees the old file or the new one.

    Raises:
        OSError: The disk refused; what was there is still there.
    """
    told = {
        "format": FORMAT,
        "source": key.source,
        "symbol": key.symbol,
        "kind": key.kind,
        "timeframe": key.timeframe,
        "unit": frame.unit,
        "provenance": frame.provenance,
        "spans": frame.spans,
        "sha256": frame.sha256,
    }
    arrays = [pa.array(frame.times)] + [pa.array(column) for column in frame.values.T]
    table = pa.table(arrays, names=[TIME, *frame.columns])
    table = table.replace_schema_metadata({META: json.dumps(told)})
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def read_header(path: Path) -> Header:
    """Return what `path` says about itself, without reading its rows.

    Raises:
        DataError: It is no file of this store, or damaged.
    """
    with _blaming(path), pq.ParquetFile(path) as file:
        told = json.loads((file.schema_arrow.metadata or {})[META])
        return _header(told, file.schema_arrow.names, file.metadata.num_rows)


def read(path: Path) -> tuple[SeriesKey, Frame]:
    """Return the series in `path`.

    Raises:
        DataError: It is no file of this store, damaged, or its rows are not those that were
            written.
    """
    header = read_header(path)
    with _blaming(path):
        with pq.ParquetFile(path) as file:
            table = file.read()
        values = np.empty((header.rows, len(header.columns)), dtype=np.float64)
        for i, name in enumerate(header.columns):
            values[:, i] = table.column(name).to_numpy()
        frame = Frame(
            times=table.column(TIME).to_numpy().astype(np.int64),
            values=values,
            columns=header.columns,
            unit=header.unit,
            provenance=header.provenance,
            spans=header.spans,
        )
        found = frame.sha256
    if found != header.sha256:
        raise damaged(path, f"rows with the hash {found}", f"{header.sha256}, as it was written")
    return header.key, frame


def damaged(path: Path, found: object, needed: str) -> DataError:
    """Return the error that names `path`, and says what to do."""
    advice = f"{needed}; delete the file and download or import it again"
    return DataError([Problem(os.fspath(path), None, None, found, advice)])


def _header(told: Mapping[str, object], names: list[str], rows: int) -> Header:
    if told["format"] != FORMAT or names[:1] != [TIME]:
        raise ValueError(f"format {told['format']!r} with columns {names}")
    spans = told["spans"]
    if not isinstance(spans, list):
        raise TypeError(f"spans {spans!r}")
    return Header(
        key=SeriesKey(
            str(told["source"]),
            str(told["symbol"]),
            SeriesKind(str(told["kind"])),
            str(told["timeframe"]),
        ),
        rows=rows,
        columns=tuple(names[1:]),
        unit=str(told["unit"]),
        provenance=Provenance(str(told["provenance"])),
        spans=tuple(Span(int(start), int(end)) for start, end in spans),
        sha256=str(told["sha256"]),
    )


_ROT = (
    pa.ArrowException,
    ArithmeticError,  # JSON can hold a number that no integer can.
    KeyError,
    OSError,
    TypeError,
    ValidationError,
    ValueError,
)
"""What the bytes of a damaged file have caused."""


@contextlib.contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """Turn whatever a file's bytes can cause into one error that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise
    except _ROT as error:
        found = f"{type(error).__name__}: {error}"
        raise damaged(path, found, f"a series of format {FORMAT} of this store") from error
