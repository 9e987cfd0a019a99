"""A session: one bar, at which every order is submitted, validated and executed, or refused.

Agent by agent: targets and orders made by hand at the open, then the quotes that the bar traded
through.  When all have traded, the venue closes the positions whose margin the bar has used up.
What was decided before an emergency stop is cancelled by it, be it that trading was resumed since.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from actors.venues.courier import Courier
from arena.agents import Agent
from arena.bars import Bar, Bars
from arena.execution import (
    Marks,
    Wish,
    execute_liquidation,
    plan_orders,
    scale_openings,
    size_closing,
    size_opening,
)
from arena.exposure import ProtocolRoom, VolumeRoom
from arena.ids import AgentId
from arena.limits import TradingLimits
from arena.margin import free_cash, liquidations
from arena.money import MICRO
from arena.orders import Fill, Order, OrderRefusal, RefusedOrder
from arena.strategies import HOLD, Decision, Quote, Quotes, Targets
from arena.treasury import Treasury
from arena.validators import TradingState, check_order, expected_fill
from arena.words import ALL, ARENA_SCOPE, Book, Layer


def trading_state(
    treasury: Treasury,
    agent: Agent,
    bars: Bars,
    marks: Marks,
    room: ProtocolRoom,
    limits: TradingLimits,
) -> TradingState:
    """Return what the orders of `agent` are checked against, before its first one."""
    in_arena = agent.layer is Layer.ARENA
    return TradingState(
        portfolio=agent.portfolio,
        bars=bars,
        marks=marks,
        terms=treasury.experiment.terms,
        limits=limits,
        halted=ALL in treasury.halted or (in_arena and ARENA_SCOPE in treasury.halted),
        trading=agent.trading,
        reduce_only=in_arena and ARENA_SCOPE in treasury.reduced,
        room=room.left if agent.book is Book.REAL else None,
    )


def marks_at_open(treasury: Treasury, bars: Bars) -> Marks:
    """Return what everything is worth at the open: what has no bar is worth what it was last."""
    opens = {name: bar.open for name, bar in bars.items()}
    units = {name: bar.unit for name, bar in bars.items() if not math.isnan(bar.unit)}
    return Marks(prices={**treasury.marks, **opens}, units={**treasury.units, **units})


class Session:
    """One bar: every order is submitted, validated and executed, or refused.

    Attributes:
        fills: What was executed, in its order.
        refused: What was not, and why.
    """

    def __init__(
        self,
        treasury: Treasury,
        courier: Courier,
        tick: int,
        bars: Bars,
        *,
        cancelled: bool = False,
    ) -> None:
        """Open a session.

        Args:
            treasury: As it is before the bar.
            courier: Carries what is validated.
            tick: Of the bar.
            bars: Of every instrument that has one.
            cancelled: Whether what agents decided was cancelled since.
        """
        self._treasury = treasury
        self._terms = treasury.experiment.terms
        self._courier = courier
        self._tick = tick
        self._bars = bars
        self._cancelled = cancelled
        self._marks = marks_at_open(treasury, bars)
        self._room = ProtocolRoom(treasury, self._marks.prices)
        self._limits = treasury.limits()
        self._volume = VolumeRoom(self._terms.costs.participation_max)
        self._numbers: dict[AgentId, int] = {}
        self.fills: list[Fill] = []
        self.refused: list[RefusedOrder] = []

    async def trade(
        self, agent_id: AgentId, decision: Decision | None, orders: Sequence[Order]
    ) -> None:
        """Trade one agent as it decided, then execute the orders made for it by hand."""
        agent = self._treasury.agents.get(agent_id)
        if agent is None:
            for order in orders:
                self._refuse(order, OrderRefusal.AGENT_NOT_TRADING)
            return
        state = trading_state(
            self._treasury, agent, self._bars, self._marks, self._room, self._limits
        )
        halted, state.halted = state.halted, state.halted or self._cancelled
        targets = decision.targets if isinstance(decision, Quotes) else decision
        if targets is not None and targets is not HOLD:
            await self._rebalance(agent, state, targets)
        state.halted = halted
        for order in orders:
            await self._try(agent, state, order)
        state.halted = halted or self._cancelled
        if isinstance(decision, Quotes):
            await self._quote(agent, state, decision)

    def liquidate(self) -> None:
        """Close what the venue closes: positions whose margin this bar has used up."""
        own: dict[AgentId, list[Fill]] = {}
        for fill in self.fills:
            own.setdefault(fill.agent_id, []).append(fill)
        for agent in sorted(self._treasury.living(), key=lambda agent: agent.agent_id):
            portfolio = agent.portfolio
            if agent.agent_id in own:
                portfolio = portfolio.after(own[agent.agent_id])
            ended = liquidations(portfolio, self._bars, self._terms.instruments)
            for liquidation in ended:
                bar = self._bars[liquidation.instrument]
                fill = execute_liquidation(
                    liquidation,
                    agent.agent_id,
                    self._name(agent),
                    bar=bar,
                    costs=self._terms.costs,
                )
                self.fills.append(fill)

    async def _rebalance(self, agent: Agent, state: TradingState, targets: Targets) -> None:
        """Give up first, then take on with the capital that is free."""
        prices, units = self._marks.prices, self._marks.units
        plan = plan_orders(state.portfolio, targets, prices=prices, terms=self._terms, units=units)
        for wish in plan.closings:
            order = self._order(agent, wish, size_closing(state.portfolio, wish))
            await self._try(agent, state, order)
        openings = []
        for wish in plan.openings:
            if wish.instrument.name in self._bars:
                openings.append(wish)
            else:
                self._refuse(self._order(agent, wish, 0.0), OrderRefusal.NOT_LISTED)
        if agent.book is Book.REAL:
            smallest = self._terms.trade_min * state.portfolio.equity(prices)
            trimmed = self._room.trim(openings)
            openings = [wish for wish in trimmed if abs(wish.amount) >= smallest]
        free = free_cash(state.portfolio, prices, units, self._terms.instruments)
        for wish in scale_openings(free, openings, self._terms.costs, self._bars):
            quantity = size_opening(state.portfolio, wish)
            if quantity:
                await self._try(agent, state, self._order(agent, wish, quantity))

    async def _quote(self, agent: Agent, state: TradingState, quotes: Quotes) -> None:
        """Execute the quotes that the bar traded through: what is sold was held before it."""
        budget = state.portfolio.equity(self._marks.prices) / MICRO
        for name in sorted(quotes.by_instrument.keys() & self._bars.keys()):
            bar, quote = self._bars[name], quotes.by_instrument[name]
            held = state.portfolio.positions.get(name, 0.0)
            for quantity, price in _traded_through(quote, bar, held, budget):
                order = Order(
                    order_id=self._name(agent),
                    agent_id=agent.agent_id,
                    instrument=name,
                    quantity=quantity,
                )
                await self._try(agent, state, order, limit=price)

    def _order(self, agent: Agent, wish: Wish, quantity: float) -> Order:
        return Order(
            order_id=self._name(agent),
            agent_id=agent.agent_id,
            instrument=wish.instrument.name,
            quantity=quantity,
        )

    def _name(self, agent: Agent) -> str:
        """Return an id that no other order has."""
        number = self._numbers.get(agent.agent_id, 0)
        self._numbers[agent.agent_id] = number + 1
        return f"{self._tick}-{agent.agent_id}-{number}"

    async def _try(
        self, agent: Agent, state: TradingState, order: Order, *, limit: float | None = None
    ) -> None:
        """Validate and execute one order, and keep `state` up."""
        book = agent.book
        fill = await self._courier.recall(order.order_id) if self._courier.unsure else None
        if fill is None:
            outcome = await self._execute(state, order, limit, book)
            if isinstance(outcome, OrderRefusal):
                self._refuse(order, outcome)
                return
            fill = outcome
        if fill.quantity != order.quantity:
            fill = replace(fill, asked=order.quantity)
        self.fills.append(fill)
        before, expected = state.portfolio, state.expected
        whole = expected is not None and expected[0] is fill
        state.portfolio = expected[1] if expected and whole else before.after((fill,))
        state.trades += 1
        if book is Book.REAL:  # Who holds play money meets nobody, and is in nobody's way.
            self._volume.take(fill.size, order.instrument)
            self._room.moved(order.instrument, before, state.portfolio)

    async def _execute(
        self, state: TradingState, order: Order, limit: float | None, book: Book
    ) -> Fill | OrderRefusal:
        """Return the fill of one order, or why there is none."""
        refusal = check_order(order, state, limit)
        if refusal is not None:
            return refusal
        bar, asked = self._bars[order.instrument], order.quantity
        quantity = self._volume.trim(asked, order.instrument, bar, book)
        if not quantity:
            return OrderRefusal.NO_LIQUIDITY
        if quantity != asked or state.expected is None:
            order = replace(order, quantity=quantity)
            expected = expected_fill(order, state, limit)
        else:
            expected = state.expected[0]
        fill = await self._courier.carry(order, limit=limit, expected=expected)
        return OrderRefusal.VENUE_FAILED if fill is None else fill

    def _refuse(self, order: Order, reason: OrderRefusal) -> None:
        self.refused.append(
            RefusedOrder(
                order_id=order.order_id,
                agent_id=order.agent_id,
                instrument=order.instrument,
                quantity=order.quantity if math.isfinite(order.quantity) else 0.0,
                reason=reason,
            )
        )


def _traded_through(
    quote: Quote, bar: Bar, held: float, equity: float
) -> list[tuple[float, float]]:
    """Return (units, limit) of each side that the bar traded through, the ask first."""
    bid, ask = bar.open * (1.0 - quote.bid), bar.open * (1.0 + quote.ask)
    found = []
    if bar.high > ask and held > 0.0:
        found.append((-min(quote.size * equity / ask, held), ask))
    if bar.low < bid:
        found.append((quote.size * equity / bid, bid))
    return found
