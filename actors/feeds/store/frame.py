"""A piece of one series in memory: rows in order of time, and the spans that they answer for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from actors.feeds.store.spans import Span, union
from arena.exceptions import ValidationError
from arena.market import Floats, Provenance

Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Rows of one series.

    Attributes:
        times: Milliseconds since 1970, strictly ascending; the open of each row's bar.
        values: float64, shape (rows, columns), finite or NaN (the source has no number).
        columns: What each column is.
        unit: Unit of the values: `USD`, `USDT`, `1/year`, `ratio`.  A column that has another says
            so last in its name: `tvl_usd`, `volume_base`.
        provenance: Where the numbers come from.
        spans: The time that the source answered for.  A bar inside that has no row is a gap at the
            source, and not asked for again.
    """

    times: Times
    values: Floats
    columns: tuple[str, ...]
    unit: str
    provenance: Provenance
    spans: tuple[Span, ...]

    def __post_init__(self) -> None:
        """Check the rows, join the spans, and freeze the numbers.

        Raises:
            ValidationError: Shapes disagree, rows are out of order or infinite, or a row lies
                outside the spans (such as a bar that is not finished).
        """
        shape = (len(self.times), len(self.columns))
        if self.values.shape != shape:
            raise ValidationError("frame", found=self.values.shape, needed=str(shape))
        if len(self.times) > 1 and not np.all(np.diff(self.times) > 0):
            raise ValidationError("frame", found="times out of order", needed="each one later")
        if np.any(np.isinf(self.values)):
            raise ValidationError("frame", found="an infinite value", needed="numbers, or NaN")
        object.__setattr__(self, "spans", union(self.spans))
        outside = self.times[~_inside(self.times, self.spans)]
        if len(outside):
            raise ValidationError(
                "frame", found=f"a row at {outside[0]} ms", needed=f"rows inside {self.spans}"
            )
        self.times.flags.writeable = False
        self.values.flags.writeable = False

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.times)

    def column(self, name: str) -> Floats:
        """Return one column.

        Raises:
            ValidationError: There is no such column.
        """
        if name not in self.columns:
            raise ValidationError("column", found=name, needed=f"one of {', '.join(self.columns)}")
        return self.values[:, self.columns.index(name)]

    def between(self, start_ms: int, end_ms: int) -> Frame:
        """Return the rows and spans from `start_ms` up to but not including `end_ms`."""
        low, high = np.searchsorted(self.times, [start_ms, end_ms])
        cut = [Span(max(start, start_ms), min(end, end_ms)) for start, end in self.spans]
        return replace(
            self,
            times=self.times[low:high],
            values=self.values[low:high],
            spans=tuple(span for span in cut if span.start < span.end),
        )

    def gaps(self, step_ms: int) -> tuple[Span, ...]:
        """Return where the source has no row, though it was asked.

        The time before the first row is no gap: the series had not begun.

        Args:
            step_ms: Length of a bar; see `SeriesKey.step_ms`.
        """
        if not len(self.times):
            return ()
        due = np.concatenate([np.arange(start, end, step_ms) for start, end in self.spans])
        due = due[(due > self.times[0]) & ~np.isin(due, self.times)]
        return union(Span(int(at), int(at) + step_ms) for at in due)

    @property
    def sha256(self) -> str:
        """The hash of the numbers, of what they are called and of their unit.

        It depends on no file format: little-endian int64 times, then little-endian float64 values
        row by row; every NaN is the same NaN, and there is no negative zero.
        """
        told = json.dumps([list(self.columns), self.unit], separators=(",", ":"))
        values = np.where(np.isnan(self.values), np.nan, self.values) + 0.0
        rows = self.times.astype("<i8").tobytes() + values.astype("<f8").tobytes()
        return hashlib.sha256(told.encode() + b"\n" + rows).hexdigest()


def _inside(times: Times, spans: tuple[Span, ...]) -> npt.NDArray[np.bool_]:
    """Return for each time whether a span holds it; `spans` are joined and in order."""
    starts = np.array([span.start for span in spans], dtype=np.int64)
    ends = np.array([span.end for span in spans], dtype=np.int64)
    if not len(starts):
        return np.zeros(len(times), dtype=np.bool_)
    at = np.searchsorted(starts, times, side="right") - 1
    return (at >= 0) & (times < ends[at])
