"""Moonshot-Venture: many small tickets in young tokens, of which most die and a few pay for all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from arena.instruments import Instrument, Kind
from arena.market import MarketView
from arena.money import MICRO, Money
from arena.seed import Seed
from arena.strategies.reading import average, latest
from arena.strategies.strategy import HOLD, BookView, Decision, Memory, Number, Strategy
from arena.words import Scalar

SMALL_USD = 10_000_000.0
"""A coin of which less is traded in a day is small: no name says what a moonshot is."""

SMALL_DAYS = 14
"""Days over which that volume is averaged."""

VOLUME_SHARE = 0.02
"""Share of a small coin's daily volume that one ticket may be."""


class Ticket(NamedTuple):
    """A token that is held: its price when it was asked for, and its highest close since, USD."""

    bought: float
    peak: float


class MoonshotVenture(Strategy):
    """Buys small equal tickets in young tokens that rise, cuts the losers, lets the winners run.

    Idea: what a token can lose is its ticket, what it can gain has no bound: one that grows
    twentyfold pays for many that die.
    Watches: small tokens (spot, under 10 million dollars of volume a day on the average of two
    weeks) of at most `age_max_days` since their first bar, and their return over `momentum_days`.
    Trades: one ticket of `ticket_share` in each that returned `momentum_min` at the least, the
    strongest first, at most `tickets_max`; out when it is `loss_max` below its price of entry, or
    `giveback_max` below its highest close since, and not in again for `momentum_days`.
    Risk: most tokens die, some in one day from which no stop saves; there is little volume.
    """

    name = "moonshot-venture"
    family = "venture"
    needs_kind = Kind.SPOT
    parameters = (
        Number(
            name="ticket_share",
            default=0.04,
            low=0.01,
            high=0.1,
            doc="Size of a ticket, a share of equity.",
        ),
        Number(
            name="tickets_max",
            default=8,
            low=1,
            high=20,
            integer=True,
            doc="Most tokens that are held at once.",
        ),
        Number(
            name="age_max_days",
            default=180,
            low=20,
            high=720,
            integer=True,
            doc="Days since its first bar after which a token is no longer young.",
        ),
        Number(
            name="momentum_days",
            default=14,
            low=3,
            high=60,
            integer=True,
            doc="Days over which a return is measured.",
        ),
        Number(
            name="momentum_min",
            default=0.2,
            low=0.0,
            high=1.0,
            doc="Least return over these days for a purchase, a fraction.",
        ),
        Number(
            name="loss_max",
            default=0.4,
            low=0.1,
            high=0.8,
            doc="Loss since its purchase at which a token is sold, a fraction.",
        ),
        Number(
            name="giveback_max",
            default=0.6,
            low=0.2,
            high=0.9,
            doc="Fall from its highest close at which a token is sold, a fraction.",
        ),
    )

    def __init__(
        self, settings: Mapping[str, Scalar], instruments: Sequence[Instrument], seed: Seed
    ) -> None:
        """Make one agent's venture."""
        super().__init__(settings, instruments, seed)
        self._coins = sorted(
            (each for each in instruments if each.kind is Kind.SPOT), key=lambda each: each.name
        )
        self._momentum = self.days("momentum_days")
        self._ticket = self.number("ticket_share")

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return all that is to be held when something is bought or sold, or HOLD.

        What is held is read from the book; the notes add at which price.  A ticket that has no
        price today is kept: it can be neither judged nor sold.
        """
        tickets = self._tickets(market, book, memory)
        lost = [name for name, ticket in tickets.items() if self._is_lost(market, name, ticket)]
        barred = memory.setdefault("barred", {})
        for name in [name for name, until in barred.items() if until <= market.now]:
            del barred[name]
        for name in lost:
            del tickets[name]
            barred[name] = market.now + self._momentum
        whole = max(sum(book.weights[name] for name in tickets), 1.0)  # More is owed than is there.
        weights = {name: book.weights[name] / whole for name in tickets}
        bought = self._choose(market, book, weights, barred)
        for name in bought:
            close = latest(market, f"{name}.close")
            tickets[name] = Ticket(close, close)
        memory["tickets"] = {
            name: list(ticket)
            for name, ticket in sorted(tickets.items())
            if not math.isnan(ticket.bought)
        }
        if not (lost or bought):
            return HOLD
        return {**weights, **dict.fromkeys(bought, self._ticket)}

    def capacity(self, market: MarketView, book: BookView) -> Money | None:
        """Return the equity of which one ticket is a small part of a usual small coin's volume.

        None while no small coin is known.
        """
        del book
        volumes = [average(market, coin.column("volume"), SMALL_DAYS) for coin in self._coins]
        small = [volume for volume in volumes if 0.0 < volume < SMALL_USD]
        if not small:
            return None
        return Money(int(VOLUME_SHARE * float(np.median(small)) / self._ticket * MICRO))

    def _tickets(self, market: MarketView, book: BookView, memory: Memory) -> dict[str, Ticket]:
        """Return what is held, with its peak brought up to now, in order of name."""
        notes, held = memory.get("tickets", {}), {}
        for coin in self._coins:
            if book.weights.get(coin.name, 0.0) > 0.0:
                close = latest(market, coin.close_column)
                bought, peak = notes.get(coin.name, (close, close))
                peak = peak if math.isnan(close) else max(peak, close)
                held[coin.name] = Ticket(bought, peak)
        return held

    def _is_lost(self, market: MarketView, name: str, ticket: Ticket) -> bool:
        close = latest(market, f"{name}.close")
        fallen = close <= ticket.bought * (1.0 - self.number("loss_max"))
        return fallen or close <= ticket.peak * (1.0 - self.number("giveback_max"))

    def _choose(
        self,
        market: MarketView,
        book: BookView,
        weights: Mapping[str, float],
        barred: Mapping[str, int],
    ) -> list[str]:
        """Return which tokens to buy, the strongest first: as many as there is room for."""
        room = min(
            self.days("tickets_max") - len(weights),
            int((1.0 - sum(weights.values())) / self._ticket),
        )
        if room <= 0 or book.equity <= 0:
            return []
        rises = {
            coin.name: self._rise(market, coin)
            for coin in self._coins
            if coin.name not in weights and coin.name not in barred
        }
        strong = [name for name, rise in rises.items() if rise >= self.number("momentum_min")]
        return sorted(strong, key=lambda name: (-rises[name], name))[:room]

    def _rise(self, market: MarketView, coin: Instrument) -> float:
        """Return the return of a young small coin; NaN for all others, and on its last day."""
        if latest(market, coin.column("expires")) == 1.0:
            return math.nan
        volume = average(market, coin.column("volume"), SMALL_DAYS)
        if not 0.0 < volume < SMALL_USD or coin.close_column not in market.columns:
            return math.nan
        closes = market.history(coin.close_column)
        if len(closes) <= self._momentum:
            return math.nan
        before = float(closes[-1 - self._momentum])
        if not before > 0.0 or not np.isnan(closes[: -self.days("age_max_days")]).all():
            return math.nan
        return float(closes[-1]) / before - 1.0
