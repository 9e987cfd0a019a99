"""The two that came first answer in every market, too, and are not told the future."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.strategies import DeFiYieldFarmer, Strategy, TacticalTrader
from tests.arena.strategies.arenas import (
    FULL,
    answers,
    check_traded,
    check_unspoiled,
    drawn,
    full_market,
    play,
    torn,
)

BOTH = st.sampled_from([DeFiYieldFarmer, TacticalTrader])


@pytest.mark.parametrize("kind", [DeFiYieldFarmer, TacticalTrader], ids=lambda kind: kind.name)
def test_they_trade_on_the_synthetic_market(kind: type[Strategy]) -> None:
    check_traded(play(kind, full_market(), [*FULL.values()]))


@settings(max_examples=10, deadline=None)
@given(BOTH, st.integers(0, 2**32))
def test_every_answer_is_one_in_a_market_full_of_holes(kind: type[Strategy], seed: int) -> None:
    """No column is missing: a config whose market lacks what they watch is refused."""
    answers(drawn(kind, [*FULL.values()], seed), torn(full_market(), seed, missing=0.0))


@settings(max_examples=8, deadline=None)
@given(BOTH, st.integers(0, 2**32), st.integers(40, 280))
def test_what_comes_after_a_bar_changes_no_answer_up_to_it(
    kind: type[Strategy], seed: int, row: int
) -> None:
    check_unspoiled(kind, seed, row)
