"""Agents measured: the metrics that rules look at, taken from the agents' records.

Simulation is measured over the whole life, proving and the arena over the stint.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from arena.agents import Agent
from arena.fitness import contributions, score_all
from arena.metrics import Records, records
from arena.rules import RecordRules
from arena.words import Metrics


@dataclass(frozen=True, slots=True)
class Measured:
    """Agents and what their records say, row by row.

    Attributes:
        agents: Who, one per row.
        records: Columns of metrics, each of shape (agents,).
        fitness: One score per agent; None while undefined.
        rules: How they were measured.
    """

    agents: tuple[Agent, ...]
    records: Records
    fitness: tuple[float | None, ...]
    rules: RecordRules

    def metrics(self, row: int, tick: int) -> Metrics:
        """Return everything that a rule can ask about the agent of `row`, by name.

        `sharpe`, `win_rate` and `volatility` are of the window; `drawdown` and `total_return` of
        the whole record; `age` counts the record's days, `life_age` those since birth.
        """
        agent, found = self.agents[row], self.records
        record = agent.record
        return {
            "fitness": self.fitness[row],
            "sharpe": _known(found.sharpe[row]),
            "win_rate": _known(found.win_rate[row]),
            "volatility": _known(found.volatility[row]),
            "drawdown": record.drawdown,
            "total_return": agent.nav / record.base - 1.0 if record.base > 0 else 0.0,
            "age": float(_last_day(agent, tick) - record.start),
            "life_age": float(_last_day(agent, tick) - agent.life.start),
            "days_negative": float(record.days_negative),
        }

    def terms(self) -> list[dict[str, float]]:
        """Return what each term put into the fitness, row by row; empty while it is undefined."""
        columns = contributions(self.records, self.rules.weights)
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return [
            {} if fitness is None else dict(zip(columns, row, strict=True))
            for fitness, row in zip(self.fitness, rows, strict=True)
        ]


def measure(
    agents: Sequence[Agent], *, tick: int, periods_per_year: int, rules: RecordRules
) -> Measured:
    """Measure `agents` at the close of `tick`; the dead as of their death."""
    found = read_records(
        [(agent.navs, _last_day(agent, tick) - agent.record.start) for agent in agents],
        [agent.record.drawdown for agent in agents],
        periods_per_year=periods_per_year,
        rules=rules,
    )
    return Measured(tuple(agents), found, scores(found, rules), rules)


def read_records(
    histories: Sequence[tuple[Sequence[float], int]],
    drawdowns: Sequence[float],
    *,
    periods_per_year: int,
    rules: RecordRules,
) -> Records:
    """Return what records say, one row each.

    Args:
        histories: (closes of the NAV, the latest last; age of the record in days).
        drawdowns: Of each whole record, in [-1, 0].
        periods_per_year: Closes in a year.
        rules: How to measure.
    """
    width = rules.window + 1
    unknown = (math.nan,) * width
    rows: list[Sequence[float]] = []
    for closes, age in histories:
        known = closes[-min(age, rules.window) - 1 :]
        rows += (unknown[len(known) :], known)
    navs = np.fromiter(chain.from_iterable(rows), np.float64, width * len(histories))
    return records(
        navs.reshape(-1, width),
        np.array(drawdowns, dtype=np.float64),
        periods_per_year=periods_per_year,
        sharpe_cap=rules.sharpe_cap,
        observations_min=rules.observations_min,
    )


def scores(found: Records, rules: RecordRules) -> tuple[float | None, ...]:
    """Return the fitness of each row; None while undefined."""
    return tuple(_known(value) for value in score_all(found, rules.weights).tolist())


def _last_day(agent: Agent, tick: int) -> int:
    return tick if agent.died is None else agent.died


def _known(value: float) -> float | None:
    """Return a plain float, or None for NaN."""
    return None if math.isnan(value) else float(value)
