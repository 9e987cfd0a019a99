"""What happened to the run as a whole: begun, cycled, forked, ended, and notes of its users."""

from __future__ import annotations

from dataclasses import dataclass, field

from arena.ids import AgentId
from arena.money import Money
from arena.words import Action, Layer, Scalar, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaOpened:
    """The treasury was endowed and divided."""

    name: str
    reserve: Money
    proving: Money
    arena: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """One agent's row in a cycle's ranking.

    Attributes:
        terms: What each term of the fitness contributed; empty while the score is undefined.
        balance: Real capital before the cycle moved any.
        target: What the policy wanted it to have; None where the policy had no say.
        limits: Names of the limits that lowered the target.
    """

    agent_id: AgentId
    layer: Layer
    tier: Tier | None
    fitness: float | None
    terms: dict[str, float]
    balance: Money
    target: Money | None
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionCycleComplete:
    """A round of killing, demoting, graduating, allocating and breeding came to its end.

    Attributes:
        ranks: Everyone alive after it, best first within each layer.
        deaths: (agent, rule).
        demotions: Who went back to the simulation.
        graduations: (agent, layer it rose to).
        waiting: Who met the requirements and found no room.
        births: (agent, strategy, parents).
        baselines_ready: Baselines that met the requirements of a seat; they never take one.
    """

    cycle: int
    tick: int
    ranks: tuple[Rank, ...]
    deaths: tuple[tuple[AgentId, str], ...]
    demotions: tuple[AgentId, ...]
    graduations: tuple[tuple[AgentId, Layer], ...]
    waiting: tuple[AgentId, ...]
    births: tuple[tuple[AgentId, str, tuple[AgentId, ...]], ...]
    baselines_ready: tuple[AgentId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionFailed:
    """A step of a cycle broke; nothing of that cycle was written, and the next one runs."""

    cycle: int
    tick: int
    step: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyChecked:
    """A strategy was at the gate; where that is required, only who passes gets real capital.

    Attributes:
        passed: Whether every check did.
        checks: Name of a check -> whether it passed; None where it could not be tried.
        source_hash: SHA-256 of its files; empty of what is built in, and where there are none.
    """

    strategy: str
    passed: bool
    checks: dict[str, bool | None]
    source_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRecorded:
    """Somebody put a fact of their own on the record; it changes nothing else."""

    kind: str
    data: dict[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActed:
    """Somebody who runs the arena had something done, and whatever follows from it names this.

    Attributes:
        action: What.
        by: Who says so: 1 to 64 characters.
        reason: Why: up to 500 characters.
    """

    action: Action
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunForked:
    """From here on this is another run: its parent's history under other rules.

    Attributes:
        parent_seq: The last entry that it shares with its parent: the one before this.
        parent_hash: That entry's hash.
        tick: The last tick that they share.
        changes: Key of the config -> its new value; a list or a table as JSON.
        manifest: What is run from here on, as canonical JSON.
    """

    parent_seq: int
    parent_hash: str
    tick: int
    changes: dict[str, Scalar]
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompleted:
    """The last tick was settled."""

    ticks: int
    cycles: int
