"""How a market is dealt out to one who must not know its future: a tape for each way to lie ahead.

A tape owns a `Market`, as the feed does, and the view of it.  What differs is what the process has
in memory of the bars after now:

    Told        what a real run has: the market knows them, the view does not
    Poisoned    garbage, in the market, behind the view's arrays, and in the calendar
    Cut         nothing: at each bar the market is one that ends there, and so is the view

A `Poisoned` tape keeps the truth veiled with a pad that is made row by row: until a bar is dealt,
nobody in the process can read it, wherever in memory it looks.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from actors.app.gate.worlds import World, with_values
from arena.market import Market, MarketView
from arena.seed import Seed

LOW, HIGH = -7.0, 14.0
"""Mean logarithms of the garbage: far below every price, and far above."""

_PAD = Seed(7).child("pad")


class Tape(Protocol):
    """Deals out a market, bar by bar.

    Attributes:
        market: What the feed owns; its rows up to now are true.
        view: What strategies see.
    """

    market: Market
    view: MarketView

    def deal(self, rows: int) -> None:
        """Make the next `rows` bars true in the market; the view has not seen them yet."""

    def show(self) -> None:
        """Let the view see every bar that is true."""


class Told:
    """The market as in a real run."""

    def __init__(self, world: World) -> None:
        self.market = world.market
        self.view = MarketView(world.market)
        self._true = 0

    def deal(self, rows: int) -> None:
        """Make the next `rows` bars true."""
        self._true += rows

    def show(self) -> None:
        """Let the view see every bar that is true."""
        self.view.reveal(self.market.values[self.view.now + 1 : self._true])


class Poisoned:
    """A market in which everything after now is garbage: its own arrays are overwritten."""

    def __init__(self, world: World, *, level: float) -> None:
        """Spoil the market of `world`, which is of no use to anyone else afterwards.

        Args:
            world: Whose market is dealt out.
            level: Mean logarithm of the garbage.
        """
        self.market = world.market
        self._true = 0
        shape = self.market.values.shape
        self._veiled = self.market.values.view(np.uint64) ^ _pad().integers(
            2**64, size=shape, dtype=np.uint64
        )
        self._pad = _pad()
        dice = Seed(11).child("poison", repr(level)).generator()
        self._garbage = dice.lognormal(level, 1.0, shape)
        self._stamps = self.market.opens_at ^ 0x5EED
        _write(self.market.values, slice(None), self._garbage)
        _write(
            self.market.opens_at, slice(None), np.asarray(dice.integers(0, 2**40, size=shape[0]))
        )
        self.view = MarketView(self.market)
        self._spoil_view()

    def deal(self, rows: int) -> None:
        """Make the next `rows` bars true."""
        coming = slice(self._true, self._true + rows)
        veiled = self._veiled[coming]
        truth = veiled ^ self._pad.integers(2**64, size=veiled.shape, dtype=np.uint64)
        _write(self.market.values, coming, truth.view(np.float64))
        _write(self.market.opens_at, coming, self._stamps[coming] ^ 0x5EED)
        self._true += rows

    def show(self) -> None:
        """Let the view see every bar that is true."""
        self.view.reveal(self.market.values[self.view.now + 1 : self._true])
        self._spoil_view()

    def _spoil_view(self) -> None:
        seen = self.view._seen  # noqa: SLF001  # it stands for whoever reads past the end of an array
        start = self.view.now + 1
        _write(seen, (slice(None), slice(start, None)), self._garbage[start:].T)


class Cut:
    """A market that ends now, at every bar anew."""

    def __init__(self, world: World) -> None:
        self._whole = world.market
        self._true = 0
        self.market = with_values(self._whole, self._whole.values[:0])
        self.view = MarketView(self.market)

    def deal(self, rows: int) -> None:
        """Make the next `rows` bars true."""
        self._true += rows
        self.market = with_values(self._whole, self._whole.values[: self._true])

    def show(self) -> None:
        """Let the view see every bar that is true."""
        self.view = MarketView(self.market)
        self.view.reveal(self.market.values)


def _pad() -> np.random.Generator:
    return _PAD.generator()


def _write(array: npt.NDArray[Any], where: Any, values: npt.NDArray[Any]) -> None:
    """Overwrite a part of an array that is read-only for all others."""
    array.flags.writeable = True
    array[where] = values
    array.flags.writeable = False
