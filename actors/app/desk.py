"""The trading engine's verbs, as the library's user has them: `arena.desk`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from actors.messages.allocator import Answer
from actors.messages.desk import (
    DeskMessage,
    ExecuteTrade,
    ExecutionStats,
    ReportStats,
    SubmitTrade,
    ValidateTrade,
)
from arena import commands as c
from arena.exceptions import AllocationError, ValidationError
from arena.orders import Fill, Order, OrderRefusal, RefusedOrder, TradeStatus


class Desk:
    """Submits, validates and executes trades; all of them are simulated."""

    def __init__(
        self,
        ask: Callable[[DeskMessage], Awaitable[Any]],
        command: Callable[[c.Command], Awaitable[Answer]],
        name: Callable[[str], str],
    ) -> None:
        """Reach the desk by `ask`, the allocator by `command`; `name` makes command ids."""
        self._ask = ask
        self._send = command
        self._name = name

    async def submit_trade(self, order: Order) -> TradeStatus:
        """Let `order` wait for the next open; it is validated there.  Returns `pending`."""
        status: TradeStatus = await self._ask(SubmitTrade(order))
        return status

    async def validate_trade(self, order: Order) -> OrderRefusal | None:
        """Return why `order` could not be executed at the latest closes; None if it could."""
        refusal: OrderRefusal | None = await self._ask(ValidateTrade(order))
        return refusal

    async def execute_trade(self, order: Order) -> Fill:
        """Submit `order`, wait for the next open, and return its fill.

        Somebody must let time pass meanwhile (`arena.backtest(1)` in another task).

        Raises:
            ValidationError: It was refused; the reason is in `found`.
        """
        outcome: Fill | RefusedOrder = await self._ask(ExecuteTrade(order))
        if isinstance(outcome, RefusedOrder):
            reason = str(outcome.reason)
            raise ValidationError(f"order {order.order_id}", found=reason, needed="a valid order")
        return outcome

    async def get_execution_stats(self) -> ExecutionStats:
        """Return what the desk has done since the arena was opened."""
        stats: ExecutionStats = await self._ask(ReportStats())
        return stats

    async def emergency_stop(self, reason: str) -> None:
        """Stop all trading until `emergency_resume`.

        Raises:
            AllocationError: It is stopped already.
        """
        await self._command(c.HaltTrading(command_id=self._name("halt"), reason=reason))

    async def emergency_resume(self, reason: str) -> None:
        """Let trading go on.

        Raises:
            AllocationError: It is not stopped.
        """
        await self._command(c.ResumeTrading(command_id=self._name("resume"), reason=reason))

    async def _command(self, command: c.HaltTrading | c.ResumeTrading) -> None:
        answer = await self._send(command)
        if answer.refusal is not None:
            raise AllocationError(None, 0, answer.refusal, answer.detail)
