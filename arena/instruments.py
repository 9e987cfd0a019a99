"""What can be held: spot assets and lending deposits.

An instrument is priced by two columns of the market, `<name>.open` and `<name>.close`.  For spot
they are USD per unit.  For a deposit they are its accrual index: a deposit of Q index units is
worth `Q * index` USD, so interest is a price that only the protocol moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from arena.market import Floats


class Kind(StrEnum):
    """How an instrument earns and what moving in and out of it costs."""

    SPOT = "spot"
    """Bought and sold at a price; trading pays a fee and slippage."""

    LENDING = "lending"
    """Deposited and withdrawn at the index; each operation pays gas only."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One thing that can be held.

    Attributes:
        name: As orders and weights name it: `BTC`, `aave`.
        kind: Spot or lending.
        protocol: Whose contract holds the money, for the concentration limit; None for spot.
    """

    name: str
    kind: Kind
    protocol: str | None = None

    @property
    def open_column(self) -> str:
        """The column in which a bar's opening price stands."""
        return f"{self.name}.open"

    @property
    def close_column(self) -> str:
        """The column in which a bar's closing price stands."""
        return f"{self.name}.close"

    @property
    def rate_column(self) -> str:
        """The column in which a deposit's rate stands, a fraction per year."""
        return f"{self.name}.apr"


def accrue_linear(apr: Floats, *, periods_per_year: int) -> tuple[Floats, Floats]:
    """Return the opening and closing accrual index of a deposit, each of shape (bars,).

    Interest is linear inside a bar and compounds from bar to bar, as a protocol does that updates
    its index once a bar.  The index opens at 1.

    Args:
        apr: Supply rate in force during each bar, a fraction per year, shape (bars,).
        periods_per_year: Bars in a year.

    Source:
        Aave protocol, `MathUtils.calculateLinearInterest`: 1 + rate * dt / year.
    """
    closes = np.cumprod(1.0 + apr / periods_per_year, dtype=np.float64)
    opens = np.concatenate((np.ones(1), closes))[:-1]
    return opens, closes
