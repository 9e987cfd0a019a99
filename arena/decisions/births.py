"""Birth: fresh agents, and mutants of those that did well."""

from __future__ import annotations

from arena.agents import Agent
from arena.decisions.draft import Draft
from arena.events import AgentMutated, AgentSpawned
from arena.evolution import draw_parameters, draw_strategy, mutate_parameters
from arena.ids import AgentId, agent_id
from arena.state import Treasury
from arena.words import Scalar


def next_slot(treasury: Treasury, generation: int) -> int:
    """Return the slot of the next birth in `generation`."""
    latest, last = treasury.slot
    return last + 1 if generation == latest else 1


def spawn(
    draft: Draft,
    strategy: str,
    parameters: dict[str, Scalar],
    *,
    generation: int,
    parents: tuple[AgentId, ...] = (),
    because: int | None = None,
) -> AgentId:
    """Give birth to an agent in simulation."""
    treasury = draft.treasury
    newborn = agent_id(generation, next_slot(treasury, generation))
    draft.emit(
        AgentSpawned(
            agent_id=newborn,
            strategy=strategy,
            family=treasury.experiment.catalog[strategy].family,
            parameters=parameters,
            generation=generation,
            parents=parents,
            virtual_capital=treasury.experiment.endowment.virtual_capital,
        ),
        because,
    )
    return newborn


def spawn_fresh(draft: Draft, *, generation: int, because: int | None = None) -> AgentId:
    """Give birth to an agent of a drawn strategy with drawn parameters."""
    treasury = draft.treasury
    slot = next_slot(treasury, generation)
    seed = treasury.experiment.root.child("fresh", generation, slot)
    strategy = draw_strategy(treasury.experiment.population.mix, seed.child("strategy"))
    parameters = draw_parameters(treasury.experiment.catalog[strategy], seed)
    return spawn(draft, strategy, parameters, generation=generation, because=because)


def spawn_mutant(
    draft: Draft, parent: Agent, *, generation: int, because: int | None = None
) -> AgentId:
    """Give birth to a mutant of `parent`."""
    experiment = draft.treasury.experiment
    genome = parent.genome
    parameters = mutate_parameters(
        experiment.catalog[genome.strategy],
        genome.parameters,
        rules=experiment.rules.evolution,
        seed=experiment.root.child("mutate", generation, next_slot(draft.treasury, generation)),
    )
    parents = (parent.agent_id,)
    newborn = spawn(
        draft,
        genome.strategy,
        parameters,
        generation=generation,
        parents=parents,
        because=because,
    )
    changes = {
        name: (before, parameters[name])
        for name, before in genome.parameters.items()
        if parameters[name] != before
    }
    draft.emit(
        AgentMutated(agent_id=newborn, parent=parent.agent_id, changes=changes),
        draft.treasury.seq,
    )
    return newborn
