"""The life of an order, as values: wanted, filled, or refused with one reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from arena.exceptions import ValidationError
from arena.ids import AgentId
from arena.later import later
from arena.money import Money, to_money

QUANTITY_MAX = 10**15
"""Most units, written as a whole number, of which an order can be."""


class TradeStatus(StrEnum):
    """Where a trade stands."""

    PENDING = "pending"
    EXECUTING = "executing"
    SUCCESS = "success"
    FAILED = "failed"


class OrderRefusal(StrEnum):
    """Why an order was refused, in order of precedence: the first that applies is given."""

    TRADING_HALTED = "trading_halted"
    AGENT_NOT_TRADING = "agent_not_trading"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    NOT_LISTED = "not_listed"
    QUANTITY_NOT_FINITE = "quantity_not_finite"
    QUANTITY_IS_ZERO = "quantity_is_zero"
    PROTOCOL_DISABLED = "protocol_disabled"
    REDUCE_ONLY = "reduce_only"
    DAILY_TRADES_EXCEEDED = "daily_trades_exceeded"
    TRADE_TOO_SMALL = "trade_too_small"
    TRADE_TOO_LARGE = "trade_too_large"
    SLIPPAGE_TOO_HIGH = "slippage_too_high"
    GAS_TOO_HIGH = "gas_too_high"
    POSITION_INSUFFICIENT = "position_insufficient"
    POSITION_LIMIT = "position_limit"
    PROTOCOL_LIMIT = "protocol_limit"
    COLLATERAL_INSUFFICIENT = "collateral_insufficient"
    CASH_INSUFFICIENT = "cash_insufficient"
    NO_LIQUIDITY = "no_liquidity"
    VENUE_FAILED = "venue_failed"


class FillCause(StrEnum):
    """What made a trade happen."""

    ORDER = "order"
    """An order that was executed at the open."""

    QUOTE = "quote"
    """A limit order that the bar traded through."""

    LIQUIDATION = "liquidation"
    """The venue, because the margin no longer sufficed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A wish to trade at the next open.

    Attributes:
        order_id: An order is executed at most once under its id.  The desk calls its own
            `<tick>-<agent>-<n>`; an order that somebody submits has another name.
        agent_id: Whose book it trades.
        instrument: What is traded.
        quantity: Units; positive buys (or deposits), negative sells (or withdraws).

    Raises:
        ValidationError: The quantity is no number that a float can hold.
    """

    order_id: str
    agent_id: AgentId
    instrument: str
    quantity: float

    def __post_init__(self) -> None:
        """Check the quantity's type; whether it can be traded is the validators' business."""
        quantity: object = self.quantity
        if type(quantity) is float:
            return
        number = isinstance(quantity, (int, float)) and not isinstance(quantity, bool)
        if not number or (isinstance(quantity, int) and abs(quantity) > QUANTITY_MAX):
            raise ValidationError("quantity", found=quantity, needed="a number of units")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A trade that happened.

    Attributes:
        order_id: The order it answers.
        agent_id: Whose book was traded.
        instrument: What was traded.
        quantity: Units; positive bought, negative sold.
        price: USD per unit, before costs.
        fee: Venue's fee, micro-USD.
        slippage: Cost of crossing the spread and moving the price, micro-USD.
        gas: Cost of the operation on its chain, micro-USD.
        asked: Units that were ordered, where the market gave fewer; None where it gave them all.
        cause: What made it happen.
        notional: What was traded, micro-USD, where that is not quantity x price; None where it is.
    """

    order_id: str
    agent_id: AgentId
    instrument: str
    quantity: float
    price: float
    fee: Money
    slippage: Money
    gas: Money
    asked: float | None = later(None)
    cause: FillCause = later(FillCause.ORDER)
    notional: Money | None = later(None)

    @property
    def costs(self) -> Money:
        """Fee, slippage and gas together, micro-USD."""
        return Money(self.fee + self.slippage + self.gas)

    @property
    def size(self) -> Money:
        """What was traded, micro-USD: its notional."""
        if self.notional is not None:
            return self.notional
        return Money(abs(to_money(self.quantity * self.price)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedOrder:
    """A trade that did not happen, and the one reason why."""

    order_id: str
    agent_id: AgentId
    instrument: str
    quantity: float
    reason: OrderRefusal
