"""From what a provider sent to a frame: in order, on the grid, finished, with honest ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from actors.feeds.clients.errors import ProviderError
from actors.feeds.store import Frame, SeriesKey, Span
from arena.market import Provenance

TAIL_MS = 2 * 86_400_000
"""A bar without a row at the end of an answer may still come for so long; later it is a gap."""

Row = tuple[int, Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the numbers of a frame are; see `Frame`.

    Attributes:
        columns: What each number of a row is.
        unit: Of the values.
        provenance: Where they come from.
    """

    columns: tuple[str, ...]
    unit: str
    provenance: Provenance = Provenance.REAL


def bar_that_closes_after(stamp_ms: int, step_ms: int) -> int:
    """Return the open of the bar in which a sample is the latest: open < stamp <= close.

    A price stamped 00:00 is the close of the day before.
    """
    return (stamp_ms - 1) // step_ms * step_ms


def on_grid(stamp_ms: int, step_ms: int, *, tolerance_ms: int) -> int | None:
    """Return the instant of the grid that `stamp_ms` means, or None if it is near none."""
    nearest = (stamp_ms + step_ms // 2) // step_ms * step_ms
    return nearest if abs(stamp_ms - nearest) <= tolerance_ms else None


def make_frame(
    key: SeriesKey, span: Span, rows: Sequence[Row], meaning: Meaning, *, now_ms: int, recent: bool
) -> Frame:
    """Return the rows of `span`, in order; of rows with one stamp the last that was sent.

    Args:
        key: The series.
        span: What was asked for, finished bars only; other rows are dropped.
        rows: Time and numbers, in any order; None is a number that the provider does not have.
        meaning: What the numbers are.
        now_ms: When they were asked for.
        recent: Whether the provider sends only the latest rows, however much was asked for: then
            the time before the first one is not answered.

    Raises:
        ProviderError: A row does not stand on the grid of the timeframe.
    """
    kept = {time: numbers for time, numbers in rows if span.start <= time < span.end}
    for time in kept:
        if time % key.step_ms:
            raise ProviderError(
                key.source,
                str(key),
                found=f"a row at {time} ms",
                needed=f"rows every {key.timeframe}; ask with the timeframe that it has",
            )
    times = sorted(kept)
    known_until = times[-1] + key.step_ms if times else span.start
    settled = (now_ms - TAIL_MS) // key.step_ms * key.step_ms
    start = (times[0] if times else span.end) if recent else span.start
    answered = Span(start, max(known_until, min(span.end, settled)))
    values = np.array([kept[time] for time in times], dtype=np.float64)
    return Frame(
        times=np.array(times, dtype=np.int64),
        values=values.reshape(len(times), len(meaning.columns)),
        columns=meaning.columns,
        unit=meaning.unit,
        provenance=meaning.provenance,
        spans=(answered,),
    )
