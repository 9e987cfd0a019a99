"""A sponsor: gives agents capital by hand, and never more than it was told.

The rule: what is going to be spent is taken from the budget before anything is awaited.  While an
`await` waits, anybody may run: what was true before it need not be true after it.
"""

from __future__ import annotations

from actors.app import Arena
from arena.exceptions import AllocationError
from arena.ids import AgentId
from arena.money import Money


class Sponsor:
    """Gives agents more capital from their pools, up to a budget.  Many tasks may use one.

    Attributes:
        left: What it may still give, micro-USD.
        given: What agents have received from it, micro-USD.
    """

    def __init__(self, arena: Arena, budget: Money) -> None:
        """Make a sponsor for `arena` that gives at most `budget` micro-USD."""
        self._arena = arena
        self.left = budget
        self.given = Money(0)

    async def support(self, agent_id: AgentId, amount: Money) -> bool:
        """Give `amount` micro-USD to an agent; say whether it was given."""
        if amount > self.left:
            return False
        self.left = Money(self.left - amount)
        try:
            await self._arena.allocate_micro(agent_id, amount)
        except AllocationError:
            self.left = Money(self.left + amount)
            return False
        self.given = Money(self.given + amount)
        return True
