"""The first generation, and births and rises that somebody asks for."""

from __future__ import annotations

from arena.commands import GraduateAgent, MutateAgent, SpawnAgent
from arena.decisions.allocation import entry_amount
from arena.decisions.births import spawn, spawn_fresh, spawn_mutant
from arena.decisions.deaths import measured
from arena.decisions.draft import Draft, refuses_agent
from arena.decisions.ladder import graduate, refuses_graduation
from arena.events import AgentSpawned, ArenaOpened, CapitalAllocated
from arena.exceptions import ValidationError
from arena.experiment import check_parameters
from arena.ids import AgentId
from arena.ledger import POOL_ARENA
from arena.money import split_largest_remainder
from arena.words import Book, Layer, Refusal


def open_arena(draft: Draft) -> None:
    """Endow the treasury, then give birth to the first generation and the baselines."""
    experiment = draft.treasury.experiment
    if draft.treasury.agents or draft.treasury.books[Book.REAL]:
        detail = "the arena is open already"
        draft.refuse("OpenArena", Refusal.TICK_OUT_OF_ORDER, detail=detail)
        return
    endowment = experiment.endowment
    shares = {
        "reserve": endowment.reserve_bp,
        "proving": endowment.proving_bp,
        "arena": endowment.arena_bp,
    }
    parts = split_largest_remainder(endowment.total, shares)
    opened = draft.emit(ArenaOpened(name=experiment.name, **parts))
    for _ in range(experiment.population.agents):
        spawn_fresh(draft, generation=0, because=opened)
    for name in experiment.population.baselines:
        strategy = experiment.catalog[name]
        draft.emit(
            AgentSpawned(
                agent_id=AgentId(f"baseline-{name}"),
                strategy=name,
                family=strategy.family,
                parameters=strategy.defaults(),
                generation=0,
                parents=(),
                virtual_capital=endowment.virtual_capital,
                baseline=True,
            ),
            opened,
        )


def spawn_agent(draft: Draft, command: SpawnAgent) -> None:
    """Give birth to an agent of a named strategy."""
    treasury = draft.treasury
    experiment = treasury.experiment
    if command.strategy not in experiment.catalog:
        detail = f"{command.strategy!r}, known are {sorted(experiment.catalog)}"
        draft.refuse("SpawnAgent", Refusal.UNKNOWN_STRATEGY, detail=detail)
        return
    try:
        parameters = check_parameters(experiment.catalog, command.strategy, command.parameters)
    except ValidationError as error:
        draft.refuse("SpawnAgent", Refusal.PARAMETERS_OUT_OF_BOUNDS, detail=str(error))
        return
    if len(treasury.population()) >= experiment.rules.evolution.agents_max:
        draft.refuse("SpawnAgent", Refusal.POPULATION_IS_FULL)
        return
    spawn(draft, command.strategy, parameters, generation=treasury.cycle)


def mutate_agent(draft: Draft, command: MutateAgent) -> None:
    """Give birth to a mutant of a named agent, dead or alive."""
    treasury = draft.treasury
    parent = treasury.find(command.parent)
    reason = None
    if parent is None:
        reason = Refusal.UNKNOWN_AGENT
    elif parent.genome.baseline:
        reason = Refusal.AGENT_IS_BASELINE
    elif len(treasury.population()) >= treasury.experiment.rules.evolution.agents_max:
        reason = Refusal.POPULATION_IS_FULL
    if parent is None or reason is not None:
        draft.refuse("MutateAgent", reason or Refusal.UNKNOWN_AGENT, agent_id=command.parent)
        return
    spawn_mutant(draft, parent, generation=treasury.cycle)


def graduate_agent(draft: Draft, command: GraduateAgent) -> None:
    """Move one agent up now, if it may rise; an entrant is paid at once from the arena's pool."""
    treasury = draft.treasury
    reason = refuses_agent(treasury, command.agent_id)
    if reason is not None:
        draft.refuse("GraduateAgent", reason, agent_id=command.agent_id)
        return
    agent = treasury.agents[command.agent_id]
    found = measured(treasury, [agent])
    metrics = found.metrics(0, treasury.tick)
    refused = refuses_graduation(treasury, agent, command.layer, metrics)
    entry = entry_amount(found.fitness[0] or 0.0, treasury.experiment.rules.ladder)
    if refused is None and command.layer is Layer.ARENA and treasury.balance(POOL_ARENA) < entry:
        refused = (Refusal.POOL_INSUFFICIENT, f"{POOL_ARENA} holds too little for the entry")
    if refused is not None:
        draft.refuse("GraduateAgent", refused[0], agent_id=command.agent_id, detail=refused[1])
        return
    rose = graduate(draft, agent, command.layer, metrics, because=treasury.settled_seq)
    if command.layer is Layer.ARENA:
        draft.emit(
            CapitalAllocated(
                agent_id=command.agent_id, amount=entry, source=POOL_ARENA, reason="entry"
            ),
            rose,
        )
