"""Death: which rule ends whom, and where the capital goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arena.agents import Agent
from arena.decisions.draft import Draft
from arena.decisions.outflow import withdraw
from arena.events import AgentKilled
from arena.ids import AgentId
from arena.rules import Rule
from arena.scoring import Measured, measure
from arena.state import Treasury
from arena.words import Layer, Metrics, Status

QUARANTINED = Rule("quarantined", ())
"""A cycle ends what was quarantined."""

OPERATOR = Rule("operator", ())
"""Somebody who runs the arena said so."""


def measured(treasury: Treasury, agents: Iterable[Agent]) -> Measured:
    """Measure `agents` at the last close."""
    return measure(
        tuple(agents),
        tick=treasury.tick,
        periods_per_year=treasury.experiment.market.periods_per_year,
        rules=treasury.experiment.rules.records,
    )


def kill(draft: Draft, agent: Agent, rule: Rule, metrics: Metrics, *, because: int | None) -> None:
    """End an agent; what it had returns to where it came from."""
    died = draft.emit(
        AgentKilled(
            agent_id=agent.agent_id,
            layer=agent.layer,
            rule=rule.id,
            metrics=metrics,
            thresholds=tuple((c.metric, c.op, c.value) for c in rule.all),
        ),
        because,
    )
    withdraw(draft, agent.agent_id, agent.layer, amount=None, reason="death", because=died)


def kill_by_rules(
    draft: Draft, *, every_tick: bool, because: int | None
) -> list[tuple[AgentId, str]]:
    """Apply the kill rules and return who died of which.

    In an emergency stop nobody dies: what they hold could not be sold.

    Args:
        draft: The decision in the making.
        every_tick: Only the rules that are looked at on every tick; else all, and quarantine.
        because: The event that the deaths follow from.
    """
    treasury = draft.treasury
    if treasury.stop_mode:
        return []
    population = treasury.population()
    rules = kill_rules(treasury, every_tick=every_tick)
    if every_tick:
        population = may_die(population, rules)
    if not population:
        return []
    found = measured(treasury, population)
    deaths = []
    for row, agent in enumerate(population):
        metrics = found.metrics(row, treasury.tick)
        rule = fatal(looked_at(agent, metrics, rules, cycle=not every_tick), metrics)
        if rule is not None:
            kill(draft, agent, rule, metrics, because=because)
            deaths.append((agent.agent_id, rule.id))
    return deaths


def kill_rules(treasury: Treasury, *, every_tick: bool) -> tuple[Rule, ...]:
    """Return the rules of a look, in order of precedence: of every tick's, or of a cycle's."""
    rules = treasury.experiment.rules.risk.kill
    return tuple(rule for rule in rules if rule.every_tick) if every_tick else rules


def may_die(population: list[Agent], rules: tuple[Rule, ...]) -> list[Agent]:
    """Return whom rules on the drawdown alone could end: the cheap look of every tick."""
    conditions = [condition for rule in rules for condition in rule.all]
    if any(condition.metric != "drawdown" for condition in conditions):
        return population
    bound = max((condition.value for condition in conditions), default=-2.0)
    return [agent for agent in population if agent.record.drawdown <= bound]


def looked_at(
    agent: Agent, metrics: Metrics, rules: tuple[Rule, ...], *, cycle: bool
) -> Iterator[Rule]:
    """Yield the rules that are about the agent now, in order of precedence."""
    if cycle and agent.status is Status.QUARANTINED:
        yield QUARANTINED
    for rule in rules:
        if rule.spares_arena and agent.layer is Layer.ARENA:
            continue
        if rule.once_at_age is not None and (
            (metrics["age"] or 0) < rule.once_at_age or rule.id in agent.record.tested
        ):
            continue
        yield rule


def fatal(rules: Iterable[Rule], metrics: Metrics) -> Rule | None:
    """Return the first rule that holds: the one that ends an agent."""
    return next((rule for rule in rules if rule.holds(metrics)), None)
