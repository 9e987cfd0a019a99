"""A roll is complete when everybody is accounted for, each once."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime import Roll

names = st.sampled_from(["ada", "bob", "cid", "eve"])


def test_who_is_missing_is_listed_in_the_order_of_the_call() -> None:
    roll = Roll(["cid", "ada", "bob"])

    assert roll.mark("ada")

    assert roll.missing == ("cid", "bob")
    assert not roll.complete


def test_a_second_answer_and_a_stranger_change_nothing() -> None:
    roll = Roll(["ada", "bob"])
    roll.mark("ada")

    assert not roll.mark("ada")
    assert not roll.mark("eve")
    assert roll.missing == ("bob",)


def test_a_roll_of_nobody_is_complete() -> None:
    assert Roll([]).complete


@given(st.lists(names), st.lists(names))
def test_a_roll_is_complete_exactly_when_all_who_were_called_have_come(
    called: list[str], came: list[str]
) -> None:
    roll = Roll(called)

    news = [name for name in came if roll.mark(name)]

    assert sorted(news) == sorted(set(called) & set(came))
    assert roll.complete == (set(called) <= set(came))
    assert set(roll.missing) == set(called) - set(came)


@pytest.mark.asyncio
async def test_a_roll_says_again_and_again_who_is_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    roll = Roll(["cid", "ada", "bob"])
    roll.complain("orders of tick 3", every_s=0.001)
    roll.mark("ada")

    heard = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.05, heard.set_result, None)
    await heard
    roll.close()

    assert len(caplog.messages) >= 2

    for said in caplog.messages:
        assert "roll_incomplete" in said
        assert "orders of tick 3" in said
        assert "('cid', 'bob')" in said


@pytest.mark.asyncio
async def test_a_roll_that_is_complete_or_closed_says_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    complete, closed, nobody = Roll(["ada"]), Roll(["bob"]), Roll([])
    for roll in (complete, closed, nobody):
        roll.complain("orders", every_s=0.001)

    complete.mark("ada")
    closed.close()
    heard = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.01, heard.set_result, None)
    await heard

    assert caplog.messages == []
