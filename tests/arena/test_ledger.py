"""Every movement is one row with both legs, so no event can make or lose money."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.events import (
    AgentDemoted,
    AgentSpawned,
    ArenaOpened,
    CapitalAllocated,
    CapitalReturned,
    Event,
    NoteRecorded,
    PositionsReduced,
    Settlement,
    TickSettled,
)
from arena.exceptions import CapitalConservationError
from arena.ids import AgentId
from arena.ledger import Transfer, check_balances, post, transfers
from arena.money import Money
from arena.orders import Fill
from arena.words import Book, Layer

ADA, BOB = AgentId("ada"), AgentId("bob")


def a_fill(agent_id: AgentId = ADA, *, fee: int = 0, slippage: int = 0, gas: int = 0) -> Fill:
    return Fill(
        order_id="1",
        agent_id=agent_id,
        instrument="COIN",
        quantity=1.0,
        price=1.0,
        fee=Money(fee),
        slippage=Money(slippage),
        gas=Money(gas),
    )


def a_settlement(
    *,
    real: Settlement | None = None,
    virtual: Settlement | None = None,
    fills: tuple[Fill, ...] = (),
) -> TickSettled:
    return TickSettled(
        tick=1,
        prices={},
        fills=fills,
        refused=(),
        real=Settlement() if real is None else real,
        virtual=Settlement() if virtual is None else virtual,
        fund_nav=1.0,
    )


def rows(event: Event) -> list[tuple[str, str, int, str]]:
    """Return the rows as (debit, credit, amount, reason), the book left out."""
    return [(row.debit, row.credit, row.amount, row.reason) for row in transfers(event)]


def test_the_opening_fills_the_reserve_and_both_pools_from_the_endowment() -> None:
    opened = ArenaOpened(name="x", reserve=Money(5), proving=Money(3), arena=Money(2))

    assert rows(opened) == [
        ("endowment", "reserve", 5, "opening"),
        ("endowment", "pool:proving", 3, "opening"),
        ("endowment", "pool:arena", 2, "opening"),
    ]


def test_an_allocation_and_a_return_are_each_others_mirror() -> None:
    given_ = CapitalAllocated(agent_id=ADA, amount=Money(7), source="pool:arena", reason="entry")
    back = CapitalReturned(
        agent_id=ADA, amount=Money(7), book=Book.REAL, target="pool:arena", reason="death"
    )

    assert rows(given_) == [("pool:arena", "agent:ada", 7, "entry")]
    assert rows(back) == [("agent:ada", "pool:arena", 7, "death")]


def test_virtual_money_comes_from_the_bank_into_one_pooled_account_and_returns_there() -> None:
    spawned = AgentSpawned(
        agent_id=ADA,
        strategy="idle",
        family="idle",
        parameters={},
        generation=0,
        parents=(),
        virtual_capital=Money(10),
    )
    demoted = AgentDemoted(
        agent_id=ADA,
        from_layer=Layer.PROVING,
        to_layer=Layer.SIMULATION,
        rule="x",
        metrics={},
        virtual_capital=Money(10),
    )
    back = CapitalReturned(
        agent_id=ADA, amount=Money(9), book=Book.VIRTUAL, target="bank", reason="graduation"
    )

    for event in (spawned, demoted):
        assert rows(event) == [("bank", "population", 10, "virtual_capital")]
    assert rows(back) == [("population", "bank", 9, "graduation")]
    assert {row.book for event in (spawned, demoted, back) for row in transfers(event)} == {
        Book.VIRTUAL
    }


def test_real_profit_is_booked_before_its_costs_and_costs_by_kind() -> None:
    settled = Settlement(
        agents=(ADA,), pnl=(Money(94),), costs=(Money(6),), nav=(1.0,), fitness=(None,)
    )
    tick = a_settlement(
        real=settled, fills=(a_fill(fee=1, slippage=2), a_fill(fee=0, gas=3), a_fill(BOB, fee=50))
    )

    assert rows(tick) == [
        ("market", "agent:ada", 100, "pnl"),
        ("agent:ada", "costs:fees", 1, "fees"),
        ("agent:ada", "costs:slippage", 2, "slippage"),
        ("agent:ada", "costs:gas", 3, "gas"),
    ]


def test_a_loss_goes_to_the_market() -> None:
    settled = Settlement(
        agents=(ADA,), pnl=(Money(-8),), costs=(Money(0),), nav=(1.0,), fitness=(None,)
    )

    assert rows(a_settlement(real=settled)) == [("agent:ada", "market", 8, "pnl")]


def test_the_virtual_book_pools_everyones_profit_and_costs() -> None:
    settled = Settlement(
        agents=(ADA, BOB),
        pnl=(Money(-10), Money(3)),
        costs=(Money(2), Money(1)),
        nav=(1.0, 1.0),
        fitness=(None, None),
    )

    assert rows(a_settlement(virtual=settled)) == [
        ("population", "market", 4, "pnl"),
        ("population", "costs", 3, "costs"),
    ]


def test_a_loss_beyond_the_balance_is_borne_by_the_market_and_called_bad_debt() -> None:
    settled = Settlement(
        agents=(ADA,),
        pnl=(Money(-15),),
        costs=(Money(0),),
        nav=(0.0,),
        fitness=(None,),
        bad_debt=((ADA, Money(5)),),
    )

    assert rows(a_settlement(real=settled)) == [
        ("market", "agent:ada", 5, "bad_debt"),
        ("agent:ada", "market", 15, "pnl"),
    ]
    assert rows(a_settlement(virtual=settled)) == [
        ("market", "population", 5, "bad_debt"),
        ("population", "market", 15, "pnl"),
    ]


def test_a_forced_sale_costs_and_moves_nothing_else() -> None:
    reduced = PositionsReduced(
        agent_id=ADA,
        book=Book.REAL,
        fills=(a_fill(fee=4), a_fill(fee=3, gas=2)),
        reason="death",
        nav=1.0,
    )

    assert rows(reduced) == [
        ("agent:ada", "costs:fees", 7, "fees"),
        ("agent:ada", "costs:gas", 2, "gas"),
    ]


def test_what_moves_no_money_has_no_rows() -> None:
    assert rows(NoteRecorded(kind="hello")) == []
    assert rows(a_settlement()) == []


accounts = st.sampled_from(["endowment", "reserve", "pool:arena", "agent:ada", "market"])


@settings(max_examples=100)
@given(st.lists(st.tuples(accounts, accounts, st.integers(1, 10**15)), max_size=30))
def test_no_list_of_transfers_changes_the_sum_of_a_book(
    movements: list[tuple[str, str, int]],
) -> None:
    balances: dict[str, int] = {}

    for debit, credit, amount in movements:
        post(balances, Transfer(Book.REAL, debit, credit, amount, "any"))

    assert sum(balances.values()) == 0


@pytest.mark.parametrize("source", ["endowment", "market", "bank"])
def test_a_source_of_money_may_be_negative(source: str) -> None:
    check_balances({source: -5, "reserve": 5})


@pytest.mark.parametrize("account", ["agent:ada", "pool:arena", "reserve", "population", "costs"])
def test_no_other_account_may(account: str) -> None:
    with pytest.raises(CapitalConservationError, match="overdrawn") as caught:
        check_balances({account: -1, "market": 1})

    assert (caught.value.expected, caught.value.found) == (0, -1)


def test_a_book_that_does_not_sum_to_zero_is_refused() -> None:
    with pytest.raises(CapitalConservationError, match="sum of the book"):
        check_balances({"endowment": -5, "reserve": 6})
