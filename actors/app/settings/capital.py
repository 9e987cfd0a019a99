"""The tables of capital: the treasury, what trading costs, and how capital is handed out.

Here and in its two neighbours a key is named as in `arena.rules` and `arena.experiment`, and takes
its default from there.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from actors.app.settings.fields import (
    BasisPoints,
    Days,
    Drawdown,
    Name,
    Section,
    Share,
    Usd,
    usd,
)
from arena.costs import CostModel
from arena.execution import Terms
from arena.experiment import Endowment
from arena.policies import POLICIES
from arena.rules import (
    AllocationRules,
    LadderRules,
)

_ENDOWMENT, _COSTS = Endowment(), CostModel()
_TRADE_MIN = Terms(instruments={}, costs=_COSTS).trade_min
UNLIMITED = "unlimited"
_LADDER, _ALLOCATION = LadderRules(), AllocationRules()


class TreasuryTable(Section):
    """The opening capital, and how it is divided.  The three shares sum to 10,000."""

    total: Usd = usd(_ENDOWMENT.total, "Opening capital, USD.")
    reserve_bp: BasisPoints = Field(
        default=_ENDOWMENT.reserve_bp, description="Share that is kept, basis points."
    )
    proving_bp: BasisPoints = Field(
        default=_ENDOWMENT.proving_bp, description="Share of the proving layer, basis points."
    )
    arena_bp: BasisPoints = Field(
        default=_ENDOWMENT.arena_bp, description="Share of the arena, basis points."
    )
    virtual_capital: Usd = usd(
        _ENDOWMENT.virtual_capital, "Play money of each agent in simulation, USD."
    )


class CostsTable(Section):
    """What trading costs."""

    fee_bps: float = Field(
        default=_COSTS.fee_bps,
        ge=0,
        le=1_000,
        description="Venue's fee on spot, basis points of the notional, each way.",
    )
    slippage_bps: float = Field(
        default=_COSTS.slippage_bps,
        ge=0,
        le=1_000,
        description="Half the spread, basis points, each way.",
    )
    gas: Usd = usd(_COSTS.gas, "One operation on a layer-2 chain, at the gas price below, USD.")
    gas_reference_gwei: float = Field(
        default=54.0,
        ge=0,
        le=100_000,
        description="The gas price at which an operation costs `gas`: it follows the column "
        "`gas_gwei` where the market has it; 0 does not follow.",
    )
    maker_fee_bps: float = Field(
        default=_COSTS.maker_fee_bps,
        ge=0,
        le=1_000,
        description="Venue's fee on a quote that was traded through.",
    )
    perpetual_fee_bps: float = Field(
        default=_COSTS.perpetual_fee_bps, ge=0, le=1_000, description="Venue's fee on perpetuals."
    )
    option_fee_bps: float = Field(
        default=_COSTS.option_fee_bps,
        ge=0,
        le=1_000,
        description="Venue's fee on options, of the notional of the underlying.",
    )
    liquidation_bps: float = Field(
        default=_COSTS.liquidation_bps,
        ge=0,
        le=5_000,
        description="What a venue keeps of a position that it liquidates.",
    )
    impact: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="A trade moves the price by this, times the bar's volatility, times the root "
        "of its share of the bar's volume.",
    )
    participation_max: Share | Literal["unlimited"] = Field(
        default=0.01,
        description='Most of a bar\'s volume that can be traded, a share; or `"unlimited"`.',
    )
    trade_min: float = Field(
        default=_TRADE_MIN,
        ge=0,
        lt=1,
        description="Differences under this share of an agent's equity are not traded.",
    )


class LadderTable(Section):
    """How many rise through the layers, and with how much."""

    seats_max: int = Field(
        default=_LADDER.seats_max, ge=0, le=10_000, description="Seats in proving."
    )
    seat_amount: Usd = usd(_LADDER.seat_amount, "Capital of a seat, from the proving pool, USD.")
    proving_days_max: Days = Field(
        default=_LADDER.proving_days_max,
        description="Days in proving after which an agent without promotion is demoted.",
    )
    entry_base: Usd = usd(_LADDER.entry_base, "Least capital of an arena entrant, USD.")
    entry_slope: Usd = usd(
        _LADDER.entry_slope, "Added per point of fitness over `entry_from`, up to one point, USD."
    )
    entry_from: float = Field(
        default=_LADDER.entry_from,
        ge=-100,
        le=100,
        description="Fitness at which `entry_slope` begins to count.",
    )
    arena_agents_max: int = Field(
        default=_LADDER.arena_agents_max, ge=0, le=10_000, description="Places in the arena."
    )
    gate_required: bool = Field(
        default=True,
        description="Whether only agents of strategies that passed "
        "[the gate](../how-to/check-a-strategy.md) get a seat in proving.",
    )


class AllocationTable(Section):
    """How the arena's capital is divided at a cycle."""

    policy: Name = Field(
        default=_ALLOCATION.policy,
        description=f"The policy that weighs agents: {' or '.join(POLICIES)}, or a plugin's.",
    )
    tiers: tuple[BasisPoints, BasisPoints, BasisPoints] = Field(
        default=_ALLOCATION.tiers,
        strict=False,
        description="Elite, active and challenger shares, basis points that sum to 10,000.",
    )
    elite_top: Share = Field(
        default=_ALLOCATION.elite_top,
        description="Ranks up to this share of the ranked agents (rounded up) are elite.",
    )
    active_top: Share = Field(
        default=_ALLOCATION.active_top,
        description="Ranks up to this share that are not elite are active.",
    )
    entrant_days: int = Field(
        default=_ALLOCATION.entrant_days,
        ge=0,
        le=36_525,
        description="Days in the arena under which an agent keeps its sum and is not ranked.",
    )
    per_agent_bp: BasisPoints = Field(
        default=_ALLOCATION.per_agent_bp,
        description="Most of the arena's capital that one agent is given, basis points.",
    )
    per_family_bp: BasisPoints = Field(
        default=_ALLOCATION.per_family_bp,
        description="Most that one family of strategies is given, basis points.",
    )
    growth_max: int = Field(
        default=_ALLOCATION.growth_max,
        ge=1,
        le=1_000_000,
        description="Most that a balance is multiplied by in one cycle.",
    )
    move_min: Usd = usd(_ALLOCATION.move_min, "Moves under this sum are skipped, USD.")
    move_min_bp: BasisPoints = Field(
        default=_ALLOCATION.move_min_bp,
        description="Moves under this share of the agent's balance are skipped, basis points.",
    )
    penalty_drawdown: Drawdown = Field(
        default=_ALLOCATION.penalty_drawdown,
        description="Drawdown in the arena under which a target is halved until a new peak.",
    )
