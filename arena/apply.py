"""How each event changes the treasury.

`apply` holds no rule and cannot refuse: it does what the event says.  It compares, adds, subtracts,
multiplies and divides, which every platform does alike; sums over arrays, logarithms and the like
come as facts in events.  So a replay is identical everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import assert_never

from arena import events as e
from arena.agents import Agent, Genome, Record, moved_to, newborn, with_capital
from arena.events import Event, Settlement
from arena.experiment import read_experiment
from arena.ids import AgentId
from arena.ledger import post, transfers
from arena.limits import ProtocolLimit
from arena.money import Money
from arena.orders import Fill, Order
from arena.state import Treasury
from arena.words import ALL, Action, Book, Layer, Status

_KEEPS_SUMS = e.CapitalAllocated | e.CapitalReturned | e.CapitalRequested | e.AllocationError
"""After these, what was added up of each layer's equity still holds, or is kept up."""


def fold(treasury: Treasury, events: Iterable[Event]) -> Treasury:
    """Apply `events` in their order and return the treasury that was given."""
    for event in events:
        apply(treasury, event)
    return treasury


def apply(treasury: Treasury, event: Event) -> None:  # noqa: C901, PLR0912  # one case for each
    """Change the treasury as `event` says: the ledger first, then whom it is about."""
    treasury.seq += 1
    if treasury.equities and not isinstance(event, _KEEPS_SUMS):
        treasury.equities = {}
    for row in transfers(event):
        post(treasury.books[row.book], row)
    match event:
        case e.CapitalAllocated():
            _fund(treasury, event.agent_id, event.amount)
        case e.CapitalReturned():
            _fund(treasury, event.agent_id, -event.amount)
        case (
            e.NoteRecorded() | e.CapitalConservationCheck() | e.EvolutionFailed() | e.ArenaOpened()
        ):
            pass
        case e.TickSettled():
            _apply_tick(treasury, event)
        case e.CapitalRequested():
            treasury.requests[event.agent_id] = event.amount
        case e.AllocationError():
            _count(treasury, "refused")
        case e.EvolutionCycleComplete():
            _apply_cycle(treasury, event)
        case e.TradingHalted():
            _apply_halt(treasury, event)
        case e.TradingResumed():
            del treasury.halted[event.scope]
            treasury.fund = Record.begin(event.tick, treasury.fund_nav)
            treasury.stop_mode = "" if event.scope == ALL else treasury.stop_mode
        case e.OpeningsPaused():
            treasury.reduced[event.scope] = event.tick
        case e.OpeningsResumed():
            del treasury.reduced[event.scope]
        case e.ProtocolConfigured():
            limit = ProtocolLimit(enabled=event.enabled, share_bp=event.share_bp)
            treasury.protocol_limits[event.protocol] = limit
        case e.PositionLimitSet():
            treasury.position_limits[event.instrument] = event.most
        case e.StrategyChecked():
            unproven = (name for name, passed in event.checks.items() if not passed)
            treasury.checked[event.strategy] = tuple(sorted(unproven))  # The journal sorts them.
        case e.RunForked():
            known = treasury.experiment
            rules = read_experiment(event.manifest, known.catalog, known.policies)
            treasury.experiment = rules
        case e.OperatorActed():
            if event.action in {Action.PAUSE, Action.RESUME}:
                treasury.paused = event.action is Action.PAUSE
        case e.RunCompleted():
            treasury.completed = True
        case _:
            _apply_to_agent(treasury, event)


def _apply_halt(treasury: Treasury, event: e.TradingHalted) -> None:
    """Remember a halt; an emergency stop leaves nothing pending."""
    treasury.halted[event.scope] = event.tick
    if event.mode is not None:
        treasury.stop_mode, treasury.stopped_seq = event.mode.value, treasury.seq
    for order in event.cancelled:
        del treasury.pending[order.order_id]


_AgentEvent = (
    e.AgentSpawned
    | e.AgentMutated
    | e.PositionsReduced
    | e.AgentGraduated
    | e.AgentDemoted
    | e.AgentKilled
    | e.AgentFailed
    | e.AgentQuarantined
    | e.AgentPaused
    | e.AgentUnpaused
    | e.TradeSubmitted
)


