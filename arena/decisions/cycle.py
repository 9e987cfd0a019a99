"""The evolution cycle: kill, demote, graduate, allocate, breed; all of it, or none and a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from arena.commands import RunCycle
from arena.decisions.allocation import Allocation, allocate
from arena.decisions.births import spawn_fresh, spawn_mutant
from arena.decisions.deaths import kill_by_rules, measured
from arena.decisions.draft import Draft
from arena.decisions.ladder import demote, graduate, is_overdue, refuses_graduation, turn
from arena.decisions.tick import quarantine
from arena.events import EvolutionCycleComplete, EvolutionFailed, Rank
from arena.evolution import Individual, select_top, select_tournament
from arena.ids import AgentId
from arena.money import Money
from arena.state import Treasury
from arena.words import Layer, Refusal


@dataclass(slots=True)
class _Cycle:
    """What the steps of one cycle leave for the ones after them.

    Attributes:
        draft: The decision in the making.
        number: Of this cycle, from 1; also the generation of its births.
        because: The settled tick that the cycle looks at.
    """

    draft: Draft
    number: int
    because: int | None
    deaths: list[tuple[AgentId, str]] = field(default_factory=list)
    demotions: list[AgentId] = field(default_factory=list)
    rose: dict[AgentId, tuple[int, float]] = field(default_factory=dict)
    seated: list[AgentId] = field(default_factory=list)
    waiting: list[AgentId] = field(default_factory=list)
    births: list[tuple[AgentId, str, tuple[AgentId, ...]]] = field(default_factory=list)
    allocation: Allocation = field(default_factory=Allocation)
    ranks: tuple[Rank, ...] = ()


def run_cycle(draft: Draft, command: RunCycle) -> None:
    """Decide one cycle; an error in a step drops the whole cycle and is told as one event."""
    treasury = draft.treasury
    for failure in command.failures:
        draft.emit(failure)
    cycle = _Cycle(Draft(treasury.copy()), treasury.cycle + 1, treasury.settled_seq)
    for name, step in STEPS.items():
        try:
            step(cycle)
        except Exception as error:  # noqa: BLE001  # policies and strategies are other people's code
            message = f"{type(error).__name__}: {error}"[:500]
            draft.emit(
                EvolutionFailed(cycle=cycle.number, tick=treasury.tick, step=name, message=message),
                treasury.settled_seq,
            )
            return
    for decided in cycle.draft.decided:
        draft.emit(*decided)


def _kill(cycle: _Cycle) -> None:
    quarantine(cycle.draft, because=cycle.because)
    cycle.deaths = kill_by_rules(cycle.draft, every_tick=False, because=cycle.because)


def _demote(cycle: _Cycle) -> None:
    """Send back who has been in proving too long and does not rise today."""
    treasury = cycle.draft.treasury
    if treasury.stop_mode:
        return
    agents = treasury.population(Layer.PROVING)
    found = measured(treasury, agents)
    for row, agent in enumerate(agents):
        metrics = found.metrics(row, treasury.tick)
        rises = refuses_graduation(treasury, agent, Layer.ARENA, metrics) is None
        if is_overdue(treasury, agent) and not rises:
            demote(cycle.draft, agent, metrics, because=cycle.because)
            cycle.demotions.append(agent.agent_id)


def _graduate(cycle: _Cycle) -> None:
    """Entries first: they free seats."""
    cycle.rose = dict(_climb(cycle, Layer.ARENA))
    cycle.seated = list(dict(_climb(cycle, Layer.PROVING)))


def _climb(cycle: _Cycle, layer: Layer) -> list[tuple[AgentId, tuple[int, float]]]:
    """Raise everyone who may rise to `layer`, best first, while there is room."""
    treasury = cycle.draft.treasury
    below = Layer.SIMULATION if layer is Layer.PROVING else Layer.PROVING
    agents = [agent for agent in treasury.population(below) if agent.trading]
    found = measured(treasury, agents)
    order = sorted(
        range(len(agents)), key=lambda row: turn(found.fitness[row], agents[row].agent_id)
    )
    rose = []
    for row in order:
        agent, metrics = agents[row], found.metrics(row, treasury.tick)
        refused = refuses_graduation(treasury, agent, layer, metrics)
        if refused is None:
            event = graduate(cycle.draft, agent, layer, metrics, because=cycle.because)
            rose.append((agent.agent_id, (event, found.fitness[row] or 0.0)))
        elif refused[0] in (Refusal.LAYER_IS_FULL, Refusal.POOL_INSUFFICIENT):
            cycle.waiting.append(agent.agent_id)
    return rose


def _allocate(cycle: _Cycle) -> None:
    treasury = cycle.draft.treasury
    before = {agent.agent_id: agent.equity for agent in treasury.population()}
    cycle.allocation = allocate(cycle.draft, cycle.rose, because=cycle.because)
    cycle.ranks = _ranks(treasury, cycle.allocation, before)


def _ranks(
    treasury: Treasury, allocation: Allocation, before: dict[AgentId, Money]
) -> tuple[Rank, ...]:
    """Return everyone alive, arena first, each layer best first."""
    agents = treasury.population()
    found = measured(treasury, agents)
    terms = found.terms()
    targets = {target.candidate.agent_id: target for target in allocation.targets}
    ranks = []
    for row, agent in enumerate(agents):
        target = targets.get(agent.agent_id)
        entry = allocation.entries.get(agent.agent_id)
        ranks.append(
            Rank(
                agent_id=agent.agent_id,
                layer=agent.layer,
                tier=agent.tier if target is None else target.tier,
                fitness=found.fitness[row],
                terms=terms[row],
                balance=before[agent.agent_id],
                target=entry if target is None else target.amount,
                limits=() if target is None else target.limits,
            )
        )
    layers = (Layer.ARENA, Layer.PROVING, Layer.SIMULATION)
    return tuple(
        sorted(
            ranks,
            key=lambda one: (
                layers.index(one.layer),
                one.fitness is None,
                -(one.fitness or 0.0),
                one.agent_id,
            ),
        )
    )


def _breed(cycle: _Cycle) -> None:
    """A birth for each death, and a few more; the first ones are mutants of the best."""
    treasury = cycle.draft.treasury
    rules = treasury.experiment.rules.evolution
    room = rules.agents_max - len(treasury.population())
    births = max(min(rules.births_base + treasury.deaths, room), 0)
    scored = [
        Individual(agent.agent_id, agent.fitness, agent.genome.strategy, agent.genome.parameters)
        for agent in treasury.population()
        if agent.fitness is not None
    ]
    parents = select_top(scored, rules.parents_top)
    for n in range(births):
        if n < rules.mutants_max and parents:
            seed = treasury.experiment.root.child("tournament", cycle.number, n)
            winner = select_tournament(parents, size=rules.tournament_size, seed=seed)
            parent = treasury.agents[winner.agent_id]
            newborn = spawn_mutant(
                cycle.draft, parent, generation=cycle.number, because=cycle.because
            )
        else:
            newborn = spawn_fresh(cycle.draft, generation=cycle.number, because=cycle.because)
        genome = treasury.agents[newborn].genome
        cycle.births.append((newborn, genome.strategy, genome.parents))


def _complete(cycle: _Cycle) -> None:
    rises = [(agent_id, Layer.ARENA) for agent_id in cycle.rose]
    seats = [(agent_id, Layer.PROVING) for agent_id in cycle.seated]
    cycle.draft.emit(
        EvolutionCycleComplete(
            cycle=cycle.number,
            tick=cycle.draft.treasury.tick,
            ranks=cycle.ranks,
            deaths=tuple(cycle.deaths),
            demotions=tuple(cycle.demotions),
            graduations=(*rises, *seats),
            waiting=tuple(cycle.waiting),
            births=tuple(cycle.births),
            baselines_ready=_ready_baselines(cycle.draft.treasury),
        ),
        cycle.because,
    )


def _ready_baselines(treasury: Treasury) -> tuple[AgentId, ...]:
    """Return the baselines that would have been candidates for a seat: luck, measured."""
    baselines = [agent for agent in treasury.living() if agent.genome.baseline]
    found = measured(treasury, baselines)
    seat = treasury.experiment.rules.ladder.seat
    return tuple(
        agent.agent_id
        for row, agent in enumerate(baselines)
        if seat.holds(found.metrics(row, treasury.tick))
    )


STEPS: dict[str, Callable[[_Cycle], None]] = {
    "kill": _kill,
    "demote": _demote,
    "graduate": _graduate,
    "allocate": _allocate,
    "birth": _breed,
    "complete": _complete,
}
"""The steps, in their order."""
