"""The tables of the rules: what ends an agent, lets it rise, or stops trading."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from actors.app.settings.fields import (
    BasisPoints,
    Days,
    Drawdown,
    Name,
    Section,
    words,
)
from arena.rules import (
    COMPARISONS,
    METRICS,
    LadderRules,
    RiskRules,
    Rule,
)

_LADDER, _RISK = LadderRules(), RiskRules()


class RiskTable(Section):
    """What stops trading, bounds exposure, and quarantines."""

    halt_drawdown: Drawdown = Field(
        default=_RISK.halt_drawdown,
        description="Drawdown of the arena fund under which the arena is halted.",
    )
    pause_drawdown: Drawdown | Literal["never"] = Field(
        default=-0.2,
        description="Drawdown of the arena fund under which its agents may only give up what they "
        "hold, until it is above that again.",
    )
    halt_days: Days | Literal["never"] = Field(
        default="never" if _RISK.halt_days is None else _RISK.halt_days,
        description="Days after which an experiment resumes, with a new peak.",
    )
    per_protocol_bp: BasisPoints = Field(
        default=_RISK.per_protocol_bp,
        description="Most of all deployable real capital in one protocol, basis points.",
    )
    failures_max: int = Field(
        default=_RISK.failures_max,
        ge=1,
        le=10_000,
        description="Failures within `failure_window` that quarantine an agent.",
    )
    failure_window: int = Field(
        default=_RISK.failure_window, ge=1, le=10_000, description="That window, in ticks."
    )

    @property
    def bound(self) -> float | None:
        """The drawdown that pauses openings; None where none does."""
        return None if self.pause_drawdown == "never" else float(self.pause_drawdown)


class ConditionTable(Section):
    """One comparison of a metric with a number."""

    metric: Annotated[str, *words(METRICS)] = Field(description="What is compared.")
    op: Annotated[str, *words(COMPARISONS)] = Field(description="How.")
    value: float = Field(ge=-1_000_000, le=1_000_000, description="With what.")


Conditions = Annotated[
    tuple[ConditionTable, ...],
    Field(strict=False, min_length=1, description="All must hold; what is undefined does not."),
]


class ConditionsTable(Section):
    """Conditions for a rise."""

    all: Conditions


class KillTable(Section):
    """A rule that ends an agent.  The first in the file that holds is the one that is named."""

    id: Name = Field(description="Its name in events and reports.")
    all: Conditions
    once_at_age: Days | None = Field(
        default=None,
        description="Tested once per record, at the first cycle at which it has this many days; "
        "left out, at every cycle.",
    )
    spares_arena: bool = Field(default=False, description="Whether agents in the arena are exempt.")
    every_tick: bool = Field(
        default=False, description="Whether it is looked at on every tick, not only at cycles."
    )


def _conditions(rule: Rule) -> tuple[ConditionTable, ...]:
    return tuple(ConditionTable(metric=c.metric, op=c.op, value=c.value) for c in rule.all)


def _kill(rule: Rule) -> KillTable:
    return KillTable(
        id=rule.id,
        all=_conditions(rule),
        once_at_age=rule.once_at_age,
        spares_arena=rule.spares_arena,
        every_tick=rule.every_tick,
    )


class RulesTable(Section):
    """Who may rise and who must go.  A rule that is given replaces its default as a whole."""

    seat: ConditionsTable = Field(
        default=ConditionsTable(all=_conditions(_LADDER.seat)),
        description="From simulation to proving.",
    )
    entry: ConditionsTable = Field(
        default=ConditionsTable(all=_conditions(_LADDER.entry)),
        description="From proving to the arena.",
    )
    kill: tuple[KillTable, ...] = Field(
        default=tuple(_kill(rule) for rule in _RISK.kill),
        strict=False,
        description="An empty list kills nobody.",
    )
