"""An exchange that fails: before an order is executed, while it is, and after it was.

It keeps a book of everything that it executed, twice if it is asked twice: an exchange that knows
its ids is no proof that nobody sends an order twice.
"""

from __future__ import annotations

from collections.abc import Callable

from actors.venues import OutcomeUnknownError
from arena.orders import Fill, Order


class CrashError(Exception):
    """What ends a process: nobody handles it."""


class Exchange:
    """Executes what it is sent, with the fate that `fate` gives each call.

    `fine`, or of an order: `refused` (it did not arrive, and the caller knows), `lost` (it did not
    arrive, and nobody knows), `silent` (it was executed, and nobody knows), `dead_before` and
    `dead_after` (the caller's process ends).  A question is answered if its fate is `fine`.

    Attributes:
        fate: Of the next call.
        executed: Every execution, in its order.
    """

    def __init__(self, fate: Callable[[], str], *, careful: bool = False) -> None:
        """Fail by `fate`; a `careful` one executes no known id again."""
        self.executed: list[Fill] = []
        self.fate = fate
        self._careful = careful

    async def execute(self, order: Order, *, limit: float | None, expected: Fill) -> Fill:
        """Execute an order, or not."""
        fate, id_ = self.fate(), order.order_id
        if fate == "refused":
            raise ConnectionError("nobody answers")
        if fate == "dead_before":
            raise CrashError("the process ended before it sent anything")
        if fate == "lost":
            raise OutcomeUnknownError(id_)
        known = await self._known(id_) if self._careful else None
        if known is None:
            self.executed.append(expected)
        if fate == "silent":
            raise OutcomeUnknownError(id_)
        if fate == "dead_after":
            raise CrashError("the process ended before it heard the answer")
        return known or expected

    async def find(self, order_id: str) -> Fill | None:
        """Say what was executed, or nothing."""
        if self.fate() != "fine":
            raise ConnectionError("nobody answers")
        return await self._known(order_id)

    async def _known(self, order_id: str) -> Fill | None:
        return next((fill for fill in self.executed if fill.order_id == order_id), None)
