"""A series of the store as a source: its file, its stamps and its provenance are known.

It is named `source/symbol/kind/timeframe`, such as `binance/BTC/USDT/ohlcv/1d`; the symbol may hold
slashes.  Needs the extra `data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from actors.feeds.problems import DataError, Problem
from actors.feeds.source import CsvSource
from actors.feeds.store import SeriesKey, SeriesKind, Store, parquet
from arena.exceptions import ValidationError

_PARTS_MIN = 4


def series_key(text: str) -> SeriesKey:
    """Return the key that `text` names.

    Raises:
        ValidationError: It does not have its four parts, or one of them is not possible.
    """
    source, *symbol = text.split("/")
    if len(symbol) < _PARTS_MIN - 1 or symbol[-2] not in [*SeriesKind]:
        kinds = " or ".join(SeriesKind)
        needed = f"source/symbol/kind/timeframe, such as binance/BTC/USDT/ohlcv/1d; kind is {kinds}"
        raise ValidationError("store", found=text, needed=needed)
    return SeriesKey(source, "/".join(symbol[:-2]), SeriesKind(symbol[-2]), symbol[-1])


def key_text(key: SeriesKey) -> str:
    """Return the text that `series_key` reads."""
    return f"{key.source}/{key.symbol}/{key.kind}/{key.timeframe}"


def stored(root: Path, text: str, given: Mapping[str, Any]) -> CsvSource:
    """Return the source that reads the series `text` of the store at `root`.

    Args:
        root: The store's folder.
        text: The series.
        given: What else `CsvSource` takes, without what the store knows itself.

    Raises:
        ValidationError: No series can have that name, or the values do not fit together.
    """
    key = series_key(text)
    told = {"time_column": parquet.TIME, "time_zone": "UTC", "time_unit": "ms"}
    name = f"{key.source} {quote(key.symbol, safe='')} {key.kind} {key.timeframe}"
    return CsvSource(**{**given, **told}, path=Store(root).path(key), origin=name)


def with_provenance(source: CsvSource) -> CsvSource:
    """Return a stored source with the provenance that its file has on record.

    Raises:
        DataError: It is not in the store, or damaged.
    """
    path = Path(source.path)
    try:
        return replace(source, provenance=parquet.read_header(path).provenance)
    except FileNotFoundError:
        needed = "a series of the store: `arena list-data` shows them, `arena download-data` and "
        problem = Problem(source.name, None, None, "no file", f"{needed}`import-data` add to them")
        raise DataError([problem]) from None
