"""Why an agent rose, waited, was not let in, or went back down."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from actors.app.explaining.checks import (
    Check,
    above,
    check_rule,
    closest,
    flipped,
    name_of,
    say_flip,
    say_flips,
)
from actors.app.explaining.decision import Decision
from actors.app.explaining.walk import Caused
from arena.agents import Agent
from arena.decisions.deaths import measured
from arena.decisions.ladder import places, refuses_graduation, requirements, turn
from arena.events import AgentDemoted, AgentGraduated
from arena.ids import AgentId
from arena.treasury import Treasury
from arena.words import Layer, Metrics, Refusal

NEXT = {Layer.SIMULATION: Layer.PROVING, Layer.PROVING: Layer.ARENA}
_KIND = {Layer.PROVING: "seat", Layer.ARENA: "entry"}
WHAT = {Layer.PROVING: "a seat in proving", Layer.ARENA: "a place in the arena"}


def explain_rise(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain that an agent rose, or that a cycle let it wait or did not let it in."""
    for seq, event in caused.of(AgentGraduated, agent_id):
        yield _risen(caused, seq, event)
        return
    if caused.cycle is None:
        return
    treasury = caused.before_division()
    agent = treasury.agents.get(agent_id)
    if agent is not None and agent.trading and agent.layer in NEXT:
        yield not_risen(caused, treasury, agent, seq=caused.events[-1][0].seq)


def _risen(caused: Caused, seq: int, event: AgentGraduated) -> Decision:
    layer, before = event.to_layer, caused.until(seq)
    rule = requirements(before, layer)
    checks = check_rule(rule, event.metrics)
    taken, room = len(before.population(layer)), places(before, layer)
    nearest = closest(checks)
    flip = ""
    if nearest is not None:
        flip = f"with {say_flip(nearest)} it would have stayed in {event.from_layer}"
    return Decision(
        seq=seq,
        tick=before.tick,
        cycle=None if caused.cycle is None else caused.cycle.cycle,
        kind=_KIND[layer],
        outcome="granted",
        changed=True,
        said=f"it got {WHAT[layer]}",
        rule=rule.id,
        checks=checks,
        numbers={"taken": taken, "places": room},
        notes=(f"{taken} of {room} places were taken before it",),
        flip=flip,
    )


def not_risen(caused: Caused, treasury: Treasury, agent: Agent, *, seq: int) -> Decision:
    """Explain why `agent` did not rise to the next layer; `treasury` is the one that was asked."""
    layer = NEXT[agent.layer]
    found = measured(treasury, [agent])
    metrics = found.metrics(0, treasury.tick)
    refused = refuses_graduation(treasury, agent, layer, metrics)
    reason, detail = refused or (Refusal.LAYER_IS_FULL, "its turn was over when there was room")
    rule = requirements(treasury, layer)
    checks = check_rule(rule, metrics)
    waits = reason in {Refusal.LAYER_IS_FULL, Refusal.POOL_INSUFFICIENT}
    what = WHAT[layer]
    return Decision(
        seq=seq,
        tick=treasury.tick,
        cycle=None if caused.cycle is None else caused.cycle.cycle,
        kind=_KIND[layer],
        outcome="waiting" if waits else "refused",
        changed=False,
        said=f"it waits for {what}" if waits else f"it did not get {what}",
        rule=rule.id,
        checks=checks,
        numbers={
            "reason": str(reason),
            "taken": len(treasury.population(layer)),
            "places": places(treasury, layer),
        },
        notes=_say_score(found.terms()[0], checks)
        if reason is Refusal.REQUIREMENTS_NOT_MET
        else (detail,),
        flip=_overtake(caused, treasury, agent, metrics)
        if waits
        else _qualify(caused, agent, metrics, [one for one in checks if not one.holds]),
    )


def _say_score(terms: dict[str, float], checks: Sequence[Check]) -> tuple[str, ...]:
    """Return what the fitness is made of, where it was not enough."""
    if not terms or all(one.holds for one in checks if one.metric == "fitness"):
        return ()
    parts = ", ".join(f"{name_of(name)} {value:+.2f}" for name, value in terms.items())
    return (f"the fitness is the sum of {parts}",)


