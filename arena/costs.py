"""What trading costs: fees, spread and impact, gas, and how much of a bar's volume can be had."""

from __future__ import annotations

import math
from dataclasses import dataclass

from arena.bars import Bar
from arena.instruments import Kind
from arena.later import later
from arena.money import MICRO, Money

BPS = 10_000

_SPOT_FEES = {Kind.SPOT: 1.0, Kind.STAKING: 1.0, Kind.SPREAD: 2.0, Kind.LENDING: 0.0}
"""How often the fee of spot is paid in one trade."""

_SPREADS = {Kind.LENDING: 0.0, Kind.SPREAD: 2.0, Kind.POOL: 0.5}
"""How often the spread is crossed in one trade, where that is not once."""

_GASLESS = frozenset({Kind.SPOT, Kind.PERPETUAL, Kind.OPTION, Kind.SPREAD})


@dataclass(frozen=True, slots=True)
class CostModel:
    """What trading costs.

    Attributes:
        fee_bps: Venue's fee on spot, basis points of the notional, each way.
        slippage_bps: Half the spread, basis points of the notional, each way.
        gas: One operation on a layer-2 chain, micro-USD.
        gas_reference_gwei: The gas price at which it costs that; 0 where it always does.
        maker_fee_bps: Venue's fee on a quote that was traded through.
        perpetual_fee_bps: Venue's fee on perpetuals.
        option_fee_bps: Venue's fee on options, basis points of the underlying's notional.
        liquidation_bps: What the venue keeps of a position that it liquidates.
        impact: How far a trade moves the price: this, times the bar's volatility, times the square
            root of the trade's share of the bar's volume.
        participation_max: Most of a bar's volume that can be traded; None is no limit.

    Source:
        Square-root law of impact: Almgren, Thum, Hauptmann and Li (2005), Direct estimation of
        equity market impact; Toth et al. (2011).
    """

    fee_bps: float = 10.0
    slippage_bps: float = 5.0
    gas: Money = Money(250_000)
    gas_reference_gwei: float = later(0.0)
    maker_fee_bps: float = later(2.0)
    perpetual_fee_bps: float = later(5.0)
    option_fee_bps: float = later(3.0)
    liquidation_bps: float = later(50.0)
    impact: float = later(0.0)
    participation_max: float | None = later(None)

    def venue_bps(self, kind: Kind, pool_fee_bps: float = 0.0) -> float:
        """Return the fee of one trade, basis points of its notional.

        Half of what goes into a pool, or comes out, is swapped in the pool first; a spread is two
        trades.
        """
        times = _SPOT_FEES.get(kind)
        if times is not None:
            return times * self.fee_bps
        if kind is Kind.POOL:
            return pool_fee_bps / 2.0
        return self.perpetual_fee_bps if kind is Kind.PERPETUAL else self.option_fee_bps

    def spread_bps(self, kind: Kind) -> float:
        """Return what crossing the spread costs in one trade, basis points of its notional."""
        return self.slippage_bps * _SPREADS.get(kind, 1.0)

    def rate(self, kind: Kind, pool_fee_bps: float = 0.0) -> float:
        """Return the part of the notional that one small trade costs, as a fraction."""
        return (self.venue_bps(kind, pool_fee_bps) + self.spread_bps(kind)) / BPS

    def impact_of(self, notional: Money, bar: Bar) -> float:
        """Return how far `notional` micro-USD move the price, as a fraction; 0 where unknown."""
        if not (self.impact and bar.volume > 0.0):
            return 0.0
        return self.impact * bar.volatility * math.sqrt(notional / MICRO / bar.volume)

    def fixed(self, kind: Kind) -> Money:
        """Return what one trade costs whatever its size, micro-USD."""
        return Money(0) if kind in _GASLESS else self.gas

    def round_trip(self, kind: Kind, equity: Money) -> float:
        """Return the cost of moving `equity` in and out again, as a fraction of it."""
        return 2.0 * (self.rate(kind) + self.fixed(kind) / max(equity, 1))
