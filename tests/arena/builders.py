"""Small worlds for tests: an experiment, a treasury that is open, and days that pass.

    an_experiment(...)      a run with sensible defaults: no agents, no costs, one asset COIN
    opened(experiment)      its treasury after `OpenArena`
    ask(treasury, command)  decide, apply, and return the events
    trade(treasury, ...)    what a desk does at an open: targets become fills
    settle(treasury, ...)   one tick: the fills, and every book marked at the close
    World                   all of it together: agents that hold scripted assets, day by day
    check_books(treasury)   everything that must hold of the money, whatever happened

Money is in micro-USD as everywhere; `usd(5)` is five dollars.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from arena import commands as c
from arena.agents import Agent
from arena.bars import flat
from arena.costs import CostModel
from arena.events import AgentFailed, AgentSpawned, Event
from arena.execution import (
    Marks,
    Terms,
    execute,
    plan_orders,
    scale_openings,
    size_closing,
    size_opening,
)
from arena.experiment import Endowment, Experiment, MarketFacts, Population
from arena.ids import AgentId
from arena.instruments import Instrument, Kind
from arena.ledger import COSTS, ENDOWMENT, FEES, GAS, MARKET, POPULATION, SLIPPAGE, check_balances
from arena.market import MarketView
from arena.money import MICRO, Money
from arena.orders import Fill, Order
from arena.portfolio import Portfolio
from arena.rules import Condition, Rule, Rules
from arena.strategies import BUILT_IN, BookView, Decision, Memory, Strategy
from arena.treasury import Treasury, apply, capital_breakdown, decide_onto
from arena.validators import TradingState, check_order
from arena.words import Book, Layer

T = TypeVar("T", bound=Event)

FREE = CostModel(fee_bps=0.0, slippage_bps=0.0, gas=Money(0))
"""Trading that costs nothing."""

OPEN_GATE = Rule("open", ())
"""A rule that everyone meets."""

CLOSED_GATE = Rule("closed", (Condition("age", "<", 0),))
"""A rule that nobody meets."""

GROWTH: Mapping[str, tuple[float, ...]] = {
    "STAR": (0.010, 0.002),  # Every day is won: it passes every gate.
    "GOOD": (0.008, 0.002),  # The same, a little less of it.
    "DUD": (-0.002, -0.001),  # Every day is lost: its fitness is negative.
    "FLAT": (0.0,),
    "COIN": (0.0,),
}
"""Asset -> returns from open to close, day after day, over and over."""

_ids = itertools.count()


def usd(amount: float) -> Money:
    """Return dollars as micro-USD."""
    return Money(round(amount * MICRO))


def spot(*names: str) -> dict[str, Instrument]:
    """Return spot instruments, by name."""
    return {name: Instrument(name, Kind.SPOT) for name in names}


def lending(*names: str) -> dict[str, Instrument]:
    """Return lending deposits, by name."""
    return {name: Instrument(name, Kind.LENDING, name) for name in names}


class Idle(Strategy):
    """A strategy without parameters: what it holds, the test decides."""

    name = "idle"
    family = "idle"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Hold nothing."""
        return {}


class Other(Idle):
    """The same, of another family."""

    name = "other"
    family = "other"


CATALOG = {**BUILT_IN, Idle.name: Idle, Other.name: Other}


def an_experiment(
    *,
    agents: int = 0,
    seed: int = 1,
    costs: CostModel = FREE,
    rules: Rules | None = None,
    instruments: Mapping[str, Instrument] | None = None,
    **changes: Any,
) -> Experiment:
    """Return an experiment; `changes` are other fields of `Experiment`."""
    facts = MarketFacts(
        source="synthetic",
        opens_at="2020-01-01",
        warmup=0,
        ticks=1_000,
        periods_per_year=365,
        badge="synthetic",
        series={},
    )
    fields: dict[str, Any] = {
        "name": "test",
        "seed": seed,
        "market": facts,
        "terms": Terms(spot(*GROWTH) if instruments is None else instruments, costs),
        "population": Population(agents=agents, mix={"idle": 1}, baselines=()),
        "rules": Rules() if rules is None else rules,
        "catalog": CATALOG,
    }
    return Experiment(**{**fields, **changes})


def with_rules(rules: Rules | None = None, /, **changes: Mapping[str, Any]) -> Rules:
    """Return rules with fields changed: `with_rules(ladder={"seats_max": 1})`."""
    rules = Rules() if rules is None else rules
    return replace(
        rules, **{name: replace(getattr(rules, name), **new) for name, new in changes.items()}
    )


OPEN_GATES = with_rules(
    ladder={"seat": OPEN_GATE, "entry": OPEN_GATE},
    evolution={"births_base": 0},
    risk={"kill": ()},
)
"""Rules under which everyone may rise, nobody dies and nobody is born."""

