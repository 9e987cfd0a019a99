"""Liquid staking: a token whose rate of exchange to the coin grows by what staking pays.

The token is worth the coin times its rate of exchange.  That holders of the token cannot always be
sure of that rate on a bad day (it traded 5 % below in 2022) is not modelled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arena.instruments.lending import accrue_linear
from arena.market import Floats


class StakedMarks(NamedTuple):
    """Marks of a liquid staking token, USD, each of shape (bars,); NaN where nothing is known."""

    open: Floats
    close: Floats


def mark_staked(
    opens: Floats, closes: Floats, apr: Floats, *, periods_per_year: int
) -> StakedMarks:
    """Return what one token is worth: the coin times an index that opens at 1.

    A bar whose rate is not known has no mark and earns nothing.

    Args:
        opens: The coin at each open, USD, shape (bars,).
        closes: The coin at each close, USD, shape (bars,).
        apr: What staking pays during each bar, a fraction per year, shape (bars,).
        periods_per_year: Bars in a year.

    Source:
        Lido, `getPooledEthByShares`: shares x pooled ether / total shares; rewards of a day are
        linear in the rate, and compound because they are staked, too.
    """
    known = np.isfinite(apr)
    before, after = accrue_linear(np.where(known, apr, 0.0), periods_per_year=periods_per_year)
    return StakedMarks(
        open=np.where(known, opens * before, np.nan),
        close=np.where(known, closes * after, np.nan),
    )
