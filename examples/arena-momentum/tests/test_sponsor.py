"""A sponsor never gives more than its budget, whoever comes when."""

import pytest
from arena_momentum import Sponsor
from sponsored import BUDGET, two_ask


@pytest.mark.arena(seeds=30)
async def test_a_sponsor_keeps_to_its_budget() -> None:
    assert await two_ask(Sponsor) == BUDGET
