"""The tables of what can be held, and what a market offers where a config lists nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from actors.app.settings.fields import InstrumentName, Section, words
from arena.instruments import Instrument, Kind, Right
from arena.prices import GROUPS, MarketParameters

_PARAMETERS = MarketParameters()
_RATES = _PARAMETERS.rates
POOLS = sorted([p.name for p in _RATES.floating] + [p.name for p in _RATES.fixed])
ASSETS = [asset.name for asset in _PARAMETERS.spot.assets]
TOKENS = sorted({column.partition(".")[0] for column in GROUPS["moonshots"]})

PROTOCOLS = frozenset({Kind.LENDING, Kind.STAKING, Kind.POOL})
"""Kinds whose money lies in somebody's contract."""

NEEDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.SPOT: (),
    Kind.LENDING: (),
    Kind.STAKING: ("underlying",),
    Kind.PERPETUAL: ("underlying",),
    Kind.POOL: ("underlying",),
    Kind.OPTION: ("underlying", "right"),
    Kind.SPREAD: ("underlying",),
}
"""Kind -> the keys that its table must have."""

MAY_HAVE: Mapping[Kind, tuple[str, ...]] = {
    Kind.PERPETUAL: ("leverage_max", "maintenance"),
    Kind.POOL: ("width", "pool_fee_bps"),
    Kind.OPTION: ("moneyness", "tenor_days"),
    Kind.SPREAD: ("leverage_max",),
}
"""Kind -> the keys that its table may have besides."""


class InstrumentTable(Section):
    """Something that can be held."""

    name: InstrumentName = Field(
        description="Its columns are `<name>.open` and `<name>.close`; what a kind is derived "
        "from stands in [instruments](instruments.md)."
    )
    kind: Annotated[str, *words([kind.value for kind in Kind])] = Field(
        description="How it earns: `spot` and `lending` are priced as they are, the others are "
        "derived from their `underlying`."
    )
    protocol: InstrumentName | None = Field(
        default=None,
        description="Whose contract holds the money, for the limit per protocol; left out, the "
        "instrument's name. Only lending, staking and pools have one.",
    )
    underlying: InstrumentName | None = Field(
        default=None, description="The spot asset that it follows; spot and lending have none."
    )
    leverage_max: float = Field(
        default=1.0,
        ge=1,
        le=100,
        description="Perpetual, spread: most notional per dollar of capital.",
    )
    maintenance: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Perpetual: margin under which a position is liquidated, share of notional.",
    )
    right: Annotated[str, *words([right.value for right in Right])] | None = Field(
        default=None, description="Option: `put` or `call`."
    )
    moneyness: float = Field(
        default=1.0, ge=0.1, le=10, description="Option: strike over price when it is listed."
    )
    tenor_days: int = Field(
        default=30, ge=1, le=365, description="Option: days from its listing to its expiry."
    )
    width: float | None = Field(
        default=None,
        ge=0.001,
        le=0.99,
        description="Pool: half the width of a concentrated range, a fraction; left out, the full "
        "range.",
    )
    pool_fee_bps: float = Field(
        default=0.0, ge=0, le=1_000, description="Pool: what its traders pay, basis points."
    )

    def instrument(self) -> Instrument:
        """Return it as the arena knows it."""
        kind = Kind(self.kind)
        return Instrument(
            self.name,
            kind,
            self.protocol or (self.name if kind in PROTOCOLS else None),
            underlying=self.underlying,
            leverage_max=self.leverage_max,
            maintenance=self.maintenance,
            right=None if self.right is None else Right(self.right),
            moneyness=self.moneyness,
            tenor_days=self.tenor_days,
            width=self.width,
            pool_fee_bps=self.pool_fee_bps,
        )


def core_instruments() -> tuple[InstrumentTable, ...]:
    """Return what the core universe offers: coins and deposits."""
    spot = (InstrumentTable(name=name, kind="spot") for name in ASSETS)
    lending = (InstrumentTable(name=name, kind="lending", protocol=name) for name in POOLS)
    return (*spot, *lending)


def full_instruments() -> tuple[InstrumentTable, ...]:
    """Return what the full universe offers: something of every kind, and tokens that die."""
    made: list[InstrumentTable] = [*core_instruments()]
    for coin in ("BTC", "ETH"):
        made += [
            InstrumentTable(
                name=f"{coin}-PERP",
                kind="perpetual",
                underlying=coin,
                leverage_max=5.0,
                maintenance=0.01,
            ),
            _option(f"{coin}-PUT90", coin, "put", 0.9),
            _option(f"{coin}-CALL110", coin, "call", 1.1),
        ]
    made += [
        _held("ETH-STAKED", "staking", "ETH", "lido"),
        _held("SOL-STAKED", "staking", "SOL", "jito"),
        _held("ETH-USDC-LP", "pool", "ETH", "uniswap", pool_fee_bps=30.0),
        _held("ETH-USDC-CL", "pool", "ETH", "uniswap", pool_fee_bps=30.0, width=0.2),
        InstrumentTable(name="BTC-XVENUE", kind="spread", underlying="BTC"),
    ]
    return (*made, *(InstrumentTable(name=token, kind="spot") for token in TOKENS))


def _held(name: str, kind: str, coin: str, protocol: str, **terms: float) -> InstrumentTable:
    return InstrumentTable.model_validate(
        {"name": name, "kind": kind, "underlying": coin, "protocol": protocol, **terms}
    )


def _option(name: str, coin: str, right: str, moneyness: float) -> InstrumentTable:
    return InstrumentTable(
        name=name, kind="option", underlying=coin, right=right, moneyness=moneyness
    )