def _qualify(caused: Caused, agent: Agent, metrics: Metrics, unmet: list[Check]) -> str:
    """Return what would have been enough, and what would have come of it."""
    if not unmet:
        return ""
    layer = NEXT[agent.layer]
    changed = flipped(metrics, unmet)
    then = refuses_graduation(_at_turn(caused, agent, changed), agent, layer, changed)
    what = say_flips(unmet)
    if then is None:
        return f"with {what} it would have got {WHAT[layer]}"
    return f"with {what} it would only have had to wait: {then[1]}"


def _overtake(caused: Caused, treasury: Treasury, agent: Agent, metrics: Metrics) -> str:
    """Return what would have put an agent that waits in front of one that did not have to."""
    layer = NEXT[agent.layer]
    rose = [event for _, event in caused.of(AgentGraduated) if event.to_layer is layer]
    if rose:
        last, bar = rose[-1], rose[-1].metrics["fitness"] or 0.0
        changed = {**metrics, "fitness": math.nextafter(bar, math.inf)}
        if refuses_graduation(_at_turn(caused, agent, changed), agent, layer, changed) is None:
            enough = f"fitness above {above(bar, metrics['fitness'])}"
            return f"with {enough} it would have come before {last.agent_id}, the last that got in"
    line = _queue(caused, treasury, layer)
    if agent.agent_id not in line:
        return ""
    place = line.index(agent.agent_id) + 1
    more = "one more place" if place == 1 else f"{place} more places"
    return f"it was number {place} of {len(line)} in the queue: it took {more} to let it in"


def _at_turn(caused: Caused, agent: Agent, metrics: Metrics) -> Treasury:
    """Return the treasury as it would have been asked about `agent` with such `metrics`."""
    own = turn(metrics["fitness"], agent.agent_id)
    for seq, event in caused.of(AgentGraduated):
        after = turn(event.metrics["fitness"], event.agent_id) > own
        if event.to_layer is NEXT[agent.layer] and after:
            return caused.until(seq)
    return caused.before if caused.cycle is None else caused.before_division()


def _queue(caused: Caused, treasury: Treasury, layer: Layer) -> list[AgentId]:
    """Return who waits for `layer` after the cycle, the first in line first."""
    waiting = () if caused.cycle is None else caused.cycle.waiting
    agents = [treasury.agents[each] for each in waiting]
    agents = [agent for agent in agents if NEXT.get(agent.layer) is layer]
    found = measured(treasury, agents)
    order = [turn(found.fitness[row], agent.agent_id) for row, agent in enumerate(agents)]
    return [agent_id for _, agent_id in sorted(order)]


def explain_demotion(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain why an agent went back to the simulation."""
    for seq, event in caused.of(AgentDemoted, agent_id):
        treasury = caused.before_demotion()
        agent = treasury.agents[agent_id]
        rule = requirements(treasury, Layer.ARENA)
        checks = check_rule(rule, event.metrics)
        days = treasury.tick - agent.stint.start
        most = treasury.experiment.rules.ladder.proving_days_max
        unmet = [one for one in checks if not one.holds]
        then = refuses_graduation(treasury, agent, Layer.ARENA, flipped(event.metrics, unmet))
        notes = [f"{days} days in proving without rising; {most} are too many"]
        flip = f"before day {most} in proving it would have stayed"
        if unmet and then is None:
            flip = f"with {say_flips(unmet)} it would have risen instead"
        elif then is not None:
            notes.append(f"the arena let nobody in: {then[1]}")
        yield Decision(
            seq=seq,
            tick=treasury.tick,
            cycle=None if caused.cycle is None else caused.cycle.cycle,
            kind="demotion",
            outcome="demoted",
            changed=True,
            said="it went back to the simulation",
            rule=event.rule,
            checks=checks,
            numbers={"days": days, "days_max": most},
            notes=tuple(notes),
            flip=flip,
        )
