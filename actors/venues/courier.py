"""The courier: carries orders to the venue, each of which is executed at most once.

What is safe to repeat is repeated, a bounded number of times and with pauses that grow: a call that
executed nothing, and a question.  Where nobody knows what became of an order, the venue is asked,
and the order is sent again only if nothing was executed.  An outcome that stays unknown is an
error: nothing is settled before it is known.  A desk that has just begun asks for every order
first: the process before it may have sent some.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from actors.runtime import Clock
from actors.venues.port import OutcomeUnknownError, Venue
from arena.orders import Fill, Order

T = TypeVar("T")

ATTEMPTS_MAX = 5
"""How often one call is made before the venue counts as out of reach."""

PAUSE_S = 0.5
PAUSE_MAX_S = 8.0
"""What is waited between two calls, the first time and at most; it doubles."""


class Courier:
    """Carries orders to one venue.

    Attributes:
        unsure: Whether an order may have been sent before, by a process that could not say so.
    """

    def __init__(self, venue: Venue, clock: Clock) -> None:
        """Carry to `venue`, and wait by `clock`: in an experiment, nobody really does."""
        self._venue = venue
        self._clock = clock
        self.unsure = True

    async def recall(self, order_id: str) -> Fill | None:
        """Return the fill of an order that may have been sent before; None where it was not.

        Raises:
            OutcomeUnknownError: The venue does not say.
        """
        return await self._find(order_id)

    async def carry(self, order: Order, *, limit: float | None, expected: Fill) -> Fill | None:
        """Have an order executed and return its fill; None where the venue cannot be reached.

        Args:
            order: Already validated.
            limit: The price of a quote, USD per unit; None trades at the open.
            expected: The fill by the cost model.

        Raises:
            OutcomeUnknownError: It may have been executed, and the venue does not say.
        """
        try:
            return await self._venue.execute(order, limit=limit, expected=expected)
        except ConnectionError:
            fill = None
        except OutcomeUnknownError:
            fill = await self._find(order.order_id)
        if fill is not None:
            return fill
        await self._clock.sleep(PAUSE_S)
        try:
            return await self._insist(lambda: self._send(order, limit, expected))
        except ConnectionError:
            return None

    async def _send(self, order: Order, limit: float | None, expected: Fill) -> Fill:
        """Send an order once more and find out what became of it.

        Raises:
            ConnectionError: Nothing was executed.
            OutcomeUnknownError: Nobody knows.
        """
        try:
            return await self._venue.execute(order, limit=limit, expected=expected)
        except OutcomeUnknownError as unknown:
            fill = await self._find(order.order_id)
            if fill is None:
                raise ConnectionError(f"{order.order_id!r} did not arrive") from unknown
            return fill

    async def _find(self, order_id: str) -> Fill | None:
        """Ask what became of an order.

        Raises:
            OutcomeUnknownError: The venue does not say.
        """
        try:
            return await self._venue.find(order_id)
        except ConnectionError:
            await self._clock.sleep(PAUSE_S)
        try:
            return await self._insist(lambda: self._venue.find(order_id))
        except ConnectionError as error:
            raise OutcomeUnknownError(order_id) from error

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that executes nothing where it fails, as often as is left of its attempts.

        Raises:
            ConnectionError: It failed each time.
        """
        from tenacity import (  # noqa: PLC0415 - costs 0.15 s where no call ever fails
            AsyncRetrying,
            retry_if_exception_type,
            stop_after_attempt,
            wait_exponential,
        )

        async def once() -> T:  # tenacity awaits what is declared as async, and nothing else.
            return await call()

        retrying = AsyncRetrying(
            sleep=self._clock.sleep,
            stop=stop_after_attempt(ATTEMPTS_MAX - 1),
            wait=wait_exponential(multiplier=2.0 * PAUSE_S, max=PAUSE_MAX_S),
            retry=retry_if_exception_type(ConnectionError),
            reraise=True,
        )
        return await retrying(once)
