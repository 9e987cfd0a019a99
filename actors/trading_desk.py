"""The trading desk: turns targets into trades, and settles each tick.

It holds the roll: for each tick every live agent sends one `Orders` (maybe HOLD) or is reported
absent, and is acknowledged at once.  At the next open (or `delay_bars` later) the desk submits,
validates and executes what was decided, agent by agent in a seeded order, and asks the allocator to
settle the tick.

What agents decide lives here until then: a desk that begins anew is told it again, and what is
delayed beyond the next open is saved with a snapshot.  An order that
somebody submits by hand is on record before anyone is answered, and the treasury holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import isnan
from typing import Any

from actors.messages.allocator import API as ALLOCATOR_API
from actors.messages.allocator import (
    ASK_TIMEOUT_S,
    AllocatorMessage,
    Answer,
    Clocked,
    CommandConflictError,
)
from actors.messages.allocator import CONTROL as ALLOCATOR_CONTROL
from actors.messages.desk import (
    LANES,
    Absent,
    CallRoll,
    Decided,
    DeskMessage,
    ExecuteTrade,
    Orders,
    SettleBar,
    SubmitTrade,
    TellCancelled,
    ValidateTrade,
)
from actors.runtime import BatchActor, Envelope, MailboxFull, Ref, Roll
from actors.venues import Courier, Session, trading_state
from arena import commands as c
from arena.bars import flat
from arena.commands import trade_command_id
from arena.events import AgentFailed, TickSettled
from arena.exceptions import ValidationError
from arena.exposure import ProtocolRoom
from arena.ids import AgentId
from arena.orders import Fill, Order, OrderRefusal, RefusedOrder, TradeStatus
from arena.strategies import HOLD, Decision
from arena.treasury import Treasury
from arena.validators import check_order

ORDERS_MAX = 10_000
"""How many orders from outside may wait for the next open."""


class TradingDesk(BatchActor[DeskMessage, Any]):
    """The trading engine: submit, validate, execute, settle."""

    def __init__(
        self,
        treasury: Callable[[], Treasury],
        allocator: Ref[AllocatorMessage, Answer],
        courier: Courier,
        delayed: Iterable[Decided] = (),
    ) -> None:
        super().__init__("trading_desk", lanes=LANES, batch_max=sum(LANES.values()))
        self._treasury = treasury
        self._allocator = allocator
        self._courier = courier
        self._roll: Roll | None = None
        self._caller: Envelope[DeskMessage, Any] | None = None
        self._decisions: dict[AgentId, Decision] = {}
        self._decided_seq = 0
        self._delayed = [*delayed]
        self._failures: list[AgentFailed] = []
        self._waiting: dict[str, Envelope[DeskMessage, Any]] = {}

    @property
    def delayed(self) -> tuple[Decided, ...]:
        """What waits beyond the next open, the oldest first; to be looked at between ticks only."""
        return tuple(self._delayed)

    async def stopping(self) -> None:
        """Wait for nobody any more."""
        if self._roll is not None:
            self._roll.close()

    async def receive_batch(self, envelopes: Sequence[Envelope[DeskMessage, Any]]) -> None:
        """Handle what came; an answer that must wait for others is given when they are there."""
        for envelope in envelopes:
            match envelope.message:
                case SettleBar():
                    envelope.answer(await self._settle(envelope.message))
                case SubmitTrade() | ExecuteTrade():
                    await self._submit(envelope, envelope.message)
                case _:
                    self._note(envelope)
            if self._roll is not None and self._caller is not None and self._roll.complete:
                self._caller.answer(None)
                self._roll = self._caller = None

    def _note(self, envelope: Envelope[DeskMessage, Any]) -> None:
        match envelope.message:
            case Orders():
                self._note_orders(envelope.message)
                envelope.answer(None)
            case Absent():
                self._note_absence(envelope.message)
            case CallRoll():
                self._decided_seq = self._treasury().seq
                self._roll = Roll(envelope.message.expected)
                self._roll.complain(f"orders of tick {envelope.message.tick}")
                self._caller = envelope
            case ValidateTrade():
                envelope.answer(self._validate(envelope.message.order))
            case TellCancelled():
                self._tell_cancelled()
                envelope.answer(None)

    def _note_orders(self, message: Orders) -> None:
        if self._roll is not None:
            self._roll.mark(message.agent_id)
        if message.decision is not HOLD:
            self._decisions[message.agent_id] = message.decision

    def _note_absence(self, message: Absent) -> None:
        self._failures.append(message.failure)
        if self._roll is not None:
            self._roll.mark(message.failure.agent_id)

    async def _submit(
        self, envelope: Envelope[DeskMessage, Any], message: SubmitTrade | ExecuteTrade
    ) -> None:
        """Have an order put on record, if there is room and its id is its own."""
        order, waiting = message.order, len(self._treasury().pending)
        if waiting >= ORDERS_MAX:
            envelope.fail(MailboxFull(self.name, "orders", waiting=waiting, capacity=ORDERS_MAX))
            return
        taken = ValidationError("order_id", found=order.order_id, needed="an id that no order had")
        try:
            command = c.SubmitTrade(command_id=trade_command_id(order.order_id), order=order)
            answer = await self._allocator.ask(command, timeout_s=ASK_TIMEOUT_S, lane=ALLOCATOR_API)
        except CommandConflictError:
            envelope.fail(taken)
        except Exception as error:  # noqa: BLE001  # it is told to whoever asked
            envelope.fail(error)
        else:
            if answer.duplicate:
                envelope.fail(taken)
            elif isinstance(message, ExecuteTrade):
                self._waiting[order.order_id] = envelope
            else:
                envelope.answer(TradeStatus.PENDING)

    def _validate(self, order: Order) -> OrderRefusal | None:
        treasury = self._treasury()
        agent = treasury.agents.get(order.agent_id)
        if agent is None:
            return OrderRefusal.AGENT_NOT_TRADING
        bars = flat(treasury.marks, treasury.units)
        room = ProtocolRoom(treasury, treasury.marks)
        return check_order(
            order, trading_state(treasury, agent, bars, treasury.known(), room, treasury.limits())
        )

    async def _settle(self, bar: SettleBar) -> Answer:
        treasury = self._treasury()
        due = self._take_due(treasury.experiment.terms.delay_bars)
        cancelled = treasury.stopped_seq > due.seq
        session = Session(treasury, self._courier, bar.tick, bar.bars, cancelled=cancelled)
        orders: dict[AgentId, list[Order]] = {}
        for order in treasury.pending.values():
            orders.setdefault(order.agent_id, []).append(order)
        ordering = sorted({**due.decisions, **orders})
        for agent_id in treasury.experiment.root.child("desk", bar.tick).shuffled(ordering):
            await session.trade(agent_id, due.decisions.get(agent_id), orders.get(agent_id, ()))
        session.liquidate()
        failures = tuple(sorted(self._failures, key=lambda failure: failure.agent_id))
        self._failures = []
        bars = bar.bars
        command = c.SettleTick(
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
            submitted=tuple(treasury.pending),
        )
        answer = await self._allocator.ask(
            Clocked(command, bar.stamp), timeout_s=ASK_TIMEOUT_S, lane=ALLOCATOR_CONTROL
        )
        self._courier.unsure = False
        for event in answer.events:
            if isinstance(event, TickSettled) and self._waiting:
                self._tell_outcomes(event)
        self._tell_cancelled()
        return answer

    def _take_due(self, delay_bars: int) -> Decided:
        """Return what is executed at this open: what has waited for as long as it must.

        That is what was decided at one close, or at none yet; at more of them after a fork with a
        shorter delay, where the last word of an agent counts.
        """
        self._delayed.append(Decided(self._decisions, self._decided_seq))
        self._decisions = {}
        first = max(len(self._delayed) - delay_bars, 0)
        due, self._delayed = self._delayed[:first], self._delayed[first:]
        decisions = {name: one for each in due for name, one in each.decisions.items()}
        return Decided(decisions, min((each.seq for each in due), default=0))

    def _tell_outcomes(self, settled: TickSettled) -> None:
        """Tell whoever waits for one trade what is on record of it."""
        outcomes: list[Fill | RefusedOrder] = [*settled.fills, *settled.refused]
        for outcome in outcomes:
            waiting = self._waiting.pop(outcome.order_id, None)
            if waiting is not None:
                waiting.answer(outcome)

    def _tell_cancelled(self) -> None:
        """Tell whoever waits for a trade that an emergency stop has cancelled."""
        pending = self._treasury().pending
        for order_id in [each for each in self._waiting if each not in pending]:
            waiting = self._waiting.pop(order_id)
            if isinstance(waiting.message, ExecuteTrade):
                waiting.answer(_halted(waiting.message.order))


def _halted(order: Order) -> RefusedOrder:
    return RefusedOrder(
        order_id=order.order_id,
        agent_id=order.agent_id,
        instrument=order.instrument,
        quantity=order.quantity,
        reason=OrderRefusal.TRADING_HALTED,
    )
