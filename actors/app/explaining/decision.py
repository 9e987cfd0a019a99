"""A decision about one agent, explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actors.app.explaining.checks import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided about an agent, and why.

    Attributes:
        seq: The event that says so; the cycle's last one where nothing else does.
        tick: The day.
        cycle: The cycle's number; None where the decision was made outside of one.
        kind: `birth`, `kill`, `demotion`, `seat`, `entry`, `allocation`, `quarantine`, `halt`,
            `capital` or `refusal`.
        outcome: In one word.
        changed: Whether the agent was any different afterwards.
        said: The decision in plain words.
        rule: Which rule decided; None where none has a name.
        checks: Its conditions, held against what was found.
        numbers: What else went into it; sums of money in micro-USD.
        facts: The numbers that people need, by name, in plain words.
        notes: More about it, in plain words.
        flip: The smallest change that would have made it another decision; empty where none would.
    """

    seq: int
    tick: int
    cycle: int | None
    kind: str
    outcome: str
    changed: bool
    said: str
    rule: str | None = None
    checks: tuple[Check, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    flip: str = ""
