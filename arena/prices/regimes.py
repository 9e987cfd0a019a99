"""Bull, bear and sideways: the weather that all assets share.

A regime lasts for a random number of days (semi-Markov: its end is not memoryless), then another
one follows.  The labels are hindsight: tests may look at them, a market never carries them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from arena.seed import Seed

Regimes: TypeAlias = npt.NDArray[np.int64]


class Regime(IntEnum):
    """The state of the market; its number indexes the triples of the parameters."""

    BULL = 0
    BEAR = 1
    SIDEWAYS = 2


@dataclass(frozen=True, slots=True)
class RegimeParameters:
    """How long regimes last and what follows them.  Triples are (bull, bear, sideways).

    Attributes:
        days_mean: Mean length of each regime, days, > 0.
        days_shape: Shape of the gamma distribution of lengths, > 0; 1 would be memoryless.
        days_min: No regime is shorter, days, >= 1.
        opening: Probability of each regime at the first bar; sums to 1.
        successors: Row k: probability of each regime after regime k; rows sum to 1.

    Source:
        Bull ends after -35 %, bear after +50 % of BTC, 2019-01 to 2023-06: 5 bull and 4 bear
        phases, mean 193 and 170 days; shortened, because hindsight phases are too easy to trade.
    """

    days_mean: tuple[float, float, float] = (150.0, 120.0, 60.0)
    days_shape: float = 2.0
    days_min: int = 5
    opening: tuple[float, float, float] = (0.45, 0.33, 0.22)
    successors: tuple[tuple[float, float, float], ...] = (
        (0.00, 0.55, 0.45),
        (0.50, 0.00, 0.50),
        (0.55, 0.45, 0.00),
    )


def simulate_regimes(
    bars: int, seed: Seed, parameters: RegimeParameters = RegimeParameters()
) -> Regimes:
    """Return the regime of each day.

    Args:
        bars: Days, >= 0.
        seed: Drawn from under the labels `days` and `regime`.
        parameters: How long regimes last and what follows them.

    Returns:
        Values of `Regime`, shape (bars,).

    Raises:
        ValueError: The probabilities of `parameters` do not sum to 1.
    """
    draw_days = seed.child("days").generator()
    draw_regime = seed.child("regime").generator()
    regimes = np.empty(bars, dtype=np.int64)
    begin, odds = 0, parameters.opening
    while begin < bars:
        regime = int(draw_regime.choice(len(Regime), p=odds))
        scale = parameters.days_mean[regime] / parameters.days_shape
        days = max(parameters.days_min, int(draw_days.gamma(parameters.days_shape, scale)))
        regimes[begin : begin + days] = regime
        begin, odds = begin + days, parameters.successors[regime]
    return regimes
