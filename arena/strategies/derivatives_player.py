"""Derivatives-Player: sell dear insurance, or follow a trend, never beyond what backs it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from arena.instruments import Instrument, Kind, Right
from arena.instruments.black_scholes import price_option
from arena.market import MarketView
from arena.seed import Seed
from arena.strategies.reading import average, latest, realised_volatility
from arena.strategies.strategy import HOLD, BookView, Choice, Decision, Memory, Number, Strategy
from arena.words import Scalar

DAYS_PER_YEAR = 365

ANY = "any"

TOO_MUCH = 1.2
"""A written position above so many times what it should be is cut back."""

COVER = 0.01
"""By so much of equity the coins exceed the calls on them: small changes are not traded."""

RESIZED = 0.3
"""A perpetual position is left alone while it is off its size by less than this share."""

FUNDING_OUT = 2.0
"""A position is left when its funding costs so many times what it may cost to enter."""

VOLATILITY_LEAST = 0.01
"""A market that stands still is taken to move by this much a year."""


class Leg(NamedTuple):
    """What one part of the strategy wants.

    Attributes:
        targets: Instrument -> weight.
        settled: Whether that is what it has.
    """

    targets: dict[str, float]
    settled: bool


class Stand(NamedTuple):
    """What one perpetual is worth holding, as far as it is known.

    Attributes:
        weight: Per dollar of capital; 0 is nothing.
        strength: How far the trend has gone, a fraction.
    """

    weight: float
    strength: float


class DerivativesPlayer(Strategy):
    """Writes options while they are dear, or holds a perpetual with the trend, long or short.

    Idea: who insures is paid for it, on average: implied volatility exceeds what is realised later.
    Trends of months go on, and a perpetual follows them both ways.
    Watches: implied less realised volatility (the edge); a perpetual's distance from its average of
    `trend_days`, its volatility, and what its funding costs.
    Trades: `style` says what.  `puts` are written against cash, `calls` against as many coins,
    bought with them: when the edge is at least `edge_in` and pays for the trade; bought back when
    it is below `edge_out`, or else kept to expiry.  `trend` holds a perpetual that is further than
    `trend_band` from its average, sized to `volatility_target`, unless funding costs more than
    `funding_max`.  `mixed` divides the capital between puts and trend.
    Risk: written options earn little often and lose much at once, when volatility jumps; a trend
    turns; funding and whipsaws eat what it brings; a margin can be used up.
    """

    name = "derivatives-player"
    family = "derivatives"
    needs_kind = Kind.OPTION
    ordered = (("edge_out", "edge_in"),)
    parameters = (
        Choice(
            name="style",
            default="puts",
            options=("puts", "calls", "trend", "mixed"),
            doc="Cash-secured puts, covered calls, a perpetual with the trend, or puts and trend.",
        ),
        Choice(
            name="underlying",
            default=ANY,
            options=(ANY, "BTC", "ETH"),
            doc=f"On which coin; `{ANY}`: wherever the edge, or the trend, is largest.",
        ),
        Number(
            name="exposure",
            default=0.6,
            low=0.1,
            high=1.0,
            doc="Options: notional that is written, a share of its capital.",
        ),
        Number(
            name="edge_in",
            default=0.08,
            low=0.02,
            high=0.3,
            doc="Implied less realised volatility from which on it writes, a fraction.",
        ),
        Number(
            name="edge_out",
            default=-0.3,
            low=-1.0,
            high=0.02,
            doc="Implied less realised volatility under which it buys back, a fraction.",
        ),
        Number(
            name="volatility_days",
            default=20,
            low=5,
            high=60,
            integer=True,
            doc="Days over which volatility is realised.",
        ),
        Number(
            name="left_min_days",
            default=10,
            low=1,
            high=25,
            integer=True,
            doc="A contract that expires sooner is not written any more.",
        ),
        Number(
            name="trend_days",
            default=50,
            low=10,
            high=120,
            integer=True,
            doc="Length of the average that tells the trend.",
        ),
        Number(
            name="trend_band",
            default=0.03,
            low=0.0,
            high=0.15,
            doc="Distance from the average that is a trend, a fraction of the average.",
        ),
        Number(
            name="volatility_target",
            default=0.4,
            low=0.1,
            high=1.0,
            doc="Volatility of the perpetual position, a fraction of its capital per year.",
        ),
        Number(
            name="leverage",
            default=1.5,
            low=0.5,
            high=3.0,
            doc="Most notional of the perpetual position per dollar of its capital.",
        ),
        Number(
            name="funding_max",
            default=0.3,
            low=0.05,
            high=1.0,
            doc="Most that funding may cost at entry, a fraction of the notional per year.",
        ),
        Number(
            name="funding_days",
            default=7,
            low=1,
            high=30,
            integer=True,
            doc="Days over which funding is averaged.",
        ),
    )

    def __init__(
        self, settings: Mapping[str, Scalar], instruments: Sequence[Instrument], seed: Seed
    ) -> None:
        """Make one agent's player."""
        super().__init__(settings, instruments, seed)
        coin = self.word("underlying")
        offered = sorted(instruments, key=lambda each: each.name)
        self._spot = {each.name for each in offered if each.kind is Kind.SPOT}
        mine = [each for each in offered if coin in {ANY, each.underlying} and each.underlying]
        self._puts = [each for each in mine if each.right is Right.PUT]
        self._calls = [
            each for each in mine if each.right is Right.CALL and each.underlying in self._spot
        ]
        self._perpetuals = [each for each in mine if each.kind is Kind.PERPETUAL]

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return the weights of what is written and of the perpetual, or HOLD."""
        del memory
        if book.equity <= 0:
            return HOLD
        style = self.word("style")
        if style == "trend":
            legs = [self._follow(market, book, 1.0)]
        elif style == "mixed":
            legs = [self._write(self._puts, market, book, 0.5), self._follow(market, book, 0.5)]
        else:
            options = self._puts if style == "puts" else self._calls
            legs = [self._write(options, market, book, 1.0)]
        if all(leg.settled for leg in legs):
            return HOLD
        return {name: weight for leg in legs for name, weight in leg.targets.items()}

    def _write(
        self, options: Sequence[Instrument], market: MarketView, book: BookView, capital: float
    ) -> Leg:
        """Return what is written with `capital`, a share of the whole, and the coins behind it."""
        names = {part for option in options for part in _package(option, 1.0)}
        held = {name: book.weights[name] for name in sorted(names & book.weights.keys())}
        edges = {option.name: self._edge(market, option) for option in options}
        worth = [each for each in options if self._pays(market, book, each, edges[each.name])]
        written = [each for each in options if held.get(each.name, 0.0) < 0.0]
        kept = [each for each in written if not edges[each.name] < self.number("edge_out")]
        if not kept and not worth:
            return Leg({}, settled=not held)
        best = max(kept or worth, key=lambda each: edges[each.name])
        aim = capital * self.number("exposure")
        if kept and held.keys() == _package(best, aim).keys():
            has = -held[best.name]
            if has <= TOO_MUCH * aim and (has >= aim / 2 or best not in worth):
                return Leg({name: max(w, -capital) for name, w in held.items()}, settled=True)
        return Leg(_package(best, aim), settled=False)

    def _edge(self, market: MarketView, option: Instrument) -> float:
        """Return implied less realised volatility; NaN where one of them is not known."""
        coin = option.underlying or ""
        realised = realised_volatility(market, coin, self.days("volatility_days"))
        return latest(market, f"{coin}.iv") - realised

    def _pays(self, market: MarketView, book: BookView, option: Instrument, edge: float) -> bool:
        """Return whether writing an option is worth its costs; not where anything is not known.

        What is gained, if volatility stays what it was: the price at the implied volatility less
        the price at the realised one.
        """
        spot = latest(market, f"{option.underlying}.close")
        strike, left = self._next_contract(market, option, spot)
        if not (edge >= self.number("edge_in") and left >= self.days("left_min_days")):
            return False
        implied = latest(market, f"{option.underlying}.iv")
        realised = max(implied - edge, VOLATILITY_LEAST)
        dear, cheap = (
            float(price_option(Right(option.right or ""), spot, strike, each, left / DAYS_PER_YEAR))
            for each in (implied, realised)
        )
        coins = 2.0 * book.costs.rate(Kind.SPOT) if option.right is Right.CALL else 0.0
        return dear - cheap > spot * (book.costs.rate(Kind.OPTION) + coins)

    def _next_contract(
        self, market: MarketView, option: Instrument, spot: float
    ) -> tuple[float, float]:
        """Return strike and days to expiry of what is listed at the next open."""
        left = latest(market, option.column("days_left"))
        if left == 0.0:
            return option.moneyness * spot, float(option.tenor_days)
        return latest(market, option.column("strike")), left

    def _follow(self, market: MarketView, book: BookView, capital: float) -> Leg:
        """Return the perpetual position that is held with `capital`, a share of the whole."""
        mine = {each.name: each for each in self._perpetuals}
        held = {name: book.weights[name] for name in mine if book.weights.get(name)}
        most = {name: capital * each.leverage_max for name, each in mine.items()}
        as_it_is = {name: min(max(w, -most[name]), most[name]) for name, w in held.items()}
        stands = {name: self._stand(market, mine[name], held.get(name, 0.0)) for name in mine}
        if any(math.isnan(stands[name].weight) for name in held):
            return Leg(as_it_is, settled=True)
        kept = [name for name in held if stands[name].weight * held[name] > 0.0]
        worth = kept or [name for name in mine if abs(stands[name].weight) > 0.0]
        if not worth:
            return Leg({}, settled=not held)
        best = max(worth, key=lambda name: stands[name].strength)
        wanted = capital * stands[best].weight
        if held.keys() == {best} and abs(held[best] - wanted) <= RESIZED * abs(wanted):
            return Leg(as_it_is, settled=True)
        return Leg({best: wanted}, settled=False)

    def _stand(self, market: MarketView, perpetual: Instrument, has: float) -> Stand:
        """Return what one perpetual is worth holding, who holds `has` of it.

        Between the bands a position is kept, and none is begun.
        """
        close = latest(market, perpetual.close_column)
        distance = close / average(market, perpetual.close_column, self.days("trend_days")) - 1.0
        carry = average(market, perpetual.column("carry"), self.days("funding_days"))
        volatility = realised_volatility(market, perpetual.name, self.days("volatility_days"))
        if math.isnan(distance + carry + volatility):
            return Stand(math.nan, math.nan)
        is_trend = abs(distance) > self.number("trend_band")
        side = math.copysign(1.0, distance if is_trend else has) if is_trend or has else 0.0
        patience = FUNDING_OUT if side * has > 0.0 else 1.0
        costs = side * carry * market.periods_per_year / close
        if not side or costs > patience * self.number("funding_max"):
            return Stand(0.0, 0.0)
        size = self.number("volatility_target") / max(volatility, VOLATILITY_LEAST)
        size = min(size, self.number("leverage"), perpetual.leverage_max)
        return Stand(side * size, abs(distance))


def _package(option: Instrument, notional: float) -> dict[str, float]:
    """Return the weights that write an option: a call needs the coin, and a little more of it."""
    if option.right is Right.CALL and option.underlying is not None:
        return {option.underlying: notional, option.name: COVER - notional}
    return {option.name: -notional}
