"""What happened to an agent: born, changed, risen, fallen, broken, ended."""

from __future__ import annotations

from dataclasses import dataclass

from arena.ids import AgentId
from arena.money import Money
from arena.words import Layer, Metrics, Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpawned:
    """An agent was born into the simulation with virtual money."""

    agent_id: AgentId
    strategy: str
    family: str
    parameters: dict[str, Scalar]
    generation: int
    parents: tuple[AgentId, ...]
    virtual_capital: Money
    baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMutated:
    """A newborn's parameters are a parent's, changed: name -> (before, after)."""

    agent_id: AgentId
    parent: AgentId
    changes: dict[str, tuple[Scalar, Scalar]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentGraduated:
    """An agent met every requirement of the next layer."""

    agent_id: AgentId
    from_layer: Layer
    to_layer: Layer
    rule: str
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDemoted:
    """An agent stayed too long without being promoted and went back to the simulation."""

    agent_id: AgentId
    from_layer: Layer
    to_layer: Layer
    rule: str
    metrics: Metrics
    virtual_capital: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentKilled:
    """A rule ended an agent: which, on which facts, against which thresholds.

    Attributes:
        rule: Its id; `quarantined` and `operator` (somebody's word) have no conditions.
        thresholds: (metric, operator, value) of each condition of the rule.
    """

    agent_id: AgentId
    layer: Layer
    rule: str
    metrics: Metrics
    thresholds: tuple[tuple[str, str, int | float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFailed:
    """An agent's strategy broke and the agent missed its tick."""

    agent_id: AgentId
    tick: int
    kind: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentQuarantined:
    """An agent failed too often: it trades no more and waits for the next cycle."""

    agent_id: AgentId
    tick: int
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPaused:
    """Somebody paused an agent: it keeps what it holds, and neither trades nor is asked."""

    agent_id: AgentId
    tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUnpaused:
    """A paused agent goes on, with what it remembers."""

    agent_id: AgentId
    tick: int
