"""One agent's decisions, in the order in which they were made; the run is folded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from actors.app.explaining.allocation import explain_allocation
from actors.app.explaining.deaths import explain_death, explain_quarantine
from actors.app.explaining.decision import Decision
from actors.app.explaining.ladder import explain_demotion, explain_rise
from actors.app.explaining.moments import (
    explain_baseline,
    explain_birth,
    explain_command,
    explain_dropped,
    explain_halt,
    explain_pause,
    explain_refusal,
)
from actors.app.explaining.walk import Caused
from arena.agents import Agent
from arena.events import EvolutionFailed
from arena.exceptions import AgentError
from arena.ids import AgentId

Explain = Callable[[Caused, AgentId], Iterator[Decision]]


@dataclass(frozen=True, slots=True)
class Explained:
    """An agent, as it is after the last event, and what was decided about it."""

    agent: Agent
    decisions: tuple[Decision, ...]


def explain_agent(commands: Iterable[Caused], agent_id: AgentId, *, everything: bool) -> Explained:
    """Explain what was decided about one agent: by default what changed it, and its last cycle.

    Args:
        commands: Those of its life, as `actors.app.explaining.walk` yields them, or all.
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


_STEPS: tuple[Explain, ...] = (
    explain_birth,
    explain_halt,
    explain_quarantine,
    explain_death,
    explain_demotion,
    explain_rise,
    explain_allocation,
    explain_pause,
    explain_command,
    explain_refusal,
    explain_dropped,
)
_OF_BASELINES: tuple[Explain, ...] = (explain_baseline, explain_refusal, explain_dropped)
