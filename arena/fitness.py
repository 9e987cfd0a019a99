"""Fitness: one number per record, and what each term put into it.

The value is the sum of five terms, added from left to right in this order, always:

    total_return  0.3 x return over the window, not annualised
    sharpe        0.4 x Sharpe ratio, annualised and clipped
    drawdown     -0.2 x |max drawdown| of the whole record
    volatility   -0.1 x volatility, annualised
    win_rate      0.1 if more than 65 % of the days that moved were won

One agent is scored as a batch of one, so that nobody's score depends on who is scored beside them.
Known weakness: return is not annualised, so the value grows with age, and a drawdown of 96 % costs
only 0.19.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from arena.market import Floats
from arena.metrics import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class FitnessWeights:
    """What each term is multiplied by: a penalty has a negative weight.

    Attributes:
        total_return: Per 100 % of return over the window.
        sharpe: Per point of Sharpe ratio.
        drawdown: Per 100 % of drawdown, as a depth.
        volatility: Per 100 % a year.
        win_rate: Given whole, or not at all.
        win_rate_above: The win rate above which it is given.
    """

    total_return: float = 0.3
    sharpe: float = 0.4
    drawdown: float = -0.2
    volatility: float = -0.1
    win_rate: float = 0.1
    win_rate_above: float = 0.65


@dataclass(frozen=True, slots=True)
class Fitness:
    """A score that explains itself.

    Attributes:
        value: Higher is better; NaN while a metric is undefined.
        terms: What each term contributed, in order; added from left to right they are exactly the
            value.  Empty while the value is undefined.
    """

    value: float
    terms: dict[str, float]


DEFAULT_WEIGHTS = FitnessWeights()


def score_all(records: Records, weights: FitnessWeights = DEFAULT_WEIGHTS) -> Floats:
    """Return the fitness of each record, shape (agents,); NaN where a metric is undefined."""
    return reduce(np.add, contributions(records, weights).values())


def explain(
    records: Records, row: int, weights: FitnessWeights = DEFAULT_WEIGHTS
) -> dict[str, float]:
    """Return what each term put into the fitness of record `row`; empty while it is undefined.

    The values added from left to right are exactly `score_all(records, weights)[row]`.  (Since
    Python 3.12 `sum` compensates its rounding, which is another sum.)
    """
    terms = {name: float(term[row]) for name, term in contributions(records, weights).items()}
    return {} if any(np.isnan(term) for term in terms.values()) else terms


def score(
    *,
    total_return: float,
    sharpe: float,
    max_drawdown: float,
    volatility: float,
    win_rate: float,
    weights: FitnessWeights = DEFAULT_WEIGHTS,
) -> Fitness:
    """Return the fitness of one record, with its terms.

    Args:
        total_return: Over the window, a fraction.
        sharpe: Annualised; clipped already, if it is to be.
        max_drawdown: In [-1, 0].
        volatility: Annualised, >= 0.
        win_rate: In [0, 1], or NaN where no day moved: that wins no bonus.
        weights: What each term is multiplied by.
    """
    record = Records(
        window_return=np.array([total_return]),
        sharpe=np.array([sharpe]),
        max_drawdown=np.array([max_drawdown]),
        volatility=np.array([volatility]),
        win_rate=np.array([win_rate]),
        observations=np.ones(1, np.int64),
    )
    return Fitness(float(score_all(record, weights)[0]), explain(record, 0, weights))


def contributions(records: Records, weights: FitnessWeights) -> dict[str, Floats]:
    """Return what each term puts in, shape (agents,), in the order in which they are added."""
    won = records.win_rate > weights.win_rate_above
    terms = {
        "total_return": weights.total_return * records.window_return,
        "sharpe": weights.sharpe * records.sharpe,
        "drawdown": weights.drawdown * np.abs(records.max_drawdown),
        "volatility": weights.volatility * records.volatility,
        "win_rate": np.where(won, weights.win_rate, 0.0),
    }
    return {name: term + 0.0 for name, term in terms.items()}  # Plus 0.0: -0.0 becomes 0.0.
