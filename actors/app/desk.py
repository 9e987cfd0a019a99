"""The trading engine's verbs, as the library's user has them: `arena.desk`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from actors.journal.chain import timestamp
from actors.journal.port import Journal
from actors.messages.allocator import Answer
from actors.messages.desk import (
    DeskMessage,
    ExecuteTrade,
    SubmitTrade,
    TellCancelled,
    ValidateTrade,
)
from arena import commands as c
from arena.exceptions import AllocationError, ValidationError
from arena.ids import AgentId
from arena.money import Money, parse_usd
from arena.orders import Fill, Order, OrderRefusal, RefusedOrder, TradeStatus
from arena.words import StopMode

BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionStats:
    """What is on record of trades, forced sales and liquidations among them.

    Attributes:
        total: Trades that came to an end.
        successful: Those that were executed.
        failed: Those that were refused, cancelled, or not taken by the venue.
        success_rate: `successful / total`; 0 before the first.
        fees: Micro-USD.
        slippage: Micro-USD.
        gas: Micro-USD.
        slippage_bps_average: Slippage over the notional executed, basis points.
    """

    total: int
    successful: int
    failed: int
    success_rate: float
    fees: Money
    slippage: Money
    gas: Money
    slippage_bps_average: float


class Desk:
    """Submits, validates and executes trades; all of them are simulated."""

    def __init__(
        self,
        ask: Callable[[DeskMessage], Awaitable[Any]],
        command: Callable[[c.Command], Awaitable[Answer]],
        name: Callable[[str], str],
        journal: Journal,
    ) -> None:
        """Reach the desk by `ask`, the allocator by `command`; `name` makes command ids."""
        self._ask = ask
        self._send = command
        self._name = name
        self._journal = journal

    async def submit_trade(self, order: Order) -> TradeStatus:
        """Let `order` wait for the next open; it is validated there.  Returns `pending`.

        It is on record before this returns, and outlives the process.

        Raises:
            ValidationError: Its id is that of another order, whatever became of that, or its
                quantity is no finite number.
            MailboxFull: As many orders as may wait do.
        """
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
            ValidationError: As `submit_trade`; or it was refused, with the reason in `found`.
        """
        outcome: Fill | RefusedOrder = await self._ask(ExecuteTrade(order))
        if isinstance(outcome, RefusedOrder):
            reason = str(outcome.reason)
            raise ValidationError(f"order {order.order_id}", found=reason, needed="a valid order")
        return outcome

    async def get_execution_stats(
        self,
        agent_id: AgentId | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> ExecutionStats:
        """Return what is on record of trades: of the whole run, whoever carried it out.

        Args:
            agent_id: Only this agent's.
            start: Only from this instant on; a trade has that of the close of its bar.
            end: Only before this instant.
        """
        low = timestamp(start) if start else ""
        high = timestamp(end) if end else "~"
        found = await self._journal.trade_totals(agent_id, low, high)
        return ExecutionStats(
            total=found.total,
            successful=found.successful,
            failed=found.total - found.successful,
            success_rate=found.successful / found.total if found.total else 0.0,
            fees=Money(found.fees),
            slippage=Money(found.slippage),
            gas=Money(found.gas),
            slippage_bps_average=found.slippage / found.notional * BPS if found.notional else 0.0,
        )

    async def emergency_stop(self, reason: str, mode: StopMode = StopMode.PAUSE) -> None:
        """Stop all trading until `emergency_resume`, and cancel what is pending.

        Args:
            reason: For the record.
            mode: `pause`: what is held stays; `wind_down`: it is sold at the last close.  A pause
                can be followed by a wind-down.

        Raises:
            AllocationError: It is stopped already.
        """
        await self._command(
            c.HaltTrading(command_id=self._name("halt"), reason=reason, mode=StopMode(mode))
        )
        await self.tell_cancelled()

    async def tell_cancelled(self) -> None:
        """Tell whoever waits for a trade that a stop has cancelled."""
        await self._ask(TellCancelled())

    async def emergency_resume(self, reason: str) -> None:
        """Let trading go on.

        Raises:
            AllocationError: It is not stopped.
        """
        await self._command(c.ResumeTrading(command_id=self._name("resume"), reason=reason))

    async def configure_protocol(
        self, protocol: str, *, enabled: bool = True, share_bp: int | None = None
    ) -> None:
        """Say whether anything may be placed in a protocol, and how much.

        Args:
            protocol: Of an instrument that can be traded.
            enabled: What is in it can be taken out in any case.
            share_bp: Most of all deployable real capital, basis points; None is
                `risk.per_protocol_bp`.

        Raises:
            AllocationError: There is no such protocol, or the share is out of bounds.
        """
        await self._command(
            c.ConfigureProtocol(
                command_id=self._name("protocol"),
                protocol=protocol,
                enabled=enabled,
                share_bp=share_bp,
            )
        )

    async def set_position_limit(self, instrument: str, most: str | int | None) -> None:
        """Say how much exposure one agent may have: decimal text, whole dollars, or None.

        Raises:
            AllocationError: There is no such instrument.
            ValidationError: `most` is no sum of money.
        """
        limit = None if most is None else parse_usd(most)
        await self._command(
            c.SetPositionLimit(command_id=self._name("position"), instrument=instrument, most=limit)
        )

    async def _command(self, command: c.Command) -> None:
        answer = await self._send(command)
        if answer.refusal is not None:
            raise AllocationError(None, 0, answer.refusal, answer.detail)
