"""The store: what was fetched once is not fetched again, and is never changed in silence.

There is no lock.  Two processes that write one series at the same moment leave one of the two
results, whole; what the other had fetched is fetched again the next time.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from actors.feeds.problems import DataError, Problem
from actors.feeds.store import parquet
from actors.feeds.store.frame import Frame
from actors.feeds.store.key import SeriesKey
from actors.feeds.store.parquet import Header
from actors.feeds.store.spans import Span, subtract


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a store.

    Attributes:
        path: The file.
        header: What it says about itself.
    """

    path: Path
    header: Header


class Store:
    """A folder of series."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        """Use the folder `root`; it is made when the first series is written."""
        self.root = Path(root)

    def path(self, key: SeriesKey) -> Path:
        """Return the file that holds `key`, whether or not it is there."""
        return self.root / key.path

    def read(self, key: SeriesKey) -> Frame:
        """Return everything that is stored of `key`.

        Raises:
            DataError: It is not there, damaged, or another series.
        """
        path = self.path(key)
        try:
            found, frame = parquet.read(path)
        except FileNotFoundError:
            needed = f"{key}: download or import it first"
            raise DataError([Problem(os.fspath(path), None, None, "no file", needed)]) from None
        self._expect(key, found)
        return frame

    def missing(self, key: SeriesKey, start_ms: int, end_ms: int) -> tuple[Span, ...]:
        """Return the parts of a wish that no source has answered yet, in order.

        Args:
            key: The series.
            start_ms: First bar, inclusive; the bar that holds it counts from its open.
            end_ms: Where the bars end, exclusive; a bar that would end later does not count.

        Raises:
            DataError: The file is damaged, or another series.
        """
        step = key.step_ms
        wanted = Span(start_ms // step * step, end_ms // step * step)
        try:
            header = parquet.read_header(self.path(key))
        except FileNotFoundError:
            return subtract(wanted, ())
        self._expect(key, header.key)
        return subtract(wanted, header.spans)

    def merge(self, key: SeriesKey, frame: Frame, *, overwrite: bool = False) -> Frame:
        """Add `frame` to what is stored of `key`, and return all of it.

        Args:
            key: The series.
            frame: Rows and the spans that they answer for; they may overlap what is stored.
            overwrite: Whether a row with other values replaces the stored one.

        Raises:
            DataError: A row is stored with other values (and `overwrite` is not set), columns, unit
                or provenance differ, or the stored file is damaged.
            OSError: The disk refused; what was there is still there.
        """
        merged = frame
        if self.path(key).exists():
            stored = self.read(key)
            self._check_alike(key, stored, frame)
            if not overwrite:
                self._check_agreement(key, stored, frame)
            merged = _joined(stored, frame)
            if merged.spans == stored.spans and merged.sha256 == stored.sha256:
                return stored
        parquet.write(self.path(key), key, merged)
        return merged

    def list(self) -> tuple[Entry, ...]:
        """Return what is stored, in order of source, symbol, kind and timeframe.

        Raises:
            DataError: A file is damaged; it is named.
        """
        paths = sorted(self.root.glob("*/*/*.parquet"))
        entries = [Entry(path, parquet.read_header(path)) for path in paths]
        return tuple(sorted(entries, key=lambda entry: entry.header.key))

    def _expect(self, key: SeriesKey, found: SeriesKey) -> None:
        if found != key:
            raise parquet.damaged(self.path(key), str(found), str(key))

    def _check_alike(self, key: SeriesKey, stored: Frame, new: Frame) -> None:
        for name in ("columns", "unit", "provenance"):
            found, needed = getattr(new, name), getattr(stored, name)
            if found != needed:
                place = f"{self.path(key)}, {name}"
                raise DataError([Problem(place, None, None, found, f"{needed!r}, as stored")])

    def _check_agreement(self, key: SeriesKey, stored: Frame, new: Frame) -> None:
        _, old_at, new_at = np.intersect1d(stored.times, new.times, return_indices=True)
        before, after = stored.values[old_at], new.values[new_at]
        differs = ~((before == after) | (np.isnan(before) & np.isnan(after)))
        if not differs.any():
            return
        row, column = np.argwhere(differs)[0]
        time = datetime.fromtimestamp(int(stored.times[old_at[row]]) / 1000, UTC)
        found = f"{after[row, column]} at {time.isoformat()}"
        needed = (
            f"{before[row, column]}, as stored ({int(differs.any(axis=1).sum())} rows differ); find"
            " out which is right, or overwrite"
        )
        place = os.fspath(self.path(key))
        raise DataError([Problem(place, None, stored.columns[column], found, needed)])


def _joined(stored: Frame, new: Frame) -> Frame:
    """Return the rows of both; where both have one, the new one."""
    kept = ~np.isin(stored.times, new.times)
    times = np.concatenate([stored.times[kept], new.times])
    values = np.concatenate([stored.values[kept], new.values])
    order = np.argsort(times, kind="stable")
    return replace(new, times=times[order], values=values[order], spans=(*stored.spans, *new.spans))
