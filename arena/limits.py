"""The limits of trading: how large, how often, how dear, how much of one thing, and where at all.

None is no limit, and the defaults are none.  What bounds risk binds whoever takes it on: an order
that only gives up what is held is never too large or too late, and leaves a protocol that is
switched off.  What bounds the price of a trade (slippage, gas) binds every order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from arena.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolLimit:
    """What may be placed in one protocol.

    Attributes:
        enabled: Whether anything may be placed in it; what is there can always be taken out.
        share_bp: Most of all deployable real capital in it, basis points; None is
            `risk.per_protocol_bp`.
    """

    enabled: bool = True
    share_bp: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingLimits:
    """What every order is held to.

    Attributes:
        trade_min: Least notional of an order, micro-USD; a position can be closed whole.
        trade_max: Most notional of an order, micro-USD.
        trades_per_day: Most orders of one agent that are executed in a day.
        slippage_bps_max: Most that crossing the spread and moving the price may be expected to
            cost, basis points of the notional.
        gas_max: Most gas of one order, micro-USD.
        positions: Instrument -> most exposure of one agent, micro-USD.
        protocols: Protocol -> what may be placed in it.
    """

    trade_min: Money | None = None
    trade_max: Money | None = None
    trades_per_day: int | None = None
    slippage_bps_max: float | None = None
    gas_max: Money | None = None
    positions: Mapping[str, Money | None] = field(default_factory=dict)
    protocols: Mapping[str, ProtocolLimit] = field(default_factory=dict)


NO_LIMITS = TradingLimits()
"""What holds where nobody set a limit."""
