"""An order is refused for one reason, the first in the documented order, or it can be paid for."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.bars import flat
from arena.costs import CostModel
from arena.execution import Marks, Terms, execute
from arena.ids import AgentId
from arena.orders import Order, OrderRefusal
from arena.portfolio import Portfolio
from arena.validators import TradingState, check_order
from tests.arena.builders import lending, spot, usd

COSTS = CostModel(fee_bps=10.0, slippage_bps=5.0, gas=usd(0.25))
PRICES = {"COIN": 10.0, "aave": 1.0}
STATE = TradingState(
    portfolio=Portfolio(cash=usd(100), positions={"COIN": 2.0, "aave": 0.1}),
    bars=flat(PRICES, {}),
    marks=Marks(prices=PRICES),
    terms=Terms({**spot("COIN", "LATE"), **lending("aave")}, COSTS),
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


def test_reasons_are_given_in_their_documented_order() -> None:
    """An order with every fault at once, which are then mended one after the other."""
    order = an_order(math.nan, "GOLD")
    state = replace(STATE, halted=True, trading=False, portfolio=Portfolio())
    mends = [
        lambda: replace(state, halted=False),
        lambda: replace(state, trading=True),
        lambda: an_order(math.nan, "LATE"),
        lambda: an_order(math.nan),
        lambda: an_order(0.0),
        lambda: an_order(-1.0),
        lambda: an_order(1.0),
    ]

    found = [check_order(order, state)]
    for mend in mends:
        mended = mend()
        order, state = (mended, state) if isinstance(mended, Order) else (order, mended)
        found.append(check_order(order, state))

    assert found == sorted(found, key=list(OrderRefusal).index)
    assert len(set(found)) == len(found)


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
