"""The arithmetic of trades gives what another engine printed: SMA 10/30 on GOOG, whole shares.

Source: backtesting.py 0.6.6; the position that is left is closed at the last open, or at the close
before it where fills are at closes; its spread is part of the price, and paid on entry only.  Where
the data is missing the test is skipped.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from arena.bars import Bar
from arena.costs import CostModel
from arena.execution import execute
from arena.ids import AgentId
from arena.instruments import Instrument, Kind
from arena.market import Floats
from arena.money import MICRO
from arena.orders import Order
from arena.portfolio import Portfolio
from tests.arena.builders import usd

FILE = Path(__file__).parents[2].parent / "shared" / "data" / "equities" / "goog_daily.csv"
SHARE = Instrument("GOOG", Kind.PERPETUAL, underlying="GOOG")


def traded(
    *, short: bool, fee_bps: float = 0.0, spread: float = 0.0, at_close: bool = False
) -> tuple[float, int]:
    """Return the last equity in USD, and how many positions were opened."""
    with FILE.open() as file:
        rows = [(float(row["open"]), float(row["close"])) for row in csv.DictReader(file)]
    opens, closes = np.array(rows).T
    costs = CostModel(slippage_bps=0.0, perpetual_fee_bps=fee_bps)
    book, opened, side = Portfolio(cash=usd(10_000)), 0, _crossings(closes)

    def trade(quantity: float, price: float) -> None:
        nonlocal book
        order = Order(order_id="1", agent_id=AgentId("ada"), instrument="GOOG", quantity=quantity)
        fill = execute(order, SHARE, bar=Bar(price, price), costs=costs)
        book = book.after((fill,))

    for day in range(30, len(closes) - 1):
        if not side[day]:
            continue
        price = float(closes[day] if at_close else opens[day + 1])
        trade(-book.positions["GOOG"], price) if book.positions else None
        if side[day] > 0 or short:
            opened += 1
            price *= 1.0 + spread * float(side[day])
            shares = math.floor(book.cash / MICRO / (price * (1.0 + fee_bps / 10_000)))
            trade(float(side[day]) * shares, price)
    if book.positions:
        trade(-book.positions["GOOG"], float(closes[-2] if at_close else opens[-1]))
    return book.cash / MICRO, opened


def _crossings(closes: Floats) -> Floats:
    """Return 1 where the short average crosses above the long one, -1 below it, else 0."""
    fast, slow = (
        np.array([closes[max(i - n + 1, 0) : i + 1].mean() for i in range(len(closes))])
        for n in (10, 30)
    )
    above = fast > slow
    return np.concatenate(([0.0], np.diff(above.astype(float))))


@pytest.mark.skipif(not FILE.exists(), reason="the market data is not here")
@pytest.mark.parametrize(
    ("how", "equity"),
    [
        ({"short": True}, 51_422.99),
        ({"short": True, "fee_bps": 20.0}, 39_280.73682),
        ({"short": True, "at_close": True}, 64_392.08),
        ({"short": False}, 57_157.30),
        ({"short": False, "fee_bps": 20.0, "spread": 0.0005}, 49_189.51742757),
    ],
    ids=["long and short", "0.2 %", "at the same close", "long or flat", "0.2 % and 5 bp"],
)
def test_whole_shares_end_where_another_engine_ended(how: dict[str, float], equity: float) -> None:
    found, opened = traded(**how)

    assert found == pytest.approx(equity, rel=1e-9)
    if how["short"]:
        assert opened == 66
