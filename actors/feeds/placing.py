"""From the instant of a row to the bar that it belongs to.

A row a day belongs to its day.  Of several, shorter bars belong to the day in which they open, and
what is measured or settled at an instant to the day at whose close it is known: midnight is the end
of the day before.  Stamps of bars and settlements stand on a grid; one off it is refused, since it
usually means that the zone is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from actors.feeds.source import CsvSource
from actors.feeds.stamps import StampError
from arena.market import DAY_S

Place: TypeAlias = Callable[[int], tuple[int, int]]
"""From Unix seconds to (slot, day): of a slot there can be one row, a day since 1970 is a bar."""


def placer(source: CsvSource) -> Place:
    """Return how rows of `source` are placed; it raises `StampError`."""
    every, snap = source.every_s or DAY_S, source.snap_s

    def whole_day(stamp: int) -> tuple[int, int]:
        day, rest = divmod(stamp, DAY_S)
        if source.is_bar and rest:
            raise StampError("00:00 UTC, when a daily bar opens")
        return day, day

    def short_bar(stamp: int) -> tuple[int, int]:
        slot = _on_grid(stamp, every, snap)
        return slot, slot // DAY_S

    def settlement(stamp: int) -> tuple[int, int]:
        slot = _on_grid(stamp, every, snap)
        return slot, (slot - 1) // DAY_S

    def sample(stamp: int) -> tuple[int, int]:
        return stamp, (stamp - 1) // DAY_S

    ways = {"ohlcv": short_bar, "sum": settlement, "last": sample}
    return ways.get(source.aggregate or "", whole_day)


def as_stamped(stamp: int) -> tuple[int, int]:
    """Place a row at its own instant: for looking at a file as it is."""
    return stamp, stamp // DAY_S


def grid(every_s: int, snap_s: int) -> Place:
    """Return how rows are placed that stand at whole multiples of `every_s`, each for itself."""

    def place(stamp: int) -> tuple[int, int]:
        slot = _on_grid(stamp, every_s, snap_s)
        return slot, slot // DAY_S

    return place


def _on_grid(stamp: int, every: int, snap: int) -> int:
    """Return the point of the grid, in UTC, that `stamp` stands for."""
    slot = (stamp + every // 2) // every * every
    if abs(stamp - slot) > snap:
        give = f", give or take {snap} s" if snap else ""
        raise StampError(f"a whole multiple of {every} s after 00:00 UTC{give}")
    return slot
