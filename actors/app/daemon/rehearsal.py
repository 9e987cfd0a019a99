"""A rehearsal: what a cycle would do now, without its doing it.

It is decided on a copy of the treasury, where everyone who has real capital takes what they are
given: what a strategy would say its capacity is, only the cycle itself can ask.
"""

from __future__ import annotations

from typing import Any

from arena.commands import RequestCapital, RunCycle
from arena.events import EvolutionCycleComplete, EvolutionFailed
from arena.treasury import Treasury, decide_onto
from arena.words import Layer


def rehearse_cycle(treasury: Treasury) -> dict[str, Any]:
    """Return what a cycle would decide now: `treasury` stays as it is.

    Returns:
        `cycle`, `tick`, and either `failed` (the step that would break, and why) or `deaths`,
        `demotions`, `graduations`, `births`, and `moves`: agent, balance and target in micro-USD,
        where the two differ.
    """
    overlay = treasury.copy()
    for agent in [*overlay.population()]:
        if agent.layer is not Layer.SIMULATION and agent.trading:
            wish = RequestCapital(command_id="rehearsal", agent_id=agent.agent_id)
            decide_onto(overlay, wish)
    for event, _ in decide_onto(overlay, RunCycle(command_id="rehearsal")):
        if isinstance(event, EvolutionFailed):
            why = {"step": event.step, "why": event.message}
            return {"cycle": event.cycle, "tick": event.tick, "failed": why}
        if isinstance(event, EvolutionCycleComplete):
            return _told(event)
    raise AssertionError("a cycle ends in one of two events")


def _told(event: EvolutionCycleComplete) -> dict[str, Any]:
    return {
        "cycle": event.cycle,
        "tick": event.tick,
        "deaths": [{"agent_id": name, "rule": rule} for name, rule in event.deaths],
        "demotions": [*event.demotions],
        "graduations": [
            {"agent_id": name, "to_layer": str(layer)} for name, layer in event.graduations
        ],
        "births": [
            {"agent_id": name, "strategy": strategy, "parents": [*parents]}
            for name, strategy, parents in event.births
        ],
        "moves": [
            {"agent_id": rank.agent_id, "balance": rank.balance, "target": rank.target}
            for rank in event.ranks
            if rank.target is not None and rank.target != rank.balance
        ],
    }
