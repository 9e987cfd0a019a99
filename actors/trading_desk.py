"""The trading desk: turns targets into trades, and settles each tick.

It holds the roll: for each tick every live agent sends one `Orders` (maybe HOLD) or is reported
absent, and is acknowledged at once.  At the next open the desk submits, validates and executes what
was ordered, agent by agent in a seeded order, and asks the allocator to settle the tick.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isnan
from typing import Any

from actors.messages.allocator import ASK_TIMEOUT_S, AllocatorMessage, Answer, Clocked
from actors.messages.allocator import CONTROL as ALLOCATOR_CONTROL
from actors.messages.desk import (
    LANES,
    Absent,
    CallRoll,
    DeskMessage,
    ExecuteTrade,
    ExecutionStats,
    Orders,
    ReportStats,
    SettleBar,
    SubmitTrade,
    ValidateTrade,
)
from actors.runtime import BatchActor, Envelope, MailboxFull, Ref, Roll
from actors.venues import Session, Venue, trading_state
from arena.bars import flat
from arena.commands import SettleTick
from arena.events import AgentFailed, TickSettled
from arena.exceptions import ValidationError
from arena.ids import AgentId
from arena.money import Money
from arena.orders import Fill, Order, OrderRefusal, RefusedOrder, TradeStatus
from arena.strategies import HOLD, Decision
from arena.treasury import Treasury
from arena.validators import check_order

BPS = 10_000

ORDERS_MAX = 10_000
"""How many orders from outside may wait for the next open."""


class TradingDesk(BatchActor[DeskMessage, Any]):
    """The trading engine: submit, validate, execute, settle."""

    def __init__(
        self,
        treasury: Callable[[], Treasury],
        allocator: Ref[AllocatorMessage, Answer],
        venue: Venue,
    ) -> None:
        super().__init__("trading_desk", lanes=LANES, batch_max=sum(LANES.values()))
        self._treasury = treasury
        self._allocator = allocator
        self._venue = venue
        self._roll: Roll | None = None
        self._caller: Envelope[DeskMessage, Any] | None = None
        self._decisions: dict[AgentId, Decision] = {}
        self._orders: dict[AgentId, list[Order]] = {}
        self._order_ids: set[str] = set()
        self._failures: list[AgentFailed] = []
        self._waiting: dict[str, Envelope[DeskMessage, Any]] = {}
        self._tally = _Tally()

    async def stopping(self) -> None:
        """Wait for nobody any more."""
        if self._roll is not None:
            self._roll.close()

    async def receive_batch(self, envelopes: Sequence[Envelope[DeskMessage, Any]]) -> None:
        """Handle what came; an answer that must wait for others is given when they are there."""
        for envelope in envelopes:
            match envelope.message:
                case Orders():
                    self._note_orders(envelope.message)
                    envelope.answer(None)
                case Absent():
                    self._note_absence(envelope.message)
                case CallRoll():
                    self._roll = Roll(envelope.message.expected)
                    self._roll.complain(f"orders of tick {envelope.message.tick}")
                    self._caller = envelope
                case SettleBar():
                    envelope.answer(await self._settle(envelope.message))
                case SubmitTrade() | ExecuteTrade():
                    self._submit(envelope, envelope.message)
                case _:
                    envelope.answer(self._answer(envelope.message))
            if self._roll is not None and self._caller is not None and self._roll.complete:
                self._caller.answer(None)
                self._roll = self._caller = None

    def _answer(self, message: ValidateTrade | ReportStats) -> Any:
        match message:
            case ValidateTrade():
                return self._validate(message.order)
            case ReportStats():
                return self._tally.stats()

    def _note_orders(self, message: Orders) -> None:
        if self._roll is not None:
            self._roll.mark(message.agent_id)
        if message.decision is not HOLD:
            self._decisions[message.agent_id] = message.decision

    def _note_absence(self, message: Absent) -> None:
        self._failures.append(message.failure)
        if self._roll is not None:
            self._roll.mark(message.failure.agent_id)

    def _submit(
        self, envelope: Envelope[DeskMessage, Any], message: SubmitTrade | ExecuteTrade
    ) -> None:
        """Let an order wait for the next open, if there is room and its id is its own."""
        order, waiting = message.order, len(self._order_ids)
        if order.order_id in self._order_ids:
            needed = "an id of its own: this order waits already"
            envelope.fail(ValidationError("order_id", found=order.order_id, needed=needed))
            return
        if waiting >= ORDERS_MAX:
            envelope.fail(MailboxFull(self.name, "orders", waiting=waiting, capacity=ORDERS_MAX))
            return
        self._order_ids.add(order.order_id)
        self._orders.setdefault(order.agent_id, []).append(order)
        if isinstance(message, ExecuteTrade):
            self._waiting[order.order_id] = envelope
        else:
            envelope.answer(TradeStatus.PENDING)

    def _validate(self, order: Order) -> OrderRefusal | None:
        treasury = self._treasury()
        agent = treasury.agents.get(order.agent_id)
        if agent is None:
            return OrderRefusal.AGENT_NOT_TRADING
        bars = flat(treasury.marks, treasury.units)
        known = treasury.known()
        return check_order(order, trading_state(treasury, agent, agent.portfolio, bars, known))

    async def _settle(self, bar: SettleBar) -> Answer:
        treasury = self._treasury()
        session = Session(treasury, self._venue, bar.tick, bar.bars)
        ordering = sorted({**self._decisions, **self._orders})
        for agent_id in treasury.experiment.root.child("desk", bar.tick).shuffled(ordering):
            await session.trade(
                agent_id, self._decisions.get(agent_id), self._orders.get(agent_id, [])
            )
        session.liquidate()
        failures = tuple(sorted(self._failures, key=lambda failure: failure.agent_id))
        self._decisions, self._orders, self._failures = {}, {}, []
        self._order_ids.clear()
        bars = bar.bars
        command = SettleTick(
            command_id=f"tick-{bar.tick}",
            tick=bar.tick,
            prices={name: (each.open, each.close) for name, each in bars.items()},
            fills=tuple(session.fills),
            refused=tuple(session.refused),
            failures=failures,
            units={name: each.unit for name, each in bars.items() if not isnan(each.unit)},
            carry={name: each.carry for name, each in bars.items() if each.carry},
            expired=tuple(name for name, each in bars.items() if each.expires),
            held=tuple(name for name, each in bars.items() if each.held),
        )
        answer = await self._allocator.ask(
            Clocked(command, bar.stamp), timeout_s=ASK_TIMEOUT_S, lane=ALLOCATOR_CONTROL
        )
        for event in answer.events:
            if isinstance(event, TickSettled):
                self._tell_outcomes(event)
        return answer

    def _tell_outcomes(self, settled: TickSettled) -> None:
        """Remember what is on record, and tell whoever waits for one trade."""
        self._tally.add(settled)
        if self._waiting:
            outcomes: list[Fill | RefusedOrder] = [*settled.fills, *settled.refused]
            for outcome in outcomes:
                waiting = self._waiting.pop(outcome.order_id, None)
                if waiting is not None:
                    waiting.answer(outcome)


class _Tally:
    """What the desk has done so far, in sums: it does not grow with the run."""

    def __init__(self) -> None:
        self.successful = self.failed = 0
        self.fees = self.slippage = self.gas = self.notional = 0

    def add(self, settled: TickSettled) -> None:
        self.successful += len(settled.fills)
        self.failed += len(settled.refused)
        for fill in settled.fills:
            self.fees += fill.fee
            self.slippage += fill.slippage
            self.gas += fill.gas
            self.notional += fill.size

    def stats(self) -> ExecutionStats:
        total = self.successful + self.failed
        return ExecutionStats(
            total=total,
            successful=self.successful,
            failed=self.failed,
            success_rate=self.successful / total if total else 0.0,
            fees=Money(self.fees),
            slippage=Money(self.slippage),
            gas=Money(self.gas),
            slippage_bps_average=self.slippage / self.notional * BPS if self.notional else 0.0,
        )
