"""The synthetic feed: a market that needs no file and no network.

The days before `start` are for warming up: agents see them and do not trade them.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from arena.market import DAY_S, Market
from arena.prices import simulate_market
from arena.seed import Seed


def load_synthetic(
    *, days: int, warmup_days: int, seed: Seed, start: date, universe: str = "core"
) -> Market:
    """Return a synthetic market of `warmup_days` + `days` bars.

    Args:
        days: Days to trade, from `start` on.
        warmup_days: Days before `start`, >= 0.
        seed: The market is a pure function of it and of the number of bars.
        start: The first day to trade, UTC.
        universe: One of `arena.prices.UNIVERSES`.

    Raises:
        ValidationError: The market would have no bar, or there is no such universe.
    """
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
    opens_at = int(midnight.timestamp()) - warmup_days * DAY_S
    return simulate_market(warmup_days + days, seed, opens_at=opens_at, universe=universe)
