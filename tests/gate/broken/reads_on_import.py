"""A strategy whose module reads a file of prices while it is imported."""

from __future__ import annotations

from pathlib import Path

from arena.market import MarketView
from arena.strategies import HOLD, BookView, Decision, Memory, Strategy

_PRICES = Path(__file__).read_bytes()


class ReadsOnImport(Strategy):
    """Knows the prices of a file."""

    name = "reads-on-import"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 0.5} if _PRICES[market.now % len(_PRICES)] % 2 else HOLD
