"""Concentrated liquidity in whole numbers: the answers of the contracts' own tests."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.exceptions import ValidationError
from arena.instruments.concentrated import (
    TICK_MAX,
    Amounts,
    SwapStep,
    amounts_for_liquidity,
    liquidity_for_amounts,
    sqrt_price,
    sqrt_price_at_tick,
    swap_step,
)

E18 = 10**18
LOW, HIGH = sqrt_price(100, 110), sqrt_price(110, 100)

ticks = st.integers(-TICK_MAX, TICK_MAX)
amounts = st.integers(0, 10**24)
liquidities = st.integers(1, 10**24)
near = st.integers(-5_000, 5_000).map(sqrt_price_at_tick)


@pytest.mark.parametrize(
    ("tick", "root"),
    [
        (0, 2**96),
        (50, 79426470787362580746886972461),
        (-TICK_MAX, 4295128739),
        (TICK_MAX, 1461446703485210103287273052203988822378723970342),
    ],
)
def test_a_tick_has_the_price_that_the_contract_gives_it(tick: int, root: int) -> None:
    assert sqrt_price_at_tick(tick) == root


@given(ticks)
def test_a_tick_is_a_basis_point(tick: int) -> None:
    with localcontext() as context:
        context.prec = 60
        exact = Decimal("1.0001") ** (Decimal(tick) / 2) * 2**96

        assert abs(sqrt_price_at_tick(tick) / exact - 1) < max(Decimal("1e-15"), 2 / exact)


@given(st.integers(-TICK_MAX, TICK_MAX - 1))
def test_a_higher_tick_is_a_higher_price(tick: int) -> None:
    assert sqrt_price_at_tick(tick) < sqrt_price_at_tick(tick + 1)


@pytest.mark.parametrize("tick", [TICK_MAX + 1, -TICK_MAX - 1])
def test_there_is_no_price_beyond_the_last_tick(tick: int) -> None:
    with pytest.raises(ValidationError, match="tick"):
        sqrt_price_at_tick(tick)


@pytest.mark.parametrize(
    ("price", "liquidity", "held"),
    [
        ((1, 1), 2148, Amounts(99, 99)),
        ((99, 110), 1048, Amounts(99, 0)),
        ((111, 100), 2097, Amounts(0, 199)),
    ],
)
def test_a_range_takes_what_it_can_use_and_gives_it_back(
    price: tuple[int, int], liquidity: int, held: Amounts
) -> None:
    """The test vectors of `LiquidityAmounts`: 100 and 200 given to a range of 10 % a side."""
    now = sqrt_price(*price)

    assert liquidity_for_amounts(now, LOW, HIGH, Amounts(100, 200)) == liquidity
    assert amounts_for_liquidity(now, LOW, HIGH, liquidity) == held


@given(near, amounts, amounts)
def test_nobody_gets_more_out_of_a_range_than_was_put_in(now: int, one: int, other: int) -> None:
    liquidity = liquidity_for_amounts(now, LOW, HIGH, Amounts(one, other))

    held = amounts_for_liquidity(now, LOW, HIGH, liquidity)

    assert 0 <= held.amount0 <= one
    assert 0 <= held.amount1 <= other


def test_a_step_pays_what_the_contract_pays() -> None:
    """The test vectors of `SwapMath`: exact input, all of it used, and capped at the target."""
    used = swap_step(sqrt_price(1, 1), sqrt_price(1000, 100), 2 * E18, E18, 600)
    capped = swap_step(sqrt_price(1, 1), sqrt_price(101, 100), 2 * E18, E18, 600)

    assert used[1:] == (E18 - 600000000000000, 666399946655997866, 600000000000000)
    assert used.sqrt_price < sqrt_price(1000, 100)
    assert capped == SwapStep(
        sqrt_price(101, 100), 9975124224178055, 9925619580021728, 5988667735148
    )


@given(near, near, liquidities, st.integers(0, 10**22), st.integers(1, 10_000))
def test_a_step_stays_on_its_way_and_inside_what_was_paid(
    now: int, target: int, liquidity: int, paid: int, fee: int
) -> None:
    step = swap_step(now, target, liquidity, paid, fee)

    assert min(now, target) <= step.sqrt_price <= max(now, target)
    assert step.amount_in + step.fee <= paid
    assert step.amount_out >= 0


@given(near, liquidities, st.integers(1, 10**20), st.integers(1, 10_000))
def test_a_swap_there_and_back_is_never_a_gain(
    now: int, liquidity: int, paid: int, fee: int
) -> None:
    low, high = sqrt_price_at_tick(-TICK_MAX), sqrt_price_at_tick(TICK_MAX)

    there = swap_step(now, low, liquidity, paid, fee)
    back = swap_step(there.sqrt_price, high, liquidity, there.amount_out, fee)

    assert back.amount_out <= paid
