"""An order is refused for one reason, the first in the documented order, or it can be paid for."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.bars import Bar, flat
from arena.costs import CostModel
from arena.execution import Marks, Terms, execute
from arena.ids import AgentId
from arena.instruments import Instrument, Kind
from arena.limits import NO_LIMITS, ProtocolLimit, TradingLimits
from arena.money import Money
from arena.orders import Order, OrderRefusal
from arena.portfolio import Portfolio
from arena.validators import TradingState, check_order
from tests.arena.builders import lending, spot, usd

COSTS = CostModel(fee_bps=10.0, slippage_bps=5.0, gas=usd(0.25))
PRICES = {"COIN": 10.0, "aave": 1.0, "curve": 1.0}
PERP = Instrument("PERP", Kind.PERPETUAL, underlying="COIN", leverage_max=5.0, maintenance=0.01)
STATE = TradingState(
    portfolio=Portfolio(cash=usd(100), positions={"COIN": 2.0, "aave": 0.1}),
    bars=flat(PRICES, {}),
    marks=Marks(prices=PRICES),
    terms=Terms({**spot("COIN", "LATE"), **lending("aave", "curve")}, COSTS),
)


def an_order(quantity: float, instrument: str = "COIN") -> Order:
    return Order(order_id="1", agent_id=AgentId("ada"), instrument=instrument, quantity=quantity)


def refusal(quantity: float, instrument: str = "COIN") -> OrderRefusal | None:
    return check_order(an_order(quantity, instrument), STATE)


@pytest.mark.parametrize(
    ("quantity", "instrument", "reason"),
    [
        (1.0, "COIN", None),
        (-2.0, "COIN", None),
        (1.0, "GOLD", OrderRefusal.UNKNOWN_INSTRUMENT),
        (1.0, "LATE", OrderRefusal.NOT_LISTED),
        (math.nan, "COIN", OrderRefusal.QUANTITY_NOT_FINITE),
        (math.inf, "COIN", OrderRefusal.QUANTITY_NOT_FINITE),
        (-math.inf, "COIN", OrderRefusal.QUANTITY_NOT_FINITE),
        (0.0, "COIN", OrderRefusal.QUANTITY_IS_ZERO),
        (-0.0, "COIN", OrderRefusal.QUANTITY_IS_ZERO),
        (-2.0000001, "COIN", OrderRefusal.POSITION_INSUFFICIENT),
        (-1.0, "LATE", OrderRefusal.NOT_LISTED),
        (10.0, "COIN", OrderRefusal.CASH_INSUFFICIENT),  # 100 USD and the costs.
        (1e308, "COIN", OrderRefusal.CASH_INSUFFICIENT),
        (1e300, "COIN", OrderRefusal.CASH_INSUFFICIENT),
    ],
)
def test_an_order_is_refused_for_its_reason(
    quantity: float, instrument: str, reason: OrderRefusal | None
) -> None:
    assert refusal(quantity, instrument) is reason


def test_the_last_of_the_cash_can_be_spent_and_no_more() -> None:
    affordable = 100.0 / 10.0 / 1.0015

    assert refusal(affordable) is None
    assert refusal(affordable * 1.000001) is OrderRefusal.CASH_INSUFFICIENT


def test_a_withdrawal_that_cannot_pay_its_gas_is_refused() -> None:
    penniless = replace(STATE, portfolio=Portfolio(positions={"aave": 0.1}))

    assert check_order(an_order(-0.1, "aave"), penniless) is OrderRefusal.CASH_INSUFFICIENT
    assert refusal(-0.1, "aave") is None


LIMITS = TradingLimits(
    trade_min=usd(5),
    trade_max=usd(60),
    trades_per_day=3,
    slippage_bps_max=7.0,
    gas_max=usd(1),
    positions={"COIN": usd(70)},
    protocols={"aave": ProtocolLimit(enabled=False)},
)
BOUND = replace(STATE, limits=LIMITS, room={"aave": 0, "curve": usd(30)})


def bounded(quantity: float, instrument: str = "COIN", **changes: Any) -> OrderRefusal | None:
    return check_order(an_order(quantity, instrument), replace(BOUND, **changes))


def limited(**limits: Any) -> TradingState:
    return replace(STATE, limits=TradingLimits(**limits))


class TestLimits:
    @pytest.mark.parametrize(
        ("quantity", "instrument", "changes", "reason"),
        [
            (1.0, "COIN", {}, None),
            (-1.0, "COIN", {}, None),
            (5.0, "aave", {}, OrderRefusal.PROTOCOL_DISABLED),
            (1.0, "COIN", {"reduce_only": True}, OrderRefusal.REDUCE_ONLY),
            (1.0, "COIN", {"trades": 3}, OrderRefusal.DAILY_TRADES_EXCEEDED),
            (0.49, "COIN", {}, OrderRefusal.TRADE_TOO_SMALL),
            (-0.49, "COIN", {}, OrderRefusal.TRADE_TOO_SMALL),
            (6.1, "COIN", {}, OrderRefusal.TRADE_TOO_LARGE),
            (5.1, "COIN", {}, OrderRefusal.POSITION_LIMIT),
            (5.0, "COIN", {}, None),
            (31.0, "curve", {}, OrderRefusal.PROTOCOL_LIMIT),
            (30.0, "curve", {}, None),
        ],
    )
    def test_an_order_beyond_a_limit_is_refused_for_it(
        self,
        quantity: float,
        instrument: str,
        changes: dict[str, Any],
        reason: OrderRefusal | None,
    ) -> None:
        assert bounded(quantity, instrument, **changes) is reason

    @pytest.mark.parametrize("quantity", [-2.0, -1.0])
    def test_what_only_gives_up_a_position_is_never_too_late_or_too_large(
        self, quantity: float
    ) -> None:
        tight = TradingLimits(trade_max=usd(1), trades_per_day=0, positions={"COIN": usd(0)})

        assert bounded(quantity, limits=tight, reduce_only=True) is None

    def test_a_position_can_be_closed_whole_however_small_it_is(self) -> None:
        dust = replace(BOUND, portfolio=Portfolio(cash=usd(9), positions={"COIN": 0.01}))

        assert check_order(an_order(-0.01), dust) is None
        assert check_order(an_order(-0.009), dust) is OrderRefusal.TRADE_TOO_SMALL

    def test_what_is_in_a_protocol_that_is_switched_off_can_be_taken_out(self) -> None:
        assert bounded(-0.1, "aave") is None

    def test_a_turn_from_long_to_short_takes_on_a_position(self) -> None:
        terms = Terms({"PERP": PERP}, COSTS)
        state = replace(
            STATE,
            portfolio=Portfolio(cash=usd(100), positions={"PERP": 1.0}),
            bars=flat({"PERP": 10.0}, {}),
            marks=Marks(prices={"PERP": 10.0}),
            terms=terms,
            reduce_only=True,
        )

        assert check_order(an_order(-1.0, "PERP"), state) is None
        assert check_order(an_order(-1.5, "PERP"), state) is OrderRefusal.REDUCE_ONLY
        assert check_order(an_order(0.5, "PERP"), state) is OrderRefusal.REDUCE_ONLY

    def test_the_expected_slippage_is_the_spread_and_the_impact(self) -> None:
        """Half a spread of 5 bps, and by the square-root law the volatility at all of a volume."""
        bar = Bar(10.0, 10.0, high=10.5, low=9.5, volume=10.0)
        impact_bps = bar.volatility * 1e4
        costs = replace(COSTS, impact=1.0)
        state = replace(STATE, bars={"COIN": bar}, terms=replace(STATE.terms, costs=costs))
        for bound, reason in (
            (5.0 + impact_bps * 1.001, None),
            (5.0 + impact_bps * 0.999, OrderRefusal.SLIPPAGE_TOO_HIGH),
        ):
            limits = TradingLimits(slippage_bps_max=bound)

            assert check_order(an_order(1.0), replace(state, limits=limits)) is reason
            assert check_order(an_order(-1.0), replace(state, limits=limits)) is reason

    def test_gas_binds_every_order_of_an_operation_on_a_chain(self) -> None:
        state = limited(gas_max=usd(0.2))

        assert check_order(an_order(5.0, "aave"), state) is OrderRefusal.GAS_TOO_HIGH
        assert check_order(an_order(-0.1, "aave"), state) is OrderRefusal.GAS_TOO_HIGH
        assert check_order(an_order(1.0), state) is None

    @given(st.floats(-3.0, 12.0), st.sampled_from(["COIN", "aave", "curve"]))
    def test_limits_refuse_and_never_allow(self, quantity: float, instrument: str) -> None:
        order = an_order(quantity, instrument)

        if check_order(order, BOUND) is None:
            assert check_order(order, STATE) is None

    def test_no_limits_are_the_default(self) -> None:
        assert TradingLimits() == NO_LIMITS == STATE.limits


def test_reasons_are_given_in_their_documented_order() -> None:
    """An order with every fault at once, which are then mended one after the other."""
    limits = TradingLimits(
        trade_min=usd(500),
        trade_max=usd(100),
        trades_per_day=0,
        slippage_bps_max=-1.0,
        gas_max=Money(0),
        positions={"aave": usd(1)},
        protocols={"aave": ProtocolLimit(enabled=False)},
    )
    order = an_order(math.nan, "GOLD")
    state = replace(
        STATE,
        halted=True,
        trading=False,
        portfolio=Portfolio(),
        limits=limits,
        reduce_only=True,
        room={"aave": 0},
    )
    mends: list[Any] = [
        {"halted": False},
        {"trading": True},
        an_order(math.nan, "LATE"),
        an_order(math.nan, "aave"),
        an_order(0.0, "aave"),
        an_order(200.0, "aave"),
        {"protocols": {}},
        {"reduce_only": False},
        {"trades_per_day": None},
        {"trade_min": None},
        {"trade_max": None},
        {"slippage_bps_max": None},
        {"gas_max": None},
        {"positions": {}},
        {"room": None},
        {"portfolio": Portfolio(cash=usd(1000))},
    ]

    found = [check_order(order, state)]
    for mend in mends:
        if isinstance(mend, Order):
            order = mend
        elif mend.keys() & {each.name for each in fields(TradingLimits)}:
            state = replace(state, limits=replace(state.limits, **mend))
        else:
            state = replace(state, **mend)
        found.append(check_order(order, state))

    reasons = [each for each in found if each is not None]
    assert found[-1] is None
    assert reasons == sorted(reasons, key=list(OrderRefusal).index)
    assert len(set(reasons)) == len(reasons) == len(mends)
    elsewhere = {
        OrderRefusal.POSITION_INSUFFICIENT,  # Of a sale, which has no limit before it.
        OrderRefusal.COLLATERAL_INSUFFICIENT,
        OrderRefusal.NO_LIQUIDITY,
        OrderRefusal.VENUE_FAILED,
    }
    assert {*OrderRefusal} - {*reasons} == elsewhere


@settings(max_examples=300)
@given(st.floats(-3.0, 12.0), st.sampled_from(["COIN", "aave"]))
def test_what_is_not_refused_leaves_cash_and_positions_at_zero_or_more(
    quantity: float, instrument: str
) -> None:
    order = an_order(quantity, instrument)

    if check_order(order, STATE) is None:
        fill = execute(
            order, STATE.terms.instruments[instrument], bar=STATE.bars[instrument], costs=COSTS
        )
        after = STATE.portfolio.after([fill])
        assert after.cash >= 0
        assert all(held > 0 for held in after.positions.values())
