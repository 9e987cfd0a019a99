"""Wrong on purpose: a sponsor that looks, waits and acts, and the sweep that finds it.

Its name does not begin with `test_`, so pytest runs it only when it is asked to:

    pytest tests/planted_race.py
"""

from __future__ import annotations

import pytest
from arena_momentum import Sponsor
from sponsored import BUDGET, two_ask

from arena.ids import AgentId
from arena.money import Money


class HastySponsor(Sponsor):
    """Takes from its budget when the money has arrived: until then it can be promised again."""

    async def support(self, agent_id: AgentId, amount: Money) -> bool:
        """Give `amount` micro-USD to an agent; say whether it was given."""
        if amount > self.left:
            return False
        await self._arena.allocate_micro(agent_id, amount)  # Somebody else may look in here.
        self.left = Money(self.left - amount)
        self.given = Money(self.given + amount)
        return True


@pytest.mark.arena(seeds=100)
async def test_a_hasty_sponsor_keeps_to_its_budget() -> None:
    assert await two_ask(HastySponsor) == BUDGET
