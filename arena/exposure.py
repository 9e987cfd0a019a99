"""What all agents share: the room in each protocol, and the volume of each bar."""

from __future__ import annotations

from collections.abc import Mapping

from arena.bars import Bar
from arena.execution import Wish
from arena.instruments import Instrument
from arena.money import MICRO
from arena.portfolio import Portfolio
from arena.state import Treasury
from arena.words import Book, Layer

BPS = 10_000


class ProtocolRoom:
    """The room left in each protocol at one open; it shrinks as purchases are planned.

    Only the real book is bounded, by a share of all deployable real capital.
    """

    def __init__(self, treasury: Treasury, prices: Mapping[str, float]) -> None:
        """Measure the room at `prices`, which names every instrument that is held."""
        capital = treasury.layer_capital(Layer.PROVING) + treasury.layer_capital(Layer.ARENA)
        limit = capital * treasury.experiment.rules.risk.per_protocol_bp // BPS
        self._instruments = treasury.experiment.terms.instruments
        self._room: dict[str, int] = {
            instrument.protocol: limit
            for instrument in self._instruments.values()
            if instrument.protocol is not None
        }
        for agent in treasury.living():
            if agent.book is Book.REAL:
                self._count(agent.portfolio, prices, sign=-1)

    def replace(self, before: Portfolio, after: Portfolio, prices: Mapping[str, float]) -> None:
        """Take note that an agent of the real book holds `after` in place of `before`."""
        self._count(before, prices, sign=1)
        self._count(after, prices, sign=-1)

    def trim(self, wish: Wish) -> Wish:
        """Return a purchase cut back to the room of its protocol."""
        protocol = wish.instrument.protocol
        if protocol is None or wish.amount <= self._room[protocol]:
            return wish
        return Wish(wish.instrument, max(self._room[protocol], 0), wish.unit)

    def _count(self, portfolio: Portfolio, prices: Mapping[str, float], *, sign: int) -> None:
        for name in portfolio.positions:
            instrument: Instrument = self._instruments[name]
            if instrument.protocol is not None:
                self._room[instrument.protocol] += sign * portfolio.value(name, prices[name])


class VolumeRoom:
    """How much of each bar can be traded: a share of its volume, for the real book together.

    Agents with virtual money do not meet one another: each finds the bar untouched.
    """

    def __init__(self, participation_max: float | None) -> None:
        self._share = participation_max
        self._taken: dict[str, float] = {}

    def trim(self, quantity: float, instrument: str, bar: Bar, book: Book) -> float:
        """Return `quantity` cut back to what can be traded in `bar`; it may be 0."""
        if self._share is None or not bar.volume >= 0.0 or bar.notional <= 0.0:
            return quantity
        taken = self._taken.get(instrument, 0.0) if book is Book.REAL else 0.0
        most = max(self._share * bar.volume - taken, 0.0) / bar.notional
        return max(min(quantity, most), -most)

    def take(self, size: int, instrument: str, book: Book) -> None:
        """Take note that `size` micro-USD were traded."""
        if book is Book.REAL:
            self._taken[instrument] = self._taken.get(instrument, 0.0) + size / MICRO
