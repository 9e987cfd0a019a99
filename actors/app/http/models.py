"""What the API answers with: agents and their money.  The OpenAPI document is made from this.

Units: money is whole micro-USD, quantities are units of an instrument, prices USD per unit; returns
and drawdowns are fractions (0.1 is 10 %); days are bars.  `as_of` is the place of the entry after
which everything in the answer was true.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Money: TypeAlias = Annotated[int, Field(json_schema_extra={"x-unit": "micro-USD"})]
Scalar: TypeAlias = str | int | float | bool | None

AGENT = "g000-001"
STAMP = "2020-04-11T00:00:00.000000Z"


def say(text: str, *examples: object) -> object:
    """Return a field's description, with examples."""
    return Field(description=text, examples=[*examples] or None)


class Model(BaseModel):
    """What all of them have in common: no field that does not stand here."""

    model_config = ConfigDict(extra="forbid")


class Answer(Model):
    """An answer that was true after one entry of the journal."""

    as_of: Annotated[int, say("The entry after which all of this was true.", 4174)]


class Row(Model):
    """One agent in a table."""

    agent: Annotated[str, say("Its id.", AGENT)]
    strategy: Annotated[str, say("Its strategy.", "tactical-trader")]
    layer: Annotated[str, say("Where it competes: simulation, proving or arena.", "proving")]
    status: Annotated[str, say("alive, paused, quarantined or dead.", "alive")]
    tier: Annotated[str | None, say("Its standing at the last cycle, in the arena only.", "elite")]
    fitness: Annotated[float | None, say("Its score; null while it is undefined.", 1.42)]
    sharpe: Annotated[float | None, say("Sharpe ratio of the window, per year.", 1.1)]
    win_rate: Annotated[float | None, say("Share of days that were won, of the window.", 0.55)]
    max_drawdown: Annotated[float, say("Deepest fall of its record, in [-1, 0].", -0.12)]
    return_: Annotated[float, Field(alias="return", description="Of its record.", examples=[0.08])]
    life_return: Annotated[float, say("Since birth.", 0.21)]
    age: Annotated[int, say("Days of its record.", 45)]
    equity: Annotated[Money, say("What it holds was worth at the last close.", 1_000_000_000)]
    pnl: Annotated[Money, say("Profit in its present book, after costs.", 21_500_000)]
    pnl_real: Annotated[Money, say("Profit with real capital over its life.", 0)]
    costs: Annotated[Money, say("Fees, slippage and gas over its life.", 350_000)]
    trades: Annotated[int, say("Fills over its life.", 17)]


class Ranked(Row):
    """One agent's place on the board."""

    rank: Annotated[int, say("From 1.", 1)]


class AgentRow(Row):
    """One agent in the list of agents."""

    baseline: Annotated[bool, say("Whether it stands outside the population.")]
    born: Annotated[int, say("Day of its birth.", 0)]
    died: Annotated[int | None, say("Day of its death; null while it lives.")]
    cause: Annotated[str | None, say("The rule that killed it.", "negative_fitness")]


class Position(Model):
    """What an agent holds of one instrument."""

    instrument: Annotated[str, say("Which.", "BTC")]
    quantity: Annotated[float, say("Units; below 0 where it is held short.", 0.25)]
    price: Annotated[float, say("USD per unit at the last close.", 7100.5)]
    value: Annotated[Money, say("Of the position at that price.", 1_775_125_000)]


class Record(Model):
    """A stretch of performance."""

    start: Annotated[int, say("The day at whose close it begins.", 0)]
    base: Annotated[float, say("Unit NAV at that close.", 1.0)]
    drawdown: Annotated[float, say("Deepest fall from a peak, in [-1, 0].", -0.12)]
    days_negative: Annotated[int, say("Days in a row, up to now, with a fitness below 0.", 0)]


class Records(Model):
    """An agent's performance, kept twice."""

    life: Annotated[Record, say("Since its birth.")]
    stint: Annotated[Record, say("Since it entered its layer.")]


