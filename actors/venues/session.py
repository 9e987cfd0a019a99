"""A session: one open, at which every order is submitted, validated and executed, or refused."""

from __future__ import annotations

import math

from actors.venues.port import Venue
from arena.agents import Agent
from arena.execution import Wish, plan_orders, scale_purchases, size_purchase, size_sale
from arena.exposure import ProtocolRoom
from arena.ids import AgentId
from arena.orders import Fill, Order, OrderRefusal, RefusedOrder
from arena.portfolio import Portfolio
from arena.strategies import Targets
from arena.treasury import Treasury
from arena.validators import TradingState, check_order
from arena.words import Book, Layer


def trading_state(
    treasury: Treasury, agent: Agent, portfolio: Portfolio, prices: dict[str, float]
) -> TradingState:
    """Return what an order of `agent` is checked against, when it holds `portfolio`."""
    halted = "all" in treasury.halted
    return TradingState(
        portfolio=portfolio,
        prices=prices,
        instruments=treasury.experiment.terms.instruments,
        costs=treasury.experiment.terms.costs,
        halted=halted or ("arena" in treasury.halted and agent.layer is Layer.ARENA),
        trading=agent.trading,
    )


class Session:
    """One open: every order is submitted, validated and executed, or refused."""

    def __init__(
        self, treasury: Treasury, venue: Venue, tick: int, opens: dict[str, float]
    ) -> None:
        self._treasury = treasury
        self._venue = venue
        self._tick = tick
        self._opens = opens
        self._room = ProtocolRoom(treasury, {**treasury.marks, **opens})
        self.fills: list[Fill] = []
        self.refused: list[RefusedOrder] = []

    async def trade(self, agent_id: AgentId, targets: Targets | None, orders: list[Order]) -> None:
        """Trade one agent towards its targets, then execute the orders made for it by hand."""
        agent = self._treasury.agents.get(agent_id)
        if agent is None:
            for order in orders:
                self._refuse(order, OrderRefusal.AGENT_NOT_TRADING)
            return
        portfolio = agent.portfolio
        if targets is not None:
            portfolio = await self._rebalance(agent, portfolio, targets)
        for order in orders:
            portfolio = await self._try(agent, portfolio, order)
        if agent.book is Book.REAL:
            self._room.replace(agent.portfolio, portfolio, {**self._treasury.marks, **self._opens})

    async def _rebalance(self, agent: Agent, portfolio: Portfolio, targets: Targets) -> Portfolio:
        """Sell first, then buy with the cash there is."""
        terms = self._treasury.experiment.terms
        prices = {**self._treasury.marks, **self._opens}
        wishes = plan_orders(portfolio, targets, prices=prices, terms=terms)
        first = len(self.fills) + len(self.refused)
        sales = [wish for wish in wishes if wish.amount < 0]
        for wish in sales:
            order = self._order(agent, wish, size_sale(portfolio, wish), first)
            portfolio = await self._try(agent, portfolio, order)
        wanted = [wish for wish in wishes if wish.amount > 0]
        purchases = [wish for wish in wanted if wish.instrument.name in self._opens]
        for wish in wanted:
            if wish not in purchases:
                self._refuse(self._order(agent, wish, 0.0, first), OrderRefusal.NOT_LISTED)
        if agent.book is Book.REAL:
            smallest = terms.trade_min * portfolio.equity(prices)
            trimmed = [self._room.trim(wish) for wish in purchases]
            purchases = [wish for wish in trimmed if wish.amount >= smallest]
        for wish in scale_purchases(portfolio.cash, purchases, terms.costs):
            order = self._order(agent, wish, size_purchase(wish), first)
            portfolio = await self._try(agent, portfolio, order)
        return portfolio

    def _order(self, agent: Agent, wish: Wish, quantity: float, first: int) -> Order:
        number = len(self.fills) + len(self.refused) - first
        return Order(
            order_id=f"{self._tick}-{agent.agent_id}-{number}",
            agent_id=agent.agent_id,
            instrument=wish.instrument.name,
            quantity=quantity,
        )

    async def _try(self, agent: Agent, portfolio: Portfolio, order: Order) -> Portfolio:
        """Validate and execute one order; return the portfolio after it."""
        refusal = check_order(order, trading_state(self._treasury, agent, portfolio, self._opens))
        if refusal is not None:
            self._refuse(order, refusal)
            return portfolio
        fill = await self._venue.execute(order, price=self._opens[order.instrument])
        self.fills.append(fill)
        return portfolio.after((fill,))

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
