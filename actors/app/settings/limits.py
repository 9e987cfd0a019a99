"""The table of trading's limits: what every order is held to."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from actors.app.settings.fields import BasisPoints, InstrumentName, Name, Section, Usd, usd
from arena.limits import ProtocolLimit, TradingLimits
from arena.money import Money

UNLIMITED: Final = "unlimited"


class ProtocolTable(Section):
    """What may be placed in one protocol."""

    enabled: bool = Field(
        default=True,
        description="Whether anything may be placed in it; what is there can always be taken out.",
    )
    share_bp: BasisPoints | None = Field(
        default=None,
        description="Most of all deployable real capital in it, basis points; left out, "
        "`risk.per_protocol_bp`.",
    )


class LimitsTable(Section):
    """What every order is held to.  `execution_log` says which limit refused which order.

    What bounds risk binds whoever takes it on: an order that only gives up what is held is never
    too large or too late.
    """

    trade_min: Usd = usd(
        Money(0), "Least notional of an order, USD; a position can be closed whole."
    )
    trade_max: Usd | Literal["unlimited"] = Field(
        default=UNLIMITED, description="Most notional of an order, USD."
    )
    trades_per_day: Annotated[int, Field(ge=0, le=1_000_000)] | Literal["unlimited"] = Field(
        default=UNLIMITED, description="Most trades of one agent in a day."
    )
    slippage_bps_max: Annotated[float, Field(ge=0, le=10_000)] | Literal["unlimited"] = Field(
        default=UNLIMITED,
        description="Most that crossing the spread and moving the price may be expected to cost, "
        "basis points of the notional.",
    )
    gas_max: Usd | Literal["unlimited"] = Field(
        default=UNLIMITED, description="Most gas of one order, USD."
    )
    positions: dict[InstrumentName, Usd] = Field(
        default={}, description='Instrument = most exposure of one agent, USD: `BTC = "5000.00"`.'
    )
    protocols: dict[Name, ProtocolTable] = Field(
        default={},
        description="Protocol = `enabled` (whether anything may be placed in it) and `share_bp` "
        "(most of all deployable real capital in it; left out, `risk.per_protocol_bp`).",
    )

    def limits(self) -> TradingLimits:
        """Return them as the arena knows them."""
        return TradingLimits(
            trade_min=self.trade_min or None,
            trade_max=_bound(self.trade_max),
            trades_per_day=_bound(self.trades_per_day),
            slippage_bps_max=_bound(self.slippage_bps_max),
            gas_max=_bound(self.gas_max),
            positions=dict(sorted(self.positions.items())),
            protocols={
                name: ProtocolLimit(enabled=each.enabled, share_bp=each.share_bp)
                for name, each in sorted(self.protocols.items())
            },
        )


def _bound(value: Any) -> Any:
    return None if value == UNLIMITED else value
