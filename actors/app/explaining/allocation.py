"""Why a cycle gave an agent of the arena capital, took some, or left it as it was."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from actors.app.explaining.checks import usd
from actors.app.explaining.decision import Decision
from actors.app.explaining.ranking import explain_rank
from actors.app.explaining.walk import Caused
from arena.agents import Agent
from arena.decisions.allocation import divide, entry_amount, entry_grant, is_divided
from arena.events import (
    AgentGraduated,
    CapitalAllocated,
    CapitalReturned,
    EvolutionCycleComplete,
)
from arena.ids import AgentId
from arena.money import Money
from arena.treasury import Treasury
from arena.words import Layer


def explain_allocation(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain what a cycle's division of capital was for an agent of the arena."""
    if caused.cycle is None:
        return
    treasury = caused.before_division()
    agent = treasury.agents.get(agent_id)
    if agent is None or agent.layer is not Layer.ARENA:
        return
    fitness = {
        event.agent_id: event.metrics["fitness"] or 0.0
        for _, event in caused.of(AgentGraduated)
        if event.to_layer is Layer.ARENA
    }
    entries = {each: entry_grant(treasury, each, score) for each, score in fitness.items()}
    blank = _unmoved(caused, caused.cycle, treasury)
    if not is_divided(treasury):
        yield blank
    elif agent_id in entries:
        yield _entry(caused, blank, treasury, agent_id, fitness[agent_id])
    elif agent.paused:
        said = f"it keeps its {usd(agent.equity)}: it was paused, and is not ranked"
        yield replace(blank, outcome="paused", said=said, numbers={"balance": agent.equity})
    elif treasury.tick - agent.stint.start < treasury.experiment.rules.allocation.entrant_days:
        yield _entrant(blank, treasury, agent)
    elif treasury.experiment.rules.allocation.policy not in treasury.experiment.policies:
        yield _untold(caused, blank, treasury, agent_id)
    else:
        yield explain_rank(caused, blank, treasury, agent, divide(treasury, entries))


def _unmoved(caused: Caused, cycle: EvolutionCycleComplete, treasury: Treasury) -> Decision:
    """Return that nothing was divided, which the others make their own."""
    return Decision(
        seq=caused.events[-1][0].seq,
        tick=cycle.tick,
        cycle=cycle.cycle,
        kind="allocation",
        outcome="halted",
        changed=False,
        said="no capital was divided: the arena is halted",
        rule=treasury.experiment.rules.allocation.policy,
    )


def _untold(caused: Caused, blank: Decision, treasury: Treasury, agent_id: AgentId) -> Decision:
    """Return what became of an agent, where the policy is not there that says why."""
    paid = [*caused.of(CapitalAllocated, agent_id)]
    back = [*caused.of(CapitalReturned, agent_id)]
    moved = sum(event.amount for _, event in paid) - sum(event.amount for _, event in back)
    name = treasury.experiment.rules.allocation.policy
    way = "its capital stayed" if not moved else f"it {'received' if moved > 0 else 'gave back'}"
    return replace(
        blank,
        seq=[seq for seq, _ in (*paid, *back)][-1] if paid or back else blank.seq,
        outcome="untold",
        changed=bool(paid or back),
        said=f"{way} {usd(abs(moved))}" if moved else way,
        numbers={"moved": moved},
        notes=(f"the policy {name!r} weighed it, a plugin that cannot be loaded here",),
    )


def _entrant(blank: Decision, treasury: Treasury, agent: Agent) -> Decision:
    days = treasury.tick - agent.stint.start
    least = treasury.experiment.rules.allocation.entrant_days
    return replace(
        blank,
        outcome="entrant",
        said=f"it keeps its {usd(agent.equity)}: entrants are not ranked",
        numbers={"days": days, "entrant_days": least, "balance": agent.equity},
        facts=(("stint", f"{days} days; from {least} on it is ranked"),),
        flip=f"{least - days} days earlier into the arena, and it would have been ranked",
    )


def _entry(
    caused: Caused, blank: Decision, treasury: Treasury, agent_id: AgentId, fitness: float
) -> Decision:
    ladder = treasury.experiment.rules.ladder
    worth, most = entry_amount(fitness, ladder), entry_amount(math.inf, ladder)
    grant = entry_grant(treasury, agent_id, fitness)
    paid = [
        (seq, event.amount)
        for seq, event in caused.of(CapitalAllocated, agent_id)
        if event.reason == "entry"
    ]
    received = sum(amount for _, amount in paid)
    scale = f"from {ladder.entry_from:g} to {ladder.entry_from + 1:g}"
    facts = [
        ("base", usd(ladder.entry_base)),
        ("more", f"up to {usd(ladder.entry_slope)}, for a fitness {scale}"),
        ("fitness", f"{fitness:.4f}: {usd(worth)} in all"),
    ]
    if grant < worth:
        facts.append(("asked for", f"{usd(grant)}, and so gets no more"))
    if received < grant:
        facts.append(("pool", f"held {usd(received)}, which is all there was"))
    return replace(
        blank,
        seq=paid[-1][0] if paid else blank.seq,
        changed=bool(paid),
        outcome="entry",
        said=f"it entered with {usd(received)}",
        numbers={"fitness": fitness, "worth": worth, "granted": grant, "paid": received},
        facts=tuple(facts),
        flip=_more(received, worth, most, ladder.entry_slope),
    )


def _more(received: int, worth: int, most: int, slope: int) -> str:
    if received < worth or worth == most:
        return ""
    return f"each 0.01 of fitness more was worth {usd(Money(slope // 100))}"
