"""A file whose columns nobody has described: what it says itself, and nothing beyond.

A column that is named as in a market (`BTC.close`) is that column, in the market's unit.  `open`,
`high`, `low`, `close` are the bar of an asset that is called as the file is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from actors.feeds.problems import DataError, Problem
from actors.feeds.sheet import read_file
from actors.feeds.source import PRICES, CsvSource, field_of

STAMPS = ("time_utc", "time", "timestamp", "datetime", "date", "day")
"""What a column of stamps may be called; else it has to be said."""

_PLAIN = {
    "apr": "fraction",
    "staking_apr": "fraction",
    "funding": "fraction/day",
    "iv": "ratio",
    "venue_spread": "ratio",
}
"""The unit of a field in a market, as a file would call it."""


def read_header(path: Path) -> list[str]:
    """Return the names of a file's columns.

    Raises:
        DataError: It cannot be read, or is empty.
    """
    for _, header in read_file(str(path)):
        return [title.strip() for title in header]
    raise DataError([Problem(str(path), None, None, "an empty file", "a header and rows")])


def describe(
    path: Path, *, series: Mapping[str, str], where: Mapping[str, str], **given: Any
) -> list[CsvSource]:
    """Return the sources that read a file, one for each instrument and feature.

    Args:
        path: A CSV or Parquet file.
        series: Target column -> the file's column, all of one source; empty: those that the header
            names.
        where: As for `CsvSource`.
        given: What else `CsvSource` takes; a value of None is as if it were left out.

    Raises:
        DataError: The header names no column of stamps, or nothing that a market has.
        ValidationError: The values do not fit together.
    """
    header = read_header(path)
    known: dict[str, Any] = {"time_zone": "UTC"}
    known |= {name: value for name, value in given.items() if value is not None}
    known |= {"path": path, "where": where}
    if "time_column" not in known:
        known["time_column"] = find_stamps(path, header)
    if series:
        return [CsvSource(series=series, **known)]
    others = [title for title in header if title != known["time_column"] and title not in where]
    groups = _by_name(path, others)
    if not groups:
        needed = "columns named as in a market, such as BTC.close; or say which is which (--series)"
        raise DataError([Problem(str(path), 1, None, header, needed)])
    return [CsvSource(series=group, **_in_units(group, known)) for group in groups]


def find_stamps(path: Path, titles: Sequence[str]) -> str:
    """Return the column of stamps.

    Raises:
        DataError: No column is called as one.
    """
    for name in STAMPS:
        if name in titles:
            return name
    needed = f"a column {', '.join(STAMPS)}; or say which one it is (--time-column)"
    raise DataError([Problem(str(path), 1, None, titles, needed)])


def _by_name(path: Path, titles: Sequence[str]) -> list[dict[str, str]]:
    """Return the columns of a market that the header names, by instrument."""
    if not any(field_of(title) for title in titles):
        asset = path.name.partition(".")[0]
        bar = {f"{asset}.{title}": title for title in titles if title in PRICES}
        return [bar] if bar else []
    groups: dict[str, dict[str, str]] = {}
    for title in titles:
        instrument, _, kind = title.rpartition(".")
        is_bar = kind in (*PRICES, "volume", "expires")
        groups.setdefault(f"{instrument}." if is_bar else title, {})[title] = title
    return [*groups.values()]


def _in_units(group: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a source, in the market's units where nothing else was said."""
    plain = {title: unit for title in group if (unit := _PLAIN.get(field_of(title)))}
    return {**known} if "unit" in known else {**known, "units": plain}
