"""Whoever looks ahead is told where it was seen; whoever breaks before that, that it broke."""

from __future__ import annotations

import pytest

from actors.testing import assert_no_lookahead
from arena.strategies import TacticalTrader
from tests.testing.troupe import Broken, Half, Peeking


def test_who_does_not_look_ahead_passes() -> None:
    assert_no_lookahead(Half, quick=True)


@pytest.mark.parametrize("quick", [True, False])
def test_who_looks_ahead_is_found_out(quick: bool) -> None:
    with pytest.raises(AssertionError, match=r"strategy 'peeking' looks ahead:\n  poisoned_future"):
        assert_no_lookahead(Peeking, quick=quick)


def test_settings_are_those_of_the_strategy() -> None:
    assert_no_lookahead(TacticalTrader, {"asset": "ETH"}, quick=True)


def test_who_breaks_cannot_be_seen_to_look_ahead() -> None:
    with pytest.raises(AssertionError, match=r"breaks before it can be seen .*:\n  crash: "):
        assert_no_lookahead(Broken, quick=True)
