"""Strategies that look ahead, each by another way around the view that they are handed."""

from __future__ import annotations

import ctypes
import gc
import math

import numpy as np

from arena.market import Floats, Market, MarketView
from arena.strategies import HOLD, BookView, Decision, Memory, Strategy


def follow(now: float, then: float) -> Decision:
    """Hold the coin if it is worth more then, and nothing if it is worth less."""
    if math.isnan(now) or math.isnan(then):
        return HOLD
    return {"BTC": 0.9} if then > now else {}


class PeeksThroughTheFeed(Strategy):
    """Finds the market that the feed owns among all objects that there are, now and then."""

    name = "peeks-through-the-feed"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        if market.now % 6:
            return HOLD
        for found in gc.get_objects():
            if isinstance(found, Market) and len(found) > market.now + 1:
                closes = found.column("BTC.close")
                return follow(float(closes[market.now]), float(closes[market.now + 1]))
        return HOLD


class PeeksBeyondTheEnd(Strategy):
    """Reads the memory behind the last value of an array that ends at now."""

    name = "peeks-beyond-the-end"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        closes = market.history("BTC.close")
        start, _ = closes.__array_interface__["data"]
        behind = ctypes.c_double.from_address(start + closes.nbytes)
        return follow(float(closes[-1]), behind.value)


class PeeksAtTheBase(Strategy):
    """Follows an array to the buffer that it is a part of."""

    name = "peeks-at-the-base"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        closes = market.history("BTC.close")
        whole = closes.base
        assert whole is not None
        ahead = whole[market.columns["BTC.close"], market.now + 1 :]
        return follow(float(closes[-1]), float(ahead[0]) if len(ahead) else math.nan)


_KEPT: dict[int, Floats] = {}


class PeeksIntoACopy(Strategy):
    """Copies the whole market once, into a global of its module, and looks things up there."""

    name = "peeks-into-a-copy"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        key = len(market.opens_at)
        if key not in _KEPT:
            owners = [found for found in gc.get_objects() if isinstance(found, Market)]
            found = next((each for each in owners if len(each) == key), None)
            _KEPT[key] = np.full(key, np.nan) if found is None else found.column("BTC.close").copy()
        closes = _KEPT[key]
        if market.now + 1 >= len(closes):
            return HOLD
        return follow(float(closes[market.now]), float(closes[market.now + 1]))


class KnowsTheLastDay(Strategy):
    """Sells on the last day: the calendar says when that is."""

    name = "knows-the-last-day"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        left = len(market.opens_at) - 1 - market.now
        return {} if left < 5 else {"BTC": 0.9}