QUIET = with_rules(
    ladder={"seat": CLOSED_GATE, "entry": CLOSED_GATE},
    evolution={"births_base": 0},
    risk={"kill": ()},
)
"""Rules under which nothing happens by itself."""


def round_endowment(*, reserve: int = 0, proving: int = 10_000, arena: int = 90_000) -> Endowment:
    """Return an endowment of 100,000 dollars whose parts are round sums in dollars."""
    total = reserve + proving + arena
    shares = {
        "reserve_bp": reserve * 10_000 // total,
        "proving_bp": proving * 10_000 // total,
        "arena_bp": arena * 10_000 // total,
    }
    return Endowment(total=usd(total), virtual_capital=usd(10_000), **shares)


def command_id() -> str:
    """Return an id that no other command has."""
    return f"test-{next(_ids)}"


def ask(treasury: Treasury, command: c.Command) -> list[Event]:
    """Decide `command` onto `treasury` and return the events."""
    return [decided.event for decided in decide_onto(treasury, command)]


def opened(experiment: Experiment | None = None) -> Treasury:
    """Return the treasury of `experiment` after it was opened."""
    treasury = Treasury(an_experiment() if experiment is None else experiment)
    ask(treasury, c.OpenArena(command_id=command_id()))
    return treasury


def settle(
    treasury: Treasury,
    prices: Mapping[str, float | tuple[float, float]],
    fills: Sequence[Fill] = (),
    failures: Sequence[AgentFailed] = (),
) -> list[Event]:
    """Settle the next tick; a single price stands for the open and the close."""
    bars = {
        name: price if isinstance(price, tuple) else (price, price)
        for name, price in prices.items()
    }
    command = c.SettleTick(
        command_id=command_id(),
        tick=treasury.tick + 1,
        prices=bars,
        fills=tuple(fills),
        failures=tuple(failures),
    )
    return ask(treasury, command)


def trade(
    treasury: Treasury, targets: Mapping[AgentId, Mapping[str, float]], opens: Mapping[str, float]
) -> list[Fill]:
    """Return the fills that lead agents to their targets at the open: sales, then purchases."""
    fills: list[Fill] = []
    for agent_id, wanted in targets.items():
        agent = treasury.agents.get(agent_id)
        halted = "all" in treasury.halted or (
            agent is not None and agent.layer is Layer.ARENA and "arena" in treasury.halted
        )
        if agent is not None and agent.trading and not halted:
            fills += rebalance(agent_id, agent.portfolio, wanted, opens, treasury.experiment.terms)
    return fills


def rebalance(
    agent_id: AgentId,
    portfolio: Portfolio,
    targets: Mapping[str, float],
    opens: Mapping[str, float],
    terms: Terms,
) -> list[Fill]:
    """Return one agent's fills: planned, scaled, checked and executed by the core alone."""
    fills: list[Fill] = []
    bars, marks = flat(opens, {}), Marks(prices=opens)

    def try_order(instrument: Instrument, quantity: float) -> None:
        nonlocal portfolio
        order = Order(
            order_id=f"{agent_id}-{len(fills)}",
            agent_id=agent_id,
            instrument=instrument.name,
            quantity=quantity,
        )
        state = TradingState(portfolio, bars, marks, terms)
        refusal = check_order(order, state)
        if refusal is None:
            fills.append(execute(order, instrument, bar=bars[instrument.name], costs=terms.costs))
            portfolio = portfolio.after(fills[-1:])
        elif instrument.name in opens:  # Only a sale whose gas nobody can pay may come to nothing.
            assert quantity < 0, (order, refusal, portfolio)

    plan = plan_orders(portfolio, targets, prices=opens, terms=terms)
    for wish in plan.closings:
        try_order(wish.instrument, size_closing(portfolio, wish))
    for wish in scale_openings(portfolio.cash, plan.openings, terms.costs, bars):
        try_order(wish.instrument, size_opening(portfolio, wish))
    return fills


