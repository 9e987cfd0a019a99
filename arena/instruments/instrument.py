"""What can be held: assets, deposits, shares of pools, and contracts that stand on margin.

An instrument is priced by columns of the market, `<name>.open` and `<name>.close`: the mark of one
unit.  For spot it is USD per unit; for a deposit it is the accrual index, so that interest is a
price that only the protocol moves; for a contract it is what closing it would bring, which may be
near nothing or below it.  A position is always quantity x mark: how a mark moves is a fact of the
market, never of the agent that holds it.

Some instruments are larger than their mark: one perpetual contract on a coin moves as the coin
does.  `<name>.unit` is the notional of one unit, and a weight is notional over equity.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from arena.later import later


class Kind(StrEnum):
    """How an instrument earns and what moving in and out of it costs."""

    SPOT = "spot"
    """Bought and sold at a price; trading pays a fee and slippage."""

    LENDING = "lending"
    """Deposited and withdrawn at the index; each operation pays gas only."""

    STAKING = "staking"
    """A liquid staking token: bought and sold as spot is, and its rate of exchange grows."""

    PERPETUAL = "perpetual"
    """A future without an end: held long or short on margin, and pays funding."""

    POOL = "pool"
    """A share of an automated market maker's pool: earns its fees, loses to arbitrage."""

    OPTION = "option"
    """Written only: a put against cash, a call against the coin; settled in cash at expiry."""

    SPREAD = "spread"
    """Bought at our venue and sold at another, on margin: earns when the two come together."""

    __hash__ = str.__hash__  # An enum would hash its name anew, in Python, for every look-up.


class Right(StrEnum):
    """What the holder of an option may do at expiry."""

    PUT = "put"
    CALL = "call"


_MARGINED = frozenset({Kind.PERPETUAL, Kind.OPTION, Kind.SPREAD})


@dataclass(frozen=True, slots=True)
class Instrument:
    """One thing that can be held.

    Attributes:
        name: As orders and weights name it: `BTC`, `aave`, `BTC-PERP`.
        kind: How it earns.
        protocol: Whose contract holds the money, for the concentration limit; None for what an
            exchange holds.
        underlying: The spot asset that a contract, pool or staking token follows.
        leverage_max: Perpetual, spread: most notional per unit of capital; its inverse is the
            initial margin.
        maintenance: Perpetual: margin under which a position is liquidated, share of its notional.
        right: Option: put or call.
        moneyness: Option: strike over the price of the underlying when it is listed.
        tenor_days: Option: days from listing to expiry, when the next one is listed.
        width: Pool: half the width of a concentrated range, as a fraction of its centre; None is
            the full range.
        pool_fee_bps: Pool: what its traders pay, basis points.
    """

    name: str
    kind: Kind
    protocol: str | None = None
    underlying: str | None = later(None)
    leverage_max: float = later(1.0)
    maintenance: float = later(0.0)
    right: Right | None = later(None)
    moneyness: float = later(1.0)
    tenor_days: int = later(30)
    width: float | None = later(None)
    pool_fee_bps: float = later(0.0)

    def column(self, field: str) -> str:
        """Return the name of one of its columns: `open`, `close`, `high`, `unit`, `carry`..."""
        return f"{self.name}.{field}"

    @property
    def open_column(self) -> str:
        """The column in which a bar's opening price stands."""
        return self.column("open")

    @property
    def close_column(self) -> str:
        """The column in which a bar's closing price stands."""
        return self.column("close")

    @property
    def rate_column(self) -> str:
        """The column in which a deposit's rate stands, a fraction per year."""
        return self.column("apr")

    @property
    def margined(self) -> bool:
        """Whether it stands on margin or collateral, instead of being paid for."""
        return self.kind in _MARGINED

    @property
    def weight_low(self) -> float:
        """The smallest weight that may be held: below 0 where it can be held short."""
        if self.kind is Kind.OPTION:
            return -1.0
        return -self.leverage_max if self.margined else 0.0

    @property
    def weight_high(self) -> float:
        """The largest weight that may be held."""
        if self.kind is Kind.OPTION:
            return 0.0
        return self.leverage_max if self.margined else 1.0

    @property
    def backing(self) -> float:
        """The capital that must stand behind one dollar of its notional.

        All of it for what is paid for and for a put, whose strike lies ready in cash; the initial
        margin for what has one; nothing for a call, behind which the coin itself stands.
        """
        if self.kind is Kind.OPTION:
            return 0.0 if self.right is Right.CALL else 1.0
        return 1.0 / self.leverage_max if self.margined else 1.0
