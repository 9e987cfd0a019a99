"""What all agents share: the room in each protocol, and the volume of each bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arena.bars import Bar
from arena.execution import Wish
from arena.money import MICRO
from arena.portfolio import Portfolio
from arena.state import Treasury
from arena.words import Book, Layer

BPS = 10_000


class ProtocolRoom:
    """The room left in each protocol at one open, as agents trade one after the other.

    Only the real book is bounded, by a share of all deployable real capital.

    Attributes:
        left: Protocol -> micro-USD that may still be placed in it; below 0 where there is too much.
    """

    def __init__(self, treasury: Treasury, prices: Mapping[str, float]) -> None:
        """Measure the room at `prices`, which names every instrument that is held."""
        capital = treasury.layer_capital(Layer.PROVING) + treasury.layer_capital(Layer.ARENA)
        share = treasury.experiment.rules.risk.per_protocol_bp
        shares = {
            name: limit.share_bp
            for name, limit in treasury.limits().protocols.items()
            if limit.share_bp is not None
        }
        self._instruments = treasury.experiment.terms.instruments
        self._prices = prices
        self.left: dict[str, int] = {
            instrument.protocol: capital * shares.get(instrument.protocol, share) // BPS
            for instrument in self._instruments.values()
            if instrument.protocol is not None
        }
        for agent in treasury.living():
            if agent.book is Book.REAL:
                for name in agent.portfolio.positions:
                    self.moved(name, Portfolio(), agent.portfolio)

    def moved(self, name: str, before: Portfolio, after: Portfolio) -> None:
        """Take note that a position of the real book in `name` is `after` in place of `before`."""
        protocol = self._instruments[name].protocol
        if protocol is not None:
            price = self._prices[name]
            self.left[protocol] += before.value(name, price) - after.value(name, price)

    def trim(self, wishes: Sequence[Wish]) -> list[Wish]:
        """Return purchases cut back to the room of their protocols, one after the other."""
        left, trimmed = dict(self.left), []
        for wish in wishes:
            protocol, amount = wish.instrument.protocol, wish.amount
            if protocol is not None:
                amount = min(amount, max(left[protocol], 0))
                left[protocol] -= amount
            trimmed.append(Wish(wish.instrument, amount, wish.unit))
        return trimmed


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

    def take(self, size: int, instrument: str) -> None:
        """Take note that `size` micro-USD of the real book were traded."""
        self._taken[instrument] = self._taken.get(instrument, 0.0) + size / MICRO
