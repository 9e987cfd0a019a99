"""What has happened: every fact that the journal can hold, and the registry that names them.

An event carries facts and nothing that could be looked up in the entry that holds it: sequence
number, time and run belong to the entry.  Amounts are micro-USD (`Money`), NAV and metrics are
finite floats; a metric that is not defined yet is None.  `agent_id` is whom the fact is about.
Adding a field with a default keeps a type's version; anything else makes a new version of it, and
needs a step in `actors.journal.upcasters` that leads there from the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, get_args

from arena.ids import AgentId
from arena.later import later
from arena.money import Money
from arena.orders import Fill, RefusedOrder
from arena.words import Book, Layer, Metrics, Refusal, Scalar, StopMode, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaOpened:
    """The treasury was endowed and divided."""

    name: str
    reserve: Money
    proving: Money
    arena: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpawned:
    """An agent was born into the simulation with virtual money."""

    agent_id: AgentId
    strategy: str
    family: str
    parameters: dict[str, Scalar]
    generation: int
    parents: tuple[AgentId, ...]
    virtual_capital: Money
    baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMutated:
    """A newborn's parameters are a parent's, changed: name -> (before, after)."""

    agent_id: AgentId
    parent: AgentId
    changes: dict[str, tuple[Scalar, Scalar]]


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
class CapitalRequested:
    """An agent told the allocator how much it could use at this cycle; None is "no limit"."""

    agent_id: AgentId
    amount: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapitalAllocated:
    """Capital moved from a pool to an agent.

    Attributes:
        source: `pool:proving` or `pool:arena`.
        reason: `seat`, `entry`, `rebalance` or `direct`.
    """

    agent_id: AgentId
    amount: Money
    source: str
    reason: str


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
class CapitalReturned:
    """Capital moved from an agent back to where it came from.

    Attributes:
        book: Real or virtual.
        target: `pool:proving`, `pool:arena`, or `bank` for virtual money.
        reason: `death`, `graduation`, `demotion`, `reduction` or `voluntary`.
    """

    agent_id: AgentId
    amount: Money
    book: Book
    target: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentGraduated:
    """An agent met every requirement of the next layer."""

    agent_id: AgentId
    from_layer: Layer
    to_layer: Layer
    rule: str
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDemoted:
    """An agent stayed too long without being promoted and went back to the simulation."""

    agent_id: AgentId
    from_layer: Layer
    to_layer: Layer
    rule: str
    metrics: Metrics
    virtual_capital: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentKilled:
    """A rule ended an agent: which, on which facts, against which thresholds.

    Attributes:
        thresholds: (metric, operator, value) of each condition of the rule.
    """

    agent_id: AgentId
    layer: Layer
    rule: str
    metrics: Metrics
    thresholds: tuple[tuple[str, str, int | float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFailed:
    """An agent's strategy broke and the agent missed its tick."""

    agent_id: AgentId
    tick: int
    kind: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentQuarantined:
    """An agent failed too often: it trades no more and waits for the next cycle."""

    agent_id: AgentId
    tick: int
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """One agent's row in a cycle's ranking.

    Attributes:
        terms: What each term of the fitness contributed; empty while the score is undefined.
        balance: Real capital before the cycle moved any.
        target: What the policy wanted it to have; None where the policy had no say.
        limits: Names of the limits that lowered the target.
    """

    agent_id: AgentId
    layer: Layer
    tier: Tier | None
    fitness: float | None
    terms: dict[str, float]
    balance: Money
    target: Money | None
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionCycleComplete:
    """A round of killing, demoting, graduating, allocating and breeding came to its end.

    Attributes:
        ranks: Everyone alive after it, best first within each layer.
        deaths: (agent, rule).
        demotions: Who went back to the simulation.
        graduations: (agent, layer it rose to).
        waiting: Who met the requirements and found no room.
        births: (agent, strategy, parents).
        baselines_ready: Baselines that met the requirements of a seat; they never take one.
    """

    cycle: int
    tick: int
    ranks: tuple[Rank, ...]
    deaths: tuple[tuple[AgentId, str], ...]
    demotions: tuple[AgentId, ...]
    graduations: tuple[tuple[AgentId, Layer], ...]
    waiting: tuple[AgentId, ...]
    births: tuple[tuple[AgentId, str, tuple[AgentId, ...]], ...]
    baselines_ready: tuple[AgentId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionFailed:
    """A step of a cycle broke; nothing of that cycle was written, and the next one runs."""

    cycle: int
    tick: int
    step: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapitalConservationCheck:
    """Every account of both books, from the state and again from the ledger's rows.

    Attributes:
        real: Account -> balance, from the state.
        virtual: The same for the virtual book.
        real_sum: Sum of `real`: 0.
        virtual_sum: Sum of `virtual`: 0.
        real_rows: Account -> balance, the trial balance of the ledger's rows.
        virtual_rows: The same for the virtual book.
        rows_agree: Whether the trial balance of the ledger's rows equals the state, account by
            account.
    """

    tick: int
    real: dict[str, int]
    virtual: dict[str, int]
    real_sum: int
    virtual_sum: int
    real_rows: dict[str, int]
    virtual_rows: dict[str, int]
    rows_agree: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationError:
    """A command was refused.  A refusal is a fact too: it is journalled and can be studied."""

    agent_id: AgentId | None
    command: str
    amount: Money | None
    reason: Refusal
    detail: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRecorded:
    """Somebody put a fact of their own on the record; it changes nothing else."""

    kind: str
    data: dict[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunForked:
    """From here on this is another run: its parent's history under other rules.

    Attributes:
        parent_seq: The last entry that it shares with its parent: the one before this.
        parent_hash: That entry's hash.
        tick: The last tick that they share.
        changes: Key of the config -> its new value; a list or a table as JSON.
        manifest: What is run from here on, as canonical JSON.
    """

    parent_seq: int
    parent_hash: str
    tick: int
    changes: dict[str, Scalar]
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompleted:
    """The last tick was settled."""

    ticks: int
    cycles: int


Event: TypeAlias = (
    ArenaOpened
    | AgentSpawned
    | AgentMutated
    | TickSettled
    | CapitalRequested
    | CapitalAllocated
    | PositionsReduced
    | CapitalReturned
    | AgentGraduated
    | AgentDemoted
    | AgentKilled
    | AgentFailed
    | AgentQuarantined
    | EvolutionCycleComplete
    | EvolutionFailed
    | CapitalConservationCheck
    | AllocationError
    | TradingHalted
    | TradingResumed
    | OpeningsPaused
    | OpeningsResumed
    | TradeSubmitted
    | ProtocolConfigured
    | PositionLimitSet
    | NoteRecorded
    | RunForked
    | RunCompleted
)

EVENT_TYPES: Mapping[str, type[Event]] = {
    event_type.__name__: event_type for event_type in get_args(Event)
}
"""The registry: the name in the journal -> the class."""
