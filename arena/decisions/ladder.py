"""The ladder: who may rise, what that moves, and who goes back down."""

from __future__ import annotations

from arena.agents import Agent
from arena.commands import RecordCheck
from arena.decisions.draft import Draft
from arena.decisions.outflow import withdraw
from arena.events import AgentDemoted, AgentGraduated, CapitalAllocated, StrategyChecked
from arena.ids import AgentId
from arena.ledger import POOL_PROVING
from arena.rules import Rule
from arena.state import Treasury
from arena.words import Layer, Metrics, Refusal


def requirements(treasury: Treasury, layer: Layer) -> Rule:
    """Return what an agent must meet in order to rise to `layer`."""
    ladder = treasury.experiment.rules.ladder
    return ladder.seat if layer is Layer.PROVING else ladder.entry


def places(treasury: Treasury, layer: Layer) -> int:
    """Return how many agents `layer` has room for."""
    ladder = treasury.experiment.rules.ladder
    return ladder.seats_max if layer is Layer.PROVING else ladder.arena_agents_max


def turn(fitness: float | None, agent_id: AgentId) -> tuple[float, AgentId]:
    """Return the place in the queue for a layer, to sort by: the best first, then by id."""
    return -(fitness or 0.0), agent_id


def is_overdue(treasury: Treasury, agent: Agent) -> bool:
    """Return whether an agent has been in proving for as long as it may without rising."""
    days = treasury.tick - agent.stint.start
    return days >= treasury.experiment.rules.ladder.proving_days_max


def refuses_graduation(
    treasury: Treasury, agent: Agent, layer: Layer, metrics: Metrics
) -> tuple[Refusal, str] | None:
    """Return why `agent` may not rise to `layer` now, or None: the first reason that applies."""
    ladder = treasury.experiment.rules.ladder
    below = {Layer.PROVING: Layer.SIMULATION, Layer.ARENA: Layer.PROVING}
    if agent.layer is not below.get(layer):
        return Refusal.WRONG_LAYER, f"it is in {agent.layer}"
    if treasury.stop_mode or (layer is Layer.ARENA and treasury.halted):
        return Refusal.TRADING_HALTED, f"halted: {', '.join(sorted(treasury.halted))}"
    unmet = requirements(treasury, layer).unmet(metrics)
    if unmet:
        return Refusal.REQUIREMENTS_NOT_MET, f"{unmet[0]}, was {metrics[unmet[0].metric]}"
    if layer is Layer.PROVING and ladder.gate_required:
        failed = treasury.checked.get(agent.genome.strategy, ("it was never checked",))
        if failed:
            what = f"{agent.genome.strategy} did not pass the gate: {', '.join(failed)}"
            return Refusal.GATE_NOT_PASSED, what
    room = places(treasury, layer)
    if len(treasury.population(layer)) >= room:
        return Refusal.LAYER_IS_FULL, f"{room} places are taken"
    if layer is Layer.PROVING and treasury.balance(POOL_PROVING) < ladder.seat_amount:
        return Refusal.POOL_INSUFFICIENT, f"{POOL_PROVING} holds too little for a seat"
    return None


def graduate(
    draft: Draft, agent: Agent, layer: Layer, metrics: Metrics, *, because: int | None
) -> int:
    """Move an agent up: its old capital returns whole, a seat in proving is paid at once."""
    rose = draft.emit(
        AgentGraduated(
            agent_id=agent.agent_id,
            from_layer=agent.layer,
            to_layer=layer,
            rule=requirements(draft.treasury, layer).id,
            metrics=metrics,
        ),
        because,
    )
    withdraw(draft, agent.agent_id, agent.layer, amount=None, reason="graduation", because=rose)
    if layer is Layer.PROVING:
        draft.emit(
            CapitalAllocated(
                agent_id=agent.agent_id,
                amount=draft.treasury.experiment.rules.ladder.seat_amount,
                source=POOL_PROVING,
                reason="seat",
            ),
            rose,
        )
    return rose


def record_check(draft: Draft, command: RecordCheck) -> None:
    """Put what became of a strategy at the gate on the record; the latest word counts."""
    if command.strategy not in draft.treasury.experiment.catalog:
        detail = f"{command.strategy!r}, known are {sorted(draft.treasury.experiment.catalog)}"
        draft.refuse("RecordCheck", Refusal.UNKNOWN_STRATEGY, detail=detail)
        return
    draft.emit(
        StrategyChecked(
            strategy=command.strategy,
            passed=all(command.checks.values()),
            checks=dict(command.checks),
            source_hash=command.source_hash,
        )
    )


def demote(draft: Draft, agent: Agent, metrics: Metrics, *, because: int | None) -> None:
    """Send an agent back to simulation: its real capital returns, it gets virtual money again."""
    endowment = draft.treasury.experiment.endowment
    withdraw(draft, agent.agent_id, agent.layer, amount=None, reason="demotion", because=because)
    draft.emit(
        AgentDemoted(
            agent_id=agent.agent_id,
            from_layer=agent.layer,
            to_layer=Layer.SIMULATION,
            rule="proving_days_max",
            metrics=metrics,
            virtual_capital=endowment.virtual_capital,
        ),
        because,
    )