class AgentFacts(AgentRow):
    """Everything about one agent that is true now."""

    family: Annotated[str, say("Its strategy's family.", "directional")]
    parameters: Annotated[dict[str, Scalar], say("What it was born with.", {"lookback": 20})]
    generation: Annotated[int, say("The cycle of its birth; 0 for the first.", 0)]
    parents: Annotated[list[str], say("Whose mutant it is; nobody's where it is empty.", [])]
    cash: Annotated[Money, say("What earns nothing.", 500_000_000)]
    positions: Annotated[list[Position], say("What it holds.")]
    nav: Annotated[float, say("Unit NAV at the last close; 1 at birth.", 1.21)]
    records: Annotated[Records, say("How it has done.")]


class Agents(Answer):
    """A page of agents, in order of birth."""

    agents: Annotated[list[AgentRow], say("Who.")]
    next: Annotated[str | None, say("`after` of the next page; null at the end.", AGENT)]


class AgentAnswer(Answer):
    """One agent."""

    agent: Annotated[AgentFacts, say("Everything that is true of it.")]


class Positions(Answer):
    """What one agent holds."""

    agent: Annotated[str, say("Whose.", AGENT)]
    cash: Annotated[Money, say("What earns nothing.", 500_000_000)]
    equity: Annotated[Money, say("Cash and positions at the last close.", 1_000_000_000)]
    positions: Annotated[list[Position], say("What it holds.")]


class Close(Model):
    """An agent's unit NAV at one close."""

    tick: Annotated[int, say("The day; 0 or the day of its birth is the first.", 12)]
    nav: Annotated[float, say("Unit NAV; 1 at birth, moved by profit alone.", 1.02)]


class Equity(Answer):
    """An agent's unit NAV, close by close, thinned so that its shape stays."""

    agent: Annotated[str, say("Whose.", AGENT)]
    closes: Annotated[int, say("How many closes there are.", 180)]
    read: Annotated[int, say("How many of them were looked at, evenly spread.", 180)]
    points: Annotated[list[Close], say("Those that were kept, the oldest first.")]


class Decisions(Answer):
    """What was decided about an agent, and why."""

    agent: Annotated[str, say("Whom it is about.", AGENT)]
    decisions: Annotated[
        list[dict[str, object]],
        say(
            "What `arena why RUN agent ID --json` prints: rule, facts, margin, what would flip it."
        ),
    ]


class Board(Answer):
    """Who did best, and the baselines beside."""

    tick: Annotated[int, say("The last settled day.", 60)]
    market: Annotated[str, say("real, synthetic or mixed.", "synthetic")]
    leaderboard: Annotated[list[Ranked], say("The living, best first; `rank` is by layer.")]
    baselines: Annotated[list[Baseline], say("The yardsticks.")]


class Baseline(Row):
    """A yardstick that stands outside the population."""

    would_have_graduated: Annotated[bool, say("Whether it met the requirements of a seat.")]


class Relative(Model):
    """One agent in the family tree."""

    agent: Annotated[str, say("Its id.", AGENT)]
    strategy: Annotated[str, say("Its strategy.", "tactical-trader")]
    parents: Annotated[list[str], say("Whose mutant it is.", ["g000-002"])]
    generation: Annotated[int, say("The cycle of its birth.", 3)]
    born: Annotated[int, say("Day of its birth.", 21)]
    died: Annotated[int | None, say("Day of its death.")]
    cause: Annotated[str | None, say("The rule that killed it.")]
    layer: Annotated[str, say("Where it is, or was at last.", "simulation")]
    nav: Annotated[float, say("Unit NAV at its last close.", 0.97)]
    changes: Annotated[
        dict[str, list[Scalar]],
        say(
            "Parameter -> [its first parent's, its own], where they differ.", {"lookback": [20, 24]}
        ),
    ]


class Lineage(Answer):
    """A page of the family tree, in order of birth."""

    agents: Annotated[list[Relative], say("Everyone who was ever born, the dead included.")]
    next: Annotated[str | None, say("`after` of the next page; null at the end.")]


Board.model_rebuild()