def _apply_to_agent(treasury: Treasury, event: _AgentEvent) -> None:  # noqa: C901  # the same
    """Change the life of one agent."""
    match event:
        case e.TradeSubmitted():
            treasury.pending[event.order_id] = Order(
                order_id=event.order_id,
                agent_id=event.agent_id,
                instrument=event.instrument,
                quantity=event.quantity,
            )
        case e.AgentSpawned():
            _apply_birth(treasury, event)
        case e.AgentMutated():
            _count(treasury, "mutated")
        case e.PositionsReduced():
            _change(treasury, event.agent_id, lambda agent: _reduced(agent, event))
            _count(treasury, "forced_sales", len(event.fills))
        case e.AgentGraduated():
            tick, layer = treasury.tick, event.to_layer
            _change(treasury, event.agent_id, lambda agent: moved_to(agent, layer, tick=tick))
            _count(treasury, f"graduated_to_{layer}")
        case e.AgentDemoted():
            tick, layer, grant = treasury.tick, event.to_layer, event.virtual_capital
            _change(
                treasury,
                event.agent_id,
                lambda agent: with_capital(moved_to(agent, layer, tick=tick), grant),
            )
            _count(treasury, "demoted")
        case e.AgentKilled():
            _apply_death(treasury, event)
        case e.AgentFailed():
            since = event.tick - treasury.experiment.rules.risk.failure_window
            _change(
                treasury,
                event.agent_id,
                lambda agent: replace(
                    agent, failures=(*(t for t in agent.failures if t > since), event.tick)
                ),
            )
            _count(treasury, "failures")
        case e.AgentQuarantined():
            _turn(treasury, event.agent_id, Status.QUARANTINED)
            _count(treasury, "quarantined")
        case e.AgentPaused():
            _turn(treasury, event.agent_id, Status.PAUSED)
        case e.AgentUnpaused():
            _turn(treasury, event.agent_id, Status.ALIVE)
        case _:
            assert_never(event)


def _change(treasury: Treasury, agent_id: AgentId, change: Callable[[Agent], Agent]) -> None:
    home = treasury.agents if agent_id in treasury.agents else treasury.dead
    home[agent_id] = change(home[agent_id])


def _turn(treasury: Treasury, agent_id: AgentId, status: Status) -> None:
    _change(treasury, agent_id, lambda agent: replace(agent, status=status))


def _fund(treasury: Treasury, agent_id: AgentId, change: int) -> None:
    """Let capital come in, or go out where `change` is negative."""
    home = treasury.agents if agent_id in treasury.agents else treasury.dead
    agent = home[agent_id]
    home[agent_id] = with_capital(agent, change)
    if home is treasury.agents and agent.layer in treasury.equities:
        treasury.equities[agent.layer] += change


def _count(treasury: Treasury, name: str, by: int = 1) -> None:
    treasury.counts[name] = treasury.counts.get(name, 0) + by


def _apply_birth(treasury: Treasury, event: e.AgentSpawned) -> None:
    genome = Genome(
        strategy=event.strategy,
        family=event.family,
        parameters=event.parameters,
        generation=event.generation,
        parents=event.parents,
        baseline=event.baseline,
        born=treasury.tick,
    )
    treasury.agents[event.agent_id] = newborn(event.agent_id, genome, capital=event.virtual_capital)
    if not event.baseline:
        generation, last = treasury.slot
        treasury.slot = (event.generation, last + 1 if event.generation == generation else 1)
        _count(treasury, "born")


def _apply_death(treasury: Treasury, event: e.AgentKilled) -> None:
    agent = treasury.agents.pop(event.agent_id)
    treasury.dead[event.agent_id] = replace(
        agent, status=Status.DEAD, tier=None, died=treasury.tick, cause=event.rule
    )
    treasury.deaths += 1
    _count(treasury, "killed")


