"""Series that were fetched once: a folder of Parquet files, one for each series.

    store = Store(root)
    store.missing(key, start_ms, end_ms)   # what has still to be fetched
    store.merge(key, frame)                # what was fetched
    store.read(key)                        # what is there, with its spans and its hash

Times are milliseconds since 1970 in UTC.  A row's time is the *open* of its bar, whose value is
known at the close; a funding rate's time is the instant of its settlement.

Needs the extra `data`.
"""

from actors.feeds.store.frame import Frame
from actors.feeds.store.key import SeriesKey, SeriesKind, step_ms
from actors.feeds.store.spans import Span
from actors.feeds.store.store import Entry, Store

__all__ = ["Entry", "Frame", "SeriesKey", "SeriesKind", "Span", "Store", "step_ms"]
