"""Strategies that break, hang, answer what is no answer, or trade without end."""

from __future__ import annotations

import math
import os
from typing import cast

from arena.market import MarketView
from arena.strategies import HOLD, BookView, Decision, Memory, Number, Strategy


class Crashes(Strategy):
    """Divides by nothing, some day."""

    name = "crashes"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 1 / (75 - market.now) * 0.0}


class Leaves(Strategy):
    """Ends the process that it is in."""

    name = "leaves"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        raise SystemExit(3)


class CrashesAtTheEdge(Strategy):
    """Is wrong at one end of what it declares."""

    name = "crashes-at-the-edge"
    family = "broken"
    parameters = (Number(name="days", default=5, low=0, high=9, integer=True, doc="Days."),)

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 0.5 / self.days("days") / 10.0}


class Hangs(Strategy):
    """Thinks for ever."""

    name = "hangs"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        while market.now >= 70:
            pass
        return HOLD


class EndsItsProcess(Strategy):
    """Ends its process where nothing can be caught any more."""

    name = "ends-its-process"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        os._exit(0)


class AnswersNaN(Strategy):
    """Wants as much as cannot be said."""

    name = "answers-nan"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": math.nan}


class AnswersNone(Strategy):
    """Forgot to answer."""

    name = "answers-none"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return cast("Decision", None)


class WantsTooMuch(Strategy):
    """Is valid with its defaults, and not at the end of its bounds."""

    name = "wants-too-much"
    family = "broken"
    parameters = (Number(name="weight", default=0.4, low=0.0, high=0.8, doc="Of each coin."),)

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": self.number("weight"), "ETH": self.number("weight")}


class OverTrades(Strategy):
    """Changes sides on every day, with all that it may borrow."""

    name = "over-trades"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC-PERP": 2.0 if market.now % 2 else -2.0}


class TradesAllOfItDaily(Strategy):
    """Sells all of one coin for all of another, every day."""

    name = "trades-all-of-it-daily"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC" if market.now % 2 else "SOL": 1.0}
