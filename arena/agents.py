"""One competitor, as the treasury knows it: who it is, what it holds, how it has done.

An `Agent` is a value: each step of its life makes a new one.  Its performance is kept twice, as two
records over the same unit NAV: its life, and its stint in the present layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from arena.ids import AgentId
from arena.money import Money
from arena.portfolio import Portfolio
from arena.words import Book, Layer, Scalar, Status, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Genome:
    """What an agent is born with and never changes.

    Attributes:
        strategy: Name of its strategy.
        family: Its strategy's family.
        parameters: A value for every parameter.
        generation: The cycle of its birth; 0 for the first.
        parents: Whose mutant it is; nobody's where it is empty.
        baseline: Whether it stands outside the population.
        born: Tick of its birth.
    """

    strategy: str
    family: str
    parameters: Mapping[str, Scalar]
    generation: int
    parents: tuple[AgentId, ...]
    baseline: bool
    born: int


@dataclass(frozen=True, slots=True)
class Record:
    """A stretch of performance.

    Attributes:
        start: Tick at whose close it begins.
        base: Unit NAV at that close.
        peak: Highest NAV since.
        low: Lowest NAV since the peak.
        drawdown: Deepest fall from a peak, in [-1, 0].
        days_negative: Consecutive days, up to now, with fitness below 0.
        tested: Rules that are tested once per record, and have been.
    """

    start: int
    base: float
    peak: float
    low: float
    drawdown: float = 0.0
    days_negative: int = 0
    tested: tuple[str, ...] = ()

    @staticmethod
    def begin(tick: int, nav: float) -> Record:
        """Return an empty record that begins now."""
        return Record(tick, nav, nav, nav)

    def extended(self, nav: float, fitness: float | None) -> Record:
        """Return the record after a close at `nav`, scored `fitness`."""
        peak = max(self.peak, nav)
        fall = nav / peak - 1.0 if peak > 0 else 0.0
        return Record(
            self.start,
            self.base,
            peak,
            nav if peak > self.peak else min(self.low, nav),
            min(self.drawdown, fall),
            self.days_negative + 1 if fitness is not None and fitness < 0 else 0,
            self.tested,
        )

    def touched(self, nav: float) -> Record:
        """Return the record after the NAV fell to `nav` within a day that is counted already."""
        low = min(self.low, nav)
        return replace(self, low=low, drawdown=min(self.drawdown, low / self.peak - 1.0))

    def drawdown_since_peak(self) -> float:
        """Return the deepest fall since the latest peak, in [-1, 0]."""
        return self.low / self.peak - 1.0 if self.peak > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """The state of one agent.

    Attributes:
        agent_id: Its name.
        genome: What it was born with.
        layer: Where it competes.
        status: Alive, paused, quarantined or dead.
        tier: Its standing at the last cycle, in the arena only.
        portfolio: What it holds.
        equity: What that was worth at the last close, after what moved since, micro-USD.
        pnl: Profit in its present book since it entered it, after costs, micro-USD.
        pnl_real: Profit with real capital over its whole life, after costs, micro-USD.
        costs: Fees, slippage and gas over its whole life, micro-USD.
        trades: Fills over its whole life.
        nav: Unit NAV at the last close.
        navs: The latest closes of the NAV, as many as the window of the metrics needs.
        life: Performance since birth.
        stint: Performance since it entered its layer.
        fitness: Score at the last close; None while undefined.
        failures: Ticks at which its strategy broke, the recent ones.
        died: Tick of its death.
        cause: Rule that killed it.
    """

    agent_id: AgentId
    genome: Genome
    layer: Layer
    status: Status
    tier: Tier | None
    portfolio: Portfolio
    equity: Money
    pnl: Money
    pnl_real: Money
    costs: Money
    trades: int
    nav: float
    navs: tuple[float, ...]
    life: Record
    stint: Record
    fitness: float | None
    failures: tuple[int, ...]
    died: int | None
    cause: str | None

    @property
    def book(self) -> Book:
        """Whose money it trades."""
        return Book.VIRTUAL if self.layer is Layer.SIMULATION else Book.REAL

    @property
    def record(self) -> Record:
        """The record that rules look at: life in simulation, the stint elsewhere."""
        return self.life if self.layer is Layer.SIMULATION else self.stint

    @property
    def trading(self) -> bool:
        """Whether its orders are executed."""
        return self.status is Status.ALIVE

    @property
    def paused(self) -> bool:
        """Whether somebody paused it: it keeps what it holds, and is not asked."""
        return self.status is Status.PAUSED

    def closed(  # noqa: PLR0913  # the columns of a settlement
        self,
        *,
        portfolio: Portfolio,
        equity: Money,
        pnl: Money,
        costs: Money,
        trades: int,
        nav: float,
        fitness: float | None,
        keep: int,
    ) -> Agent:
        """Return the agent after a close.

        This is `dataclasses.replace` written out: it runs for every agent on every tick, and takes
        a third of the time.

        Args:
            portfolio: What it holds now.
            equity: What that is worth, micro-USD.
            pnl: The tick's profit after costs, micro-USD.
            costs: The tick's costs, micro-USD.
            trades: The tick's fills.
            nav: Unit NAV at the close.
            fitness: Score at the close; None while undefined.
            keep: How many of the earlier closes to keep.
        """
        real = self.layer is not Layer.SIMULATION
        life = self.life.extended(nav, fitness)
        return Agent(
            agent_id=self.agent_id,
            genome=self.genome,
            layer=self.layer,
            status=self.status,
            tier=self.tier,
            portfolio=portfolio,
            equity=equity,
            pnl=Money(self.pnl + pnl),
            pnl_real=Money(self.pnl_real + pnl) if real else self.pnl_real,
            costs=Money(self.costs + costs),
            trades=self.trades + trades,
            nav=nav,
            navs=(*self.navs[-keep:], nav),
            life=life,
            stint=life if self.stint is self.life else self.stint.extended(nav, fitness),
            fitness=fitness,
            failures=self.failures,
            died=self.died,
            cause=self.cause,
        )


def newborn(agent_id: AgentId, genome: Genome, *, capital: Money, first_nav: float = 1.0) -> Agent:
    """Return an agent at the close of the tick of its birth, in simulation, with `capital`."""
    record = Record.begin(genome.born, first_nav)
    return Agent(
        agent_id=agent_id,
        genome=genome,
        layer=Layer.SIMULATION,
        status=Status.ALIVE,
        tier=None,
        portfolio=Portfolio(cash=capital),
        equity=capital,
        pnl=Money(0),
        pnl_real=Money(0),
        costs=Money(0),
        trades=0,
        nav=first_nav,
        navs=(first_nav,),
        life=record,
        stint=record,
        fitness=None,
        failures=(),
        died=None,
        cause=None,
    )


def moved_to(agent: Agent, layer: Layer, *, tick: int) -> Agent:
    """Return the agent in `layer` with a stint that begins now; the NAV goes on."""
    return replace(
        agent,
        layer=layer,
        tier=Tier.ENTRANT if layer is Layer.ARENA else None,
        pnl=Money(0),
        stint=Record.begin(tick, agent.nav),
    )


def with_capital(agent: Agent, change: int) -> Agent:
    """Return the agent after `change` micro-USD of cash came in (or went out); the NAV stays.

    This is `dataclasses.replace` written out: a replay does little else.
    """
    return Agent(
        agent_id=agent.agent_id,
        genome=agent.genome,
        layer=agent.layer,
        status=agent.status,
        tier=agent.tier,
        portfolio=agent.portfolio.with_cash(change),
        equity=Money(agent.equity + change),
        pnl=agent.pnl,
        pnl_real=agent.pnl_real,
        costs=agent.costs,
        trades=agent.trades,
        nav=agent.nav,
        navs=agent.navs,
        life=agent.life,
        stint=agent.stint,
        fitness=agent.fitness,
        failures=agent.failures,
        died=agent.died,
        cause=agent.cause,
    )
