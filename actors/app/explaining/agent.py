"""One agent's decisions, in the order in which they were made; the run is folded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from actors.app.explaining.allocation import explain_allocation
from actors.app.explaining.checks import check_rule, flipped, say_flips
from actors.app.explaining.deaths import explain_death, explain_quarantine
from actors.app.explaining.decision import Decision
from actors.app.explaining.ladder import NEXT, explain_demotion, explain_rise, not_risen
from actors.app.explaining.walk import Caused
from actors.app.explaining.words import say, say_of_agent
from arena.agents import Agent
from arena.decisions.deaths import measured
from arena.decisions.ladder import requirements
from arena.events import (
    AgentSpawned,
    AllocationError,
    CapitalAllocated,
    CapitalReturned,
    EvolutionFailed,
    PositionsReduced,
    TradingHalted,
)
from arena.exceptions import AgentError
from arena.ids import AgentId
from arena.words import Layer

Explain = Callable[[Caused, AgentId], Iterator[Decision]]


@dataclass(frozen=True, slots=True)
class Explained:
    """An agent, as it is after the last event, and what was decided about it."""

    agent: Agent
    decisions: tuple[Decision, ...]


def explain_agent(commands: Iterable[Caused], agent_id: AgentId, *, everything: bool) -> Explained:
    """Explain what was decided about one agent: by default what changed it, and its last cycle.

    Args:
        commands: All those of the run, as `actors.app.explaining.walk` yields them.
        agent_id: Whom it is about.
        everything: Each cycle, whether it changed the agent or not.

    Raises:
        AgentError: There never was such an agent.
    """
    found: dict[int, list[Decision]] = {}
    caused = last = None
    for caused in commands:
        touched = any(entry.agent_id == agent_id for entry, _ in caused.events)
        lives = agent_id in caused.before.agents
        ran = lives and (caused.cycle is not None or _dropped(caused))
        if not (touched or ran):
            continue
        if everything or touched:
            decisions = _explain(caused, agent_id)
            found[caused.first] = [one for one in decisions if everything or one.changed]
        last = caused if ran else last
    agent = None if caused is None else caused.until(caused.events[-1][0].seq + 1).find(agent_id)
    if agent is None:
        raise AgentError(agent_id, "unknown", "nothing was ever decided about it")
    if last is not None:
        found[last.first] = [*_explain(last, agent_id)]
    return Explained(agent, tuple(one for first in sorted(found) for one in found[first]))


def _explain(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Yield what one command decided about an agent, in the order of a cycle's steps."""
    agent = caused.before.agents.get(agent_id)
    baseline = agent is not None and agent.genome.baseline
    for explain in _OF_BASELINES if baseline else _STEPS:
        yield from explain(caused, agent_id)


def _dropped(caused: Caused) -> bool:
    return isinstance(caused.events[-1][1], EvolutionFailed)


def _birth(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
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
        )


def _halt(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
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


def _capital(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain capital that somebody moved outside of a cycle."""
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


def _refusal(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
    """Explain that a command about the agent was refused; of a rise, by how much."""
    for seq, event in caused.of(AllocationError, agent_id):
        before = caused.until(seq)
        agent = before.agents.get(agent_id)
        if event.command == "GraduateAgent" and agent is not None and agent.layer in NEXT:
            yield not_risen(caused, before, agent, seq=seq)
            continue
        yield Decision(
            seq=seq,
            tick=before.tick,
            cycle=None,
            kind="refusal",
            outcome=str(event.reason),
            changed=False,
            said=say(event),
        )


def _failure(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
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


def _yardstick(caused: Caused, agent_id: AgentId) -> Iterator[Decision]:
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


_STEPS: tuple[Explain, ...] = (
    _birth,
    _halt,
    explain_quarantine,
    explain_death,
    explain_demotion,
    explain_rise,
    explain_allocation,
    _capital,
    _refusal,
    _failure,
)
_OF_BASELINES: tuple[Explain, ...] = (_yardstick, _refusal, _failure)
