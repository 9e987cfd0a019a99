"""What else happens to an agent: birth, a halt, a command, a refusal, a cycle that was dropped."""

from __future__ import annotations

from collections.abc import Iterator

from actors.app.explaining.checks import check_rule, flipped, say_flips, usd
from actors.app.explaining.decision import Decision
from actors.app.explaining.ladder import NEXT, not_risen
from actors.app.explaining.walk import Caused
from actors.app.explaining.words import say, say_of_agent
from arena.agents import Agent
from arena.decisions.capital import room_of
from arena.decisions.deaths import measured
from arena.decisions.ladder import requirements
from arena.events import (
    AgentPaused,
    AgentSpawned,
    AgentUnpaused,
    AllocationError,
    CapitalAllocated,
    CapitalReturned,
    EvolutionFailed,
    PositionsReduced,
    TradingHalted,
)
from arena.ids import AgentId
from arena.treasury import Treasury
from arena.words import Layer


def explain_birth(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain that an agent was born."""
    for seq, event in caused.of(AgentSpawned, agent_id):
        before = caused.until(seq)
        facts = []
        if caused.cycle is not None:
            rules = before.experiment.rules.evolution
            births = [one for one, _, _ in caused.cycle.births]
            count = f"{births.index(agent_id) + 1} of {len(births)} of this cycle"
            why = f"{rules.births_base}, and one for each of {before.deaths} deaths"
            facts = [("birth", count), ("births", f"{why}; at most {rules.agents_max} live")]
        yield Decision(
            seq=seq,
            tick=before.tick,
            cycle=None if caused.cycle is None else caused.cycle.cycle,
            kind="birth",
            outcome="born",
            changed=True,
            said=f"it {say_of_agent(event)}",
            facts=tuple(facts),
            notes=caused.words(),
        )


def explain_halt(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain that the arena was halted and all that its agents held was sold."""
    for seq, event in caused.of(PositionsReduced, agent_id):
        for _, halted in caused.of(TradingHalted):
            if event.reason != "halt" or halted.drawdown is None:
                continue
            risk = caused.before.experiment.rules.risk
            yield Decision(
                seq=seq,
                tick=halted.tick,
                cycle=None,
                kind="halt",
                outcome="halted",
                changed=True,
                said="all it held was sold: the arena was halted",
                rule="halt_drawdown",
                numbers={"drawdown": halted.drawdown, "threshold": risk.halt_drawdown},
                facts=(
                    ("fund", f"{halted.drawdown:.2%} from its peak"),
                    ("halts", f"below {risk.halt_drawdown:.2%}"),
                ),
                flip=f"with the fund at {risk.halt_drawdown:.2%} or above trading went on",
            )


def explain_command(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain capital that a command moved, and no cycle."""
    for kind in (CapitalAllocated, CapitalReturned):
        for seq, event in caused.of(kind, agent_id):
            if isinstance(event, kind) and event.reason in {"direct", "voluntary"}:
                yield Decision(
                    seq=seq,
                    tick=caused.before.tick,
                    cycle=None,
                    kind="capital",
                    outcome=event.reason,
                    changed=True,
                    said=f"it {say_of_agent(event)}; a command asked for it, no rule",
                )


def explain_pause(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain that an agent was paused, or went on: by somebody's word, and by no rule."""
    for kind, outcome in ((AgentPaused, "paused"), (AgentUnpaused, "unpaused")):
        for seq, event in caused.of(kind, agent_id):
            yield Decision(
                seq=seq,
                tick=caused.before.tick,
                cycle=None,
                kind="pause",
                outcome=outcome,
                changed=True,
                said=f"it {say_of_agent(event)}; somebody asked for it, no rule",
                notes=caused.words(),
            )


def explain_refusal(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain that a command about the agent was refused, and where it can be said, by how much."""
    for seq, event in caused.of(AllocationError, agent_id):
        before = caused.until(seq)
        agent = before.agents.get(agent_id)
        if event.command == "GraduateAgent" and agent is not None and agent.layer in NEXT:
            rise = not_risen(caused, before, agent, seq=seq)
            if rise.numbers["reason"] == event.reason:
                yield rise
                continue
        room = _room(before, agent, event)
        yield Decision(
            seq=seq,
            tick=before.tick,
            cycle=None,
            kind="refusal",
            outcome=str(event.reason),
            changed=False,
            said=say(event),
            numbers={} if room is None else {"room": room},
            flip="" if room is None else f"up to {usd(room)} it would have been given",
        )


def _room(before: Treasury, agent: Agent | None, event: AllocationError) -> int | None:
    """Return what could have been given instead; None where less would not have helped."""
    if agent is None or event.command != "AllocateCapital":
        return None
    room = room_of(before, agent)
    most = min(room.values())
    return most if event.reason in room and most > 0 else None


def explain_dropped(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain that a cycle was dropped, and nothing was decided."""
    for seq, event in caused.of(EvolutionFailed):
        if agent_id in caused.before.agents:
            yield Decision(
                seq=seq,
                tick=event.tick,
                cycle=event.cycle,
                kind="cycle",
                outcome="dropped",
                changed=False,
                said=say(event),
            )


def explain_baseline(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain whether a baseline would have been a candidate for a seat."""
    agent = caused.before.agents.get(agent_id)
    if caused.cycle is None or agent is None:
        return
    metrics = measured(caused.before, [agent]).metrics(0, caused.before.tick)
    rule = requirements(caused.before, Layer.PROVING)
    checks = check_rule(rule, metrics)
    unmet = [one for one in checks if not one.holds]
    enough = rule.holds(flipped(metrics, unmet))
    ready = agent_id in caused.cycle.baselines_ready
    would = "would have been" if ready else "would not have been"
    yield Decision(
        seq=caused.events[-1][0].seq,
        tick=caused.before.tick,
        cycle=caused.cycle.cycle,
        kind="baseline",
        outcome="ready" if ready else "not_ready",
        changed=False,
        said=f"it {would} a candidate for a seat; a baseline never gets one",
        rule=rule.id,
        checks=checks,
        flip=f"with {say_flips(unmet)} it would have been one" if unmet and enough else "",
    )