def _reduced(agent: Agent, event: e.PositionsReduced) -> Agent:
    """The sales' costs: out of the NAV only where the capital stays with the agent."""
    costs = sum(fill.costs for fill in event.fills)
    own, real = event.book is agent.book, event.book is Book.REAL
    moved = event.nav != agent.nav
    return replace(
        agent,
        portfolio=agent.portfolio.after(event.fills),
        equity=Money(agent.equity - costs),
        costs=Money(agent.costs + costs),
        pnl=Money(agent.pnl - costs) if own else agent.pnl,
        pnl_real=Money(agent.pnl_real - costs) if real else agent.pnl_real,
        nav=event.nav,
        navs=(*agent.navs[:-1], event.nav),
        life=agent.life.touched(event.nav) if moved else agent.life,
        stint=agent.stint.touched(event.nav) if moved else agent.stint,
    )


def _apply_cycle(treasury: Treasury, event: e.EvolutionCycleComplete) -> None:
    """Remember the standings, and which rules have had their one test in whose record."""
    treasury.cycle, treasury.deaths = event.cycle, 0
    treasury.requests = {}
    treasury.ready = {**dict.fromkeys(event.baselines_ready, event.tick), **treasury.ready}
    tiers = {rank.agent_id: rank.tier for rank in event.ranks}
    once = [r for r in treasury.experiment.rules.risk.kill if r.once_at_age is not None]
    seated = {agent_id for agent_id, layer in event.graduations if layer is Layer.PROVING}
    for agent in treasury.population():
        tier = tiers.get(agent.agent_id, agent.tier)
        # The rules looked at the record that the agent had before it moved in this cycle.
        of_life = agent.layer is Layer.SIMULATION or agent.agent_id in seated
        record = agent.life if of_life else agent.stint
        tested = record.tested
        if agent.agent_id not in event.demotions:
            age = event.tick - record.start
            tested = tuple(rule.id for rule in once if age >= (rule.once_at_age or 0))
        if tested == record.tested and tier is agent.tier:
            continue
        record = replace(record, tested=tested)
        treasury.agents[agent.agent_id] = replace(
            agent,
            tier=tier,
            life=record if of_life else agent.life,
            stint=agent.stint if of_life else record,
        )


def _apply_tick(treasury: Treasury, event: e.TickSettled) -> None:
    treasury.tick, treasury.settled_seq = event.tick, treasury.seq
    treasury.marks.update({name: close for name, (_, close) in event.prices.items()})
    treasury.units.update(event.units)
    treasury.fund_nav = event.fund_nav
    treasury.fund = treasury.fund.extended(event.fund_nav, None)
    if treasury.pending:
        known = [fill.order_id for fill in event.fills]
        for order_id in (*known, *(order.order_id for order in event.refused)):
            treasury.pending.pop(order_id, None)
    fills: dict[AgentId, list[Fill]] = {}
    for fill in event.fills:
        fills.setdefault(fill.agent_id, []).append(fill)
    for settled in (event.real, event.virtual):
        _apply_settlement(treasury, event, settled, fills)
    _count(treasury, "executed", len(event.fills))
    _count(treasury, "rejected", len(event.refused))


def _apply_settlement(
    treasury: Treasury,
    event: e.TickSettled,
    settled: Settlement,
    fills: dict[AgentId, list[Fill]],
) -> None:
    keep = treasury.experiment.rules.records.window
    bad_debt = dict(settled.bad_debt)
    columns = (settled.agents, settled.pnl, settled.costs, settled.nav, settled.fitness)
    for agent_id, pnl, costs, nav, fitness in zip(*columns, strict=True):
        agent, own = treasury.agents[agent_id], fills.get(agent_id, ())
        portfolio = agent.portfolio.after(own) if own else agent.portfolio
        if event.carry or event.expired:
            portfolio = portfolio.carried(event.carry).settled(event.expired, treasury.marks)
        debt = bad_debt.get(agent_id, Money(0))
        treasury.agents[agent_id] = agent.closed(
            portfolio=portfolio.with_cash(debt) if debt else portfolio,
            equity=Money(agent.equity + pnl + debt),
            pnl=pnl,
            costs=costs,
            trades=len(own),
            nav=nav,
            fitness=fitness,
            keep=keep,
        )
