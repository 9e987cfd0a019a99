"""What happened to books: ticks, sales that were forced, and what was stopped or bounded."""

from __future__ import annotations

from dataclasses import dataclass

from arena.ids import AgentId
from arena.later import later
from arena.money import Money
from arena.orders import Fill, RefusedOrder
from arena.words import Book, StopMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One book's agents at the close of a tick, as columns of equal length.

    Attributes:
        agents: Who, in order of id.
        pnl: Change of each one's equity over the tick, after costs.
        costs: What each one paid in fees, slippage and gas: part of `pnl`.
        nav: Each one's unit NAV at the close.
        fitness: Each one's score at the close; None while undefined.
        bad_debt: (agent, amount) where a loss went beyond the balance; `market` bears it.
    """

    agents: tuple[AgentId, ...] = ()
    pnl: tuple[Money, ...] = ()
    costs: tuple[Money, ...] = ()
    nav: tuple[float, ...] = ()
    fitness: tuple[float | None, ...] = ()
    bad_debt: tuple[tuple[AgentId, Money], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TickSettled:
    """A bar was executed at its open and marked at its close.

    Attributes:
        tick: From 1.
        prices: Instrument -> (open, close), USD per unit, for each one that has a bar.
        fills: What was executed at the open, in order of execution.
        refused: What was not, and why.
        real: The settlement of agents with real capital.
        virtual: The settlement of agents with virtual capital.
        fund_nav: Unit NAV of the arena's capital at the close.
        units: Instrument -> notional of one unit, USD, where that is not its price.
        carry: Instrument -> what each long unit paid over the bar, and each short one got, USD.
        expired: Instruments whose positions became cash at the close.
        held: Instruments whose bar was carried over a gap in the data.
    """

    tick: int
    prices: dict[str, tuple[float, float]]
    fills: tuple[Fill, ...]
    refused: tuple[RefusedOrder, ...]
    real: Settlement
    virtual: Settlement
    fund_nav: float
    units: dict[str, float] = later(factory=dict)
    carry: dict[str, float] = later(factory=dict)
    expired: tuple[str, ...] = later(())
    held: tuple[str, ...] = later(())


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionsReduced:
    """Positions were sold at the close, with ordinary costs, because they had to be.

    Attributes:
        reason: `death`, `graduation`, `demotion`, `reduction`, `voluntary`: the capital that leaves
            bears the costs and the NAV stays; or `halt`, `quarantine`: the capital stays and the
            NAV bears them.
        nav: The agent's unit NAV afterwards.
    """

    agent_id: AgentId
    book: Book
    fills: tuple[Fill, ...]
    reason: str
    nav: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingHalted:
    """Trading stopped: for the arena's agents (`arena`) or for everyone (`all`).

    Attributes:
        scope: Whom it binds.
        reason: Why.
        tick: The last tick that was settled.
        drawdown: Of the arena's fund, where that is why.
        mode: Of an emergency stop: what becomes of what is held.  None where it is none, or one of
            an older release, which was a pause.
        cancelled: The trades that were pending, and failed of it.
    """

    scope: str
    reason: str
    tick: int
    drawdown: float | None = None
    mode: StopMode | None = later(None)
    cancelled: tuple[RefusedOrder, ...] = later(())


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingResumed:
    """Trading goes on; the fund's peak starts anew from here."""

    scope: str
    reason: str
    tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningsPaused:
    """The fund has fallen so far that the arena's agents may only give up what they hold.

    Attributes:
        scope: `arena`.
        tick: The tick at whose close it was so.
        drawdown: Of the arena's fund.
    """

    scope: str
    tick: int
    drawdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningsResumed:
    """The fund has recovered so far that the arena's agents may take on positions again.

    Attributes:
        scope: `arena`.
        tick: The tick at whose close it was so.
        drawdown: Of the arena's fund.
    """

    scope: str
    tick: int
    drawdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeSubmitted:
    """Somebody submitted an order by hand: it is pending until the next open.

    Attributes:
        order_id: Of its sender's making; no other order ever has it.
        agent_id: Whose book it trades.
        instrument: What is traded.
        quantity: Units; positive buys, negative sells.
        tick: The last tick that was settled.
    """

    order_id: str
    agent_id: AgentId
    instrument: str
    quantity: float
    tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolConfigured:
    """From here on another limit holds for a protocol.

    Attributes:
        protocol: Which.
        enabled: Whether anything may be placed in it; what is there can always be taken out.
        share_bp: Most of all deployable real capital in it, basis points; None is
            `risk.per_protocol_bp`.
    """

    protocol: str
    enabled: bool
    share_bp: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionLimitSet:
    """From here on another limit holds for an instrument.

    Attributes:
        instrument: Which.
        most: Most exposure of one agent; None is no limit.
    """

    instrument: str
    most: Money | None
