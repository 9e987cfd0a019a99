"""Market-Maker: buy a little below the price, sell a little above it, and own no opinion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from arena.costs import BPS
from arena.instruments import Instrument, Kind
from arena.market import MarketView
from arena.seed import Seed
from arena.strategies.reading import average, latest, realised_volatility
from arena.strategies.strategy import (
    HOLD,
    BookView,
    Choice,
    Decision,
    Memory,
    Number,
    Quote,
    Quotes,
    Strategy,
)
from arena.words import Scalar

MOST_TRADED = "most-traded"

VOLUME_DAYS = 30
"""Days over which it is decided what is traded most."""

INVENTORY_OFF = 0.5
"""Further than this share of its target, an inventory is put right at the open."""

CASH_SHARE = 0.8
"""Most of the cash that one bid may spend: the next open is not known yet."""

RESUMES = 0.5
"""Having paused, it quotes again when the trend is below this share of what it paused at."""

DISTANCE_MAX = 0.5
"""No quote is further from the open than this."""

WITHDRAWN = 1.0
"""The distance of a bid that nobody can reach."""


class MarketMaker(Strategy):
    """Quotes both sides of one coin around each open, and keeps its inventory about a target.

    Idea: whoever must trade now pays for it; a price that comes back pays the one who waited on
    both sides.
    Watches: the realised daily volatility over `volatility_days`, the price's move over
    `trend_days`, and its own inventory.
    Trades: each day a bid and an ask, `distance_volatilities` daily volatilities from the open but
    no less than `distance_min_bps`, moved so that an inventory above its target sells sooner and
    buys later (`skew`).  An inventory that is half off its target is put right at the open.  While
    the trend is stronger than `trend_max_volatilities` it quotes nothing and holds nothing.
    Risk: it buys all the way down, until the trend is strong enough to be seen; its inventory falls
    with the coin; a bar that reaches both quotes is taken to have filled both.
    """

    name = "market-maker"
    family = "market-making"
    needs_kind = Kind.SPOT
    parameters = (
        Choice(
            name="coin",
            default=MOST_TRADED,
            options=(MOST_TRADED, "BTC", "ETH", "SOL"),
            doc=f"What it quotes; `{MOST_TRADED}` over the last {VOLUME_DAYS} days.",
        ),
        Number(
            name="distance_volatilities",
            default=0.6,
            low=0.2,
            high=2.0,
            doc="Distance of a quote from the open, in daily volatilities.",
        ),
        Number(
            name="distance_min_bps",
            default=30.0,
            low=5.0,
            high=200.0,
            doc="Least distance of a quote from the open, basis points.",
        ),
        Number(
            name="inventory",
            default=0.3,
            low=0.05,
            high=0.5,
            doc="Weight of the coin that is aimed at.",
        ),
        Number(
            name="size",
            default=0.25,
            low=0.05,
            high=0.5,
            doc="Size of a quote, a share of the inventory that is aimed at.",
        ),
        Number(
            name="skew",
            default=0.5,
            low=0.0,
            high=1.0,
            doc="How far quotes move, as a share of their distance, for an inventory of twice the "
            "target or of nothing.",
        ),
        Number(
            name="volatility_days",
            default=20,
            low=5,
            high=60,
            integer=True,
            doc="Days over which volatility is measured.",
        ),
        Number(
            name="trend_days",
            default=20,
            low=5,
            high=60,
            integer=True,
            doc="Days over which the trend is measured.",
        ),
        Number(
            name="trend_max_volatilities",
            default=1.5,
            low=0.5,
            high=4.0,
            doc="Trend from which on it pauses, in volatilities of so many days.",
        ),
    )

    def __init__(
        self, settings: Mapping[str, Scalar], instruments: Sequence[Instrument], seed: Seed
    ) -> None:
        """Make one agent's market maker."""
        super().__init__(settings, instruments, seed)
        spot = sorted(each.name for each in instruments if each.kind is Kind.SPOT)
        coin = self.word("coin")
        self._coins = [name for name in spot if coin in {name, MOST_TRADED}]
        self._least = self.number("distance_min_bps") / BPS

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return quotes around the next open; nothing while the trend is strong; or HOLD."""
        coin = self._choose(market)
        if coin is None or book.equity <= 0:
            return HOLD
        volatility = realised_volatility(market, coin, self.days("volatility_days"))
        trend = self._trend(market, coin, volatility)
        if math.isnan(trend):
            return HOLD
        limit = self.number("trend_max_volatilities")
        memory["paused"] = trend > (limit * RESUMES if memory.get("paused") else limit)
        if memory["paused"]:
            return {} if book.weights else HOLD
        return self._quote(coin, volatility / math.sqrt(market.periods_per_year), book)

    def _choose(self, market: MarketView) -> str | None:
        """Return what is quoted: of what can be, the most traded; the first where none is known.

        What has no high and low cannot be quoted: nobody would know whether a quote was reached.
        A token that may end is a venture.
        """
        listed = [name for name in self._coins if _can_be_quoted(market, name)]
        if len(listed) < 2:
            return listed[0] if listed else None
        volumes = {name: average(market, f"{name}.volume", VOLUME_DAYS) for name in listed}
        return max(listed, key=lambda name: -1.0 if math.isnan(volumes[name]) else volumes[name])

    def _trend(self, market: MarketView, coin: str, volatility: float) -> float:
        """Return how far the price has gone, in volatilities of the time that it took."""
        days = self.days("trend_days")
        if market.now < days:
            return math.nan
        closes = market.history(f"{coin}.close")
        before, now = float(closes[-days - 1]), float(closes[-1])
        if not (before > 0.0 and now > 0.0 and volatility > 0.0):
            return math.nan
        gone = abs(math.log(now / before))
        return gone / (volatility * math.sqrt(days / market.periods_per_year))

    def _quote(self, coin: str, volatility: float, book: BookView) -> Quotes:
        """Return a quote on both sides.

        Args:
            coin: What is quoted.
            volatility: Of a day, a fraction.
            book: The agent's.
        """
        aim, held = self.number("inventory"), book.weights.get(coin, 0.0)
        off = held / aim - 1.0
        astray = any(weight for name, weight in book.weights.items() if name != coin)
        right = not astray and abs(off) <= INVENTORY_OFF
        if not right:
            held, off = aim, 0.0
        distance = max(self._least, self.number("distance_volatilities") * volatility)
        lean = distance * self.number("skew") * off
        bid, ask = (min(max(each, self._least), DISTANCE_MAX) for each in _sides(distance, lean))
        size = aim * self.number("size")
        if size > CASH_SHARE * (1.0 - held) * (1.0 - bid):
            bid = WITHDRAWN
        return Quotes({coin: Quote(bid, ask, size)}, HOLD if right else {coin: aim})


def _can_be_quoted(market: MarketView, name: str) -> bool:
    if f"{name}.expires" in market.columns:
        return False
    parts = (latest(market, f"{name}.{field}") for field in ("high", "low", "close"))
    return not any(math.isnan(part) for part in parts)


def _sides(distance: float, lean: float) -> tuple[float, float]:
    """Return the distances of bid and ask: with too much inventory, both lie lower."""
    return distance + lean, distance - lean
