"""The market feed: tells everyone what the market did, bar by bar, and paces the run.

One bar is one tick:

1. every live agent answers what it saw at the last close (the desk calls the roll);
2. the desk executes at the bar's open and has the tick settled at its close;
3. the bar is revealed, and the manager does what is due.

So nobody decides about a bar that has been revealed, and nothing is asked after the last one.
Where bars arrive while it runs, the feed is told of them: it goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite, isnan
from typing import TypeAlias

from actors.journal.chain import timestamp
from actors.messages.allocator import ASK_TIMEOUT_S, Answer
from actors.messages.desk import CONTROL, CallRoll, DeskMessage, SettleBar
from actors.messages.market import (
    AgentMessage,
    Extend,
    FeedMessage,
    KeepInStep,
    ManagerMessage,
    MarketMoved,
    TickDone,
)
from actors.runtime import Actor, Group, Ref
from arena.bars import Bar
from arena.costs import CostModel
from arena.ids import AgentId
from arena.market import Market, MarketView
from arena.treasury import Treasury

GAS = "gas_gwei"
"""The column of the price of gas."""

Places: TypeAlias = Mapping[str, tuple[tuple[str, int], ...]]
"""Instrument -> (field of a bar, column) for the columns that a market has."""


class MarketFeed(Actor[FeedMessage, int | None]):
    """Owns the market's future; everyone else has the view."""

    def __init__(  # noqa: PLR0913  # whom it talks to, and what it knows
        self,
        market: Market,
        view: MarketView,
        *,
        revealed: int,
        treasury: Callable[[], Treasury],
        desk: Ref[DeskMessage, None],
        manager: Ref[ManagerMessage, Answer | None],
        agents: Group[AgentMessage, None],
    ) -> None:
        super().__init__("market_feed", lanes={"control": 16})
        self._market = market
        self._view = view
        self._revealed = revealed
        self._treasury = treasury
        self._desk = desk
        self._manager = manager
        self._agents = agents
        self._places = find_places(market, treasury().experiment.terms.instruments)

    async def started(self) -> None:
        """Reveal the bars before the first tick to come."""
        self._view.reveal(self._market.values[: self._revealed])

    async def receive(self, message: FeedMessage) -> int | None:
        """Settle the next bar and return its tick, or take more bars and return how many there are.

        None where there is no next bar.

        Raises:
            ValidationError: The market is not one that goes on where this one ends.
        """
        if isinstance(message, Extend):
            self._view.extend(message.market)
            self._market = message.market
            return len(message.market)
        row = self._view.now + 1
        if row >= len(self._market):
            return None
        tick = self._treasury().tick + 1
        await self._manager.ask(KeepInStep(), timeout_s=ASK_TIMEOUT_S)
        if row > 0:
            await self._call_roll(tick - 1)
        bar = SettleBar(tick, self._bars(row), timestamp(self._market.closes_at(row)))
        await self._desk.ask(bar, timeout_s=ASK_TIMEOUT_S, lane=CONTROL)
        self._view.reveal(self._market.values[row : row + 1])
        await self._manager.ask(TickDone(tick), timeout_s=ASK_TIMEOUT_S)
        return tick

    async def _call_roll(self, tick: int) -> None:
        expected = tuple(AgentId(name) for name in self._agents.names)
        roll = self._desk.ask(CallRoll(tick, expected), timeout_s=ASK_TIMEOUT_S, lane=CONTROL)
        self._agents.tell(MarketMoved(tick))
        await roll

    def _bars(self, row: int) -> dict[str, Bar]:
        """Return the bar of every instrument that has one."""
        terms = self._treasury().experiment.terms
        return read_bars(self._market, row, self._places, gas_at(self._market, row, terms.costs))


def read_bars(market: Market, row: int, places: Places, gas: float) -> dict[str, Bar]:
    """Return the bar of every instrument that has one in `row`.

    Args:
        market: With that row.
        row: Of the bar.
        places: Which columns to read.
        gas: The price of gas in the bar, relative to the one that costs are stated at.
    """
    values, found = market.values[row].tolist(), {}
    for name, columns in places.items():
        given = {field: values[column] for field, column in columns}
        if not (isnan(given["open"]) or isnan(given["close"])):
            found[name] = _bar(given, gas)
    return found


def gas_at(market: Market, row: int, costs: CostModel) -> float:
    """Return the price of gas in a bar, relative to the one that costs are stated at."""
    if not costs.gas_reference_gwei or GAS not in market.columns:
        return 1.0
    gwei = float(market.column(GAS)[row])
    return gwei / costs.gas_reference_gwei if isfinite(gwei) else 1.0


_FIELDS = tuple(field for field in Bar._fields if field != "gas")


def find_places(market: Market, instruments: Iterable[str]) -> Places:
    """Return instrument -> (field of a bar, column) for the columns that the market has."""
    return {
        name: tuple(
            (field, market.columns[f"{name}.{field}"])
            for field in _FIELDS
            if f"{name}.{field}" in market.columns
        )
        for name in instruments
    }


def _bar(given: dict[str, float], gas: float) -> Bar:
    """Return a bar; a flag is set where it is 1, and a carry that nobody knows is none."""
    carry = given.pop("carry", 0.0)
    return Bar(
        expires=given.pop("expires", 0.0) == 1.0,
        held=given.pop("held", 0.0) == 1.0,
        carry=0.0 if isnan(carry) else carry,
        gas=gas,
        **given,
    )