@dataclass
class World:
    """A treasury whose agents hold scripted assets.

    Attributes:
        treasury: It.
        prices: Asset -> last close.
        holds: Agent -> the asset that it holds with all it has, bought again whenever it must be.
        log: Every event, the opening included.
    """

    treasury: Treasury
    prices: dict[str, float]
    holds: dict[AgentId, str]
    log: list[Event]

    @staticmethod
    def of(experiment: Experiment) -> World:
        """Return the world at the opening of `experiment`."""
        treasury = Treasury(experiment)
        log = ask(treasury, c.OpenArena(command_id=command_id()))
        return World(treasury, dict.fromkeys(experiment.terms.instruments, 100.0), {}, log)

    def ask(self, command: Callable[..., c.Command], **fields: Any) -> list[Event]:
        """Ask for `command(**fields)`, check the books, and return the events."""
        events = ask(self.treasury, command(command_id=command_id(), **fields))
        check_books(self.treasury)
        self.log += events
        return events

    def spawn(self, holding: str = "FLAT", *, strategy: str = "idle") -> AgentId:
        """Give birth to an agent that holds `holding` from the next open on."""
        newborn = one(self.ask(c.SpawnAgent, strategy=strategy), AgentSpawned).agent_id
        self.holds[newborn] = holding
        return newborn

    def raised(self, layer: Layer, holding: str = "FLAT", *, strategy: str = "idle") -> AgentId:
        """Give birth to an agent and raise it to `layer` at once: the gates must be open."""
        agent_id = self.spawn(holding, strategy=strategy)
        self.ask(c.GraduateAgent, agent_id=agent_id, layer=Layer.PROVING)
        if layer is Layer.ARENA:
            self.ask(c.GraduateAgent, agent_id=agent_id, layer=Layer.ARENA)
        return agent_id

    def day(self, **returns: float) -> list[Event]:
        """Pass a day; assets not named in `returns` grow as `GROWTH` says, or not at all."""
        tick = self.treasury.tick
        opens = dict(self.prices)
        for name in self.prices:
            pattern = GROWTH.get(name, (0.0,))
            self.prices[name] *= 1.0 + returns.get(name, pattern[tick % len(pattern)])
        targets = {agent_id: {name: 1.0} for agent_id, name in self.holds.items()}
        fills = trade(self.treasury, targets, opens)
        bars = {name: (opens[name], self.prices[name]) for name in opens}
        events = settle(self.treasury, bars, fills)
        check_books(self.treasury)
        self.log += events
        return events

    def days(self, number: int) -> None:
        """Pass some days without a cycle."""
        for _ in range(number):
            self.day()

    def cycle(self) -> list[Event]:
        """Run a cycle at the present tick."""
        return self.ask(c.RunCycle)

    def agent(self, agent_id: AgentId) -> Agent:
        """Return an agent, dead or alive."""
        agent = self.treasury.find(agent_id)
        assert agent is not None
        return agent


def one(events: Sequence[Event], kind: type[T]) -> T:
    """Return the only event of `kind`."""
    found = every(events, kind)
    assert len(found) == 1, f"{len(found)} x {kind.__name__} in {kinds(events)}"
    return found[0]


def every(events: Sequence[Event], kind: type[T]) -> list[T]:
    """Return the events of `kind`."""
    return [event for event in events if isinstance(event, kind)]


def kinds(events: Sequence[Event]) -> list[str]:
    """Return the names of the events' types."""
    return [type(event).__name__ for event in events]


def check_books(treasury: Treasury) -> None:
    """Assert everything that must hold of the money after a command."""
    real, virtual = treasury.books[Book.REAL], treasury.books[Book.VIRTUAL]
    check_balances(real)
    check_balances(virtual)
    accounts = {name: balance for name, balance in real.items() if name.startswith("agent:")}
    for agent in treasury.living():
        assert agent.equity == agent.portfolio.equity(treasury.marks), agent
        assert agent.portfolio.cash >= 0, agent
        if agent.book is Book.REAL:
            assert accounts.pop(f"agent:{agent.agent_id}", 0) == agent.equity
    assert not any(accounts.values()), f"capital was left with {accounts}"
    assert virtual.get(POPULATION, 0) == sum(
        agent.equity for agent in treasury.living(Layer.SIMULATION)
    )
    check_breakdown(treasury)


def check_breakdown(treasury: Treasury) -> None:
    """Assert that the parts of the real capital are the whole."""
    parts, real = capital_breakdown(treasury), treasury.books[Book.REAL]
    assert parts["total"] == (
        parts["stable_reserve"] + parts["proving_capital"] + parts["arena_capital"]
    )
    assert parts["arena_capital"] == parts["available"] + parts["allocated"]
    gone = sum(real.get(account, 0) for account in (ENDOWMENT, MARKET, FEES, SLIPPAGE, GAS))
    assert parts["total"] == -gone
    assert treasury.books[Book.VIRTUAL].get(COSTS, 0) >= 0


def refold(treasury: Treasury, events: Sequence[Event]) -> Treasury:
    """Return the state that `events` make from nothing; every one of them balances both books."""
    fresh = Treasury(treasury.experiment)
    for event in events:
        apply(fresh, event)
        check_balances(fresh.books[Book.REAL])
        check_balances(fresh.books[Book.VIRTUAL])
    return fresh
