"""Why an agent was ended, or quarantined, or not."""

from __future__ import annotations

from collections.abc import Iterator

from actors.app.explaining.checks import (
    Check,
    check_rule,
    closest,
    flipped,
    name_of,
    say_flip,
    say_margin,
    say_threshold,
    say_value,
)
from actors.app.explaining.decision import Decision
from actors.app.explaining.walk import Caused
from arena.agents import Agent
from arena.decisions.deaths import OPERATOR, QUARANTINED, fatal, kill_rules, looked_at, measured
from arena.events import AgentFailed, AgentKilled, AgentQuarantined
from arena.ids import AgentId
from arena.rules import Rule
from arena.treasury import Treasury
from arena.words import Metrics


def explain_death(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain why an agent died, or why a cycle let it live."""
    for seq, event in caused.of(AgentKilled, agent_id):
        yield _died(caused, seq, event)
        return
    agent = caused.before.agents.get(agent_id)
    if caused.cycle is not None and agent is not None and not agent.genome.baseline:
        yield _spared(caused, agent)


def _died(caused: Caused, seq: int, event: AgentKilled) -> Decision:
    before, metrics = caused.until(seq), event.metrics
    if event.rule == OPERATOR.id:
        return _ended(caused, seq, event, before)
    agent = before.agents[event.agent_id]
    rules = kill_rules(before, every_tick=caused.settles)
    rule = next((each for each in rules if each.id == event.rule), QUARANTINED)
    checks = check_rule(rule, metrics)
    notes = []
    if rule is QUARANTINED:
        notes.append("it was quarantined, and a cycle ends what is")
    if rule.once_at_age is not None:
        notes.append(f"this is tested once, at an age of {rule.once_at_age} days")
    if caused.settles:
        notes.append("this is looked at on every day")
    nearest = closest(checks)
    return Decision(
        seq=seq,
        tick=before.tick,
        cycle=None if caused.cycle is None else caused.cycle.cycle,
        kind="kill",
        outcome="killed",
        changed=True,
        said=f"it was ended, in {event.layer}, by the rule {event.rule}",
        rule=event.rule,
        checks=checks,
        notes=tuple(notes),
        flip="" if nearest is None else _survive(caused, before, agent, metrics, nearest),
    )


def _ended(caused: Caused, seq: int, event: AgentKilled, before: Treasury) -> Decision:
    """Explain an end that somebody wanted: no rule of the game held."""
    return Decision(
        seq=seq,
        tick=before.tick,
        cycle=None,
        kind="kill",
        outcome="killed",
        changed=True,
        said=f"it was ended, in {event.layer}, by somebody's word",
        rule=event.rule,
        notes=caused.words(),
    )


def _survive(
    caused: Caused, before: Treasury, agent: Agent, metrics: Metrics, nearest: Check
) -> str:
    """Return what would have kept the rule from holding, and whether that would have helped."""
    changed = flipped(metrics, [nearest])
    rules = _rules(caused, before, agent, changed)
    then = fatal(rules, changed)
    what = f"with {say_flip(nearest)}"
    if then is None:
        return f"{what} it would have lived"
    return f"{what} the rule {then.id} would have ended it"


def _rules(caused: Caused, before: Treasury, agent: Agent, metrics: Metrics) -> list[Rule]:
    rules = kill_rules(before, every_tick=caused.settles)
    return [*looked_at(agent, metrics, rules, cycle=not caused.settles)]


def _spared(caused: Caused, agent: Agent) -> Decision:
    """Explain that no rule held; the one that came nearest is shown."""
    before = caused.before
    metrics = measured(before, [agent]).metrics(0, before.tick)
    unmet: list[tuple[Rule, Check]] = []
    for rule in _rules(caused, before, agent, metrics):
        checks = [one for one in check_rule(rule, metrics) if not one.holds]
        if checks:  # All of them would have to hold: the farthest one counts.
            unmet.append((rule, max(checks, key=lambda one: one.closeness)))
    nearest = min(unmet, key=lambda each: each[1].closeness, default=None)
    flip = ""
    if nearest is not None and nearest[1].value is not None:
        flip = _say_nearest(*nearest)
    return Decision(
        seq=caused.events[-1][0].seq,
        tick=before.tick,
        cycle=None if caused.cycle is None else caused.cycle.cycle,
        kind="kill",
        outcome="spared",
        changed=False,
        said="no rule ended it",
        rule=None if nearest is None else nearest[0].id,
        checks=() if nearest is None else check_rule(nearest[0], metrics),
        flip=flip,
    )


def _say_nearest(rule: Rule, one: Check) -> str:
    rests = f"{name_of(one.metric)} {say_value(one)}, ends {say_threshold(one)}"
    return f"nearest: {rule.id}, {say_margin(one)} off ({rests})"


def explain_quarantine(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain why an agent was quarantined."""
    for seq, event in caused.of(AgentQuarantined, agent_id):
        before = caused.until(seq)
        risk = before.experiment.rules.risk
        days = ", ".join(f"day {day}" for day in before.agents[agent_id].failures)
        window = f"{risk.failure_window} days"
        notes = [f"{risk.failures_max} failures in {window} are too many", f"it broke on {days}"]
        notes += [f"the last time: {one.kind}: {one.message}" for _, one in _failed(caused, event)]
        yield Decision(
            seq=seq,
            tick=event.tick,
            cycle=None if caused.cycle is None else caused.cycle.cycle,
            kind="quarantine",
            outcome="quarantined",
            changed=True,
            said="it was quarantined: all it held was sold, and it trades no more",
            rule="failures_max",
            numbers={
                "failures": event.failures,
                "failures_max": risk.failures_max,
                "failure_window": risk.failure_window,
            },
            notes=tuple(notes),
            flip=f"with {risk.failures_max - 1} failures in {window} it would have gone on",
        )


def _failed(caused: Caused, event: AgentQuarantined) -> Iterator[tuple[int, AgentFailed]]:
    return caused.of(AgentFailed, event.agent_id)
