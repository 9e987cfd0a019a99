"""A spread across venues: long one coin at ours, short one coin at the other.

What is held is the difference of two prices.  It is near nothing and on either side of it, so its
size is measured by the coin on each side (`<name>.unit`), never by its mark.  A long position earns
when the other venue's price comes down to ours, a short one when it rises away from it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arena.market import Floats


class SpreadMarks(NamedTuple):
    """Marks of one unit, USD, each of shape (bars,); NaN in both where one is not known."""

    open: Floats
    close: Floats


def mark_spread(opens: Floats, closes: Floats, venue_spread: Floats) -> SpreadMarks:
    """Return ours minus theirs: P - P (1 + spread) = -spread x P.

    At an open the spread is the one of the close before, the latest that anybody has seen.  The
    first bar has none before it and no mark.

    Args:
        opens: The coin at our venue at each open, USD, shape (bars,).
        closes: The coin at our venue at each close, USD, shape (bars,).
        venue_spread: The other venue's price over ours, minus 1, at each close, shape (bars,).

    Source:
        The law of one price, as accounting: a long and a short position of the same quantity.
    """
    before = np.concatenate((np.full(1, np.nan), venue_spread))[: len(venue_spread)]
    # From 0, so that no spread is 0.0 and not -0.0.
    at_open, at_close = 0.0 - before * opens, 0.0 - venue_spread * closes
    known = np.isfinite(at_open) & np.isfinite(at_close)
    return SpreadMarks(
        open=np.where(known, at_open, np.nan), close=np.where(known, at_close, np.nan)
    )
