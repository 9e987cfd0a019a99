"""How much real capital one protocol may hold, all agents together."""

from __future__ import annotations

from collections.abc import Mapping

from arena.execution import Wish
from arena.instruments import Instrument
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
        return Wish(wish.instrument, max(self._room[protocol], 0), wish.price)

    def _count(self, portfolio: Portfolio, prices: Mapping[str, float], *, sign: int) -> None:
        for name in portfolio.positions:
            instrument: Instrument = self._instruments[name]
            if instrument.protocol is not None:
                self._room[instrument.protocol] += sign * portfolio.value(name, prices[name])
