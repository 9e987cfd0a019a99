"""The data-quality gate: what a series cannot be if it is what it says it is.

Reading refuses what no row may be: times out of order or twice, a bar whose close is above its
high.  The gate looks at whole series: prices that stand still or jump, closes that are snapshots,
numbers that were drawn around a mean, and what a second source says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np

from actors.feeds.problems import Problem
from actors.feeds.samples import Samples
from actors.feeds.second import compare
from actors.feeds.source import PRICES, field_of
from arena.market import Floats

ROWS_MIN = 100
"""Fewer rows say too little about a series as a whole."""

NOISE_OF_PRICES, NOISE_OF_RATES = -0.25, -0.45
"""First-difference autocorrelation below which numbers are noise around a slow mean: that is -0.5.
Of real daily prices it is about -0.05, of real lending rates down to -0.42 (`shared/data`)."""

_RATES = ("apr", "staking_apr", "iv", "tvl")
_WINDOW = 10
_SNAPSHOT, _SNAPSHOT_OF_MOVE = 0.005, 0.25
"""How far closes may be from the next open: as a fraction, and of what a bar moves.  A young, thin
market misses the first now and then; a snapshot at noon is off by 0.7 of what a day moves."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What is still believed.

    Attributes:
        jump_max: A price may change by this factor from row to row; above 1.
        stale_max: Rows in succession that may repeat the prices of the row before.
        apart_max: How far two sources may be apart, as a fraction of the price, above 0, beyond
            what they are apart as a rule.
        lag_max: How many rows of the finer source a series is shifted to look for a better match.
    """

    jump_max: float = 2.0
    stale_max: int = 3
    apart_max: float = 0.05
    lag_max: int = 12

    def check(self, samples: Samples) -> Iterator[Problem]:
        """Yield what is wrong with a series by itself."""
        yield from _check_steps(samples)
        yield from _check_stale(samples, self.stale_max)
        for target in samples.source.series:
            yield from _check_jumps(samples, target, self.jump_max)
            yield from _check_noise(samples, target)
            yield from _check_closes(samples, target)

    def compare(self, samples: Samples, second: Samples) -> Iterator[Problem]:
        """Yield where a series and a second source of it cannot both be right."""
        yield from compare(samples, second, apart_max=self.apart_max, lag_max=self.lag_max)


def _check_steps(samples: Samples) -> Iterator[Problem]:
    target, usual = next(iter(samples.source.series)), samples.step_s
    for row in np.flatnonzero(np.diff(samples.times) < usual) + 1:
        step = int(samples.times[row] - samples.times[row - 1])
        yield samples.problem(
            int(row), target, f"a row {step} s after the one before", f"{usual} s, as elsewhere"
        )


def _check_stale(samples: Samples, most: int) -> Iterator[Problem]:
    prices = [target for target in samples.source.series if field_of(target) in PRICES]
    if not prices:
        return
    values = np.column_stack([samples.column(target) for target in prices])
    run = 0
    for row, same in enumerate(np.all(values[1:] == values[:-1], axis=1).tolist(), start=1):
        run = run + 1 if same else 0
        if run == most + 1:
            needed = f"at most {most} rows in succession with the prices of the row before"
            yield samples.problem(row, prices[-1], values[row, -1], needed)


def _check_jumps(samples: Samples, target: str, most: float) -> Iterator[Problem]:
    if field_of(target) not in (*PRICES, "index"):
        return
    values = samples.column(target)
    for row in np.flatnonzero(np.abs(np.diff(np.log(values))) > log(most)) + 1:
        needed = f"within a factor of {most:g} of the {values[row - 1]:g} before"
        yield samples.problem(int(row), target, f"{values[row]:g}", needed)


def _check_noise(samples: Samples, target: str) -> Iterator[Problem]:
    kind, values = field_of(target), samples.column(target)
    if len(values) < ROWS_MIN or kind not in {"close", *_RATES}:
        return
    limit = NOISE_OF_RATES if kind in _RATES else NOISE_OF_PRICES
    found = autocorrelation(np.diff(values if kind in _RATES else np.log(values)))
    if found < limit:
        needed = f"above {limit}: about -0.5 is noise drawn around a mean, not a market"
        said = f"autocorrelation of first differences {found:.2f}"
        yield samples.problem(len(values) - 1, target, said, needed)


def _check_closes(samples: Samples, target: str) -> Iterator[Problem]:
    """A market that never closes opens where it closed: else the closes were taken earlier."""
    opens = f"{target.rpartition('.')[0]}.open"
    if field_of(target) != "close" or opens not in samples.source.series:
        return
    first, last = samples.column(opens), samples.column(target)
    whole = np.diff(samples.times) == samples.step_s
    apart = np.where(whole, np.abs(np.log(first[1:] / last[:-1])), 0.0)
    if len(apart) < _WINDOW:
        return
    typical, moves = _medians(apart), _medians(np.abs(np.log(last / first))[:-1])
    wrong = np.flatnonzero((typical > _SNAPSHOT) & (typical > moves * _SNAPSHOT_OF_MOVE))
    if len(wrong):
        row = int(wrong[0])
        found = f"closes {typical[row]:.2%} away from the next open, over {_WINDOW} rows from here"
        needed = f"at most {_SNAPSHOT:.2%} in the median: these closes are snapshots of the day"
        yield samples.problem(row, target, found, needed)


def _medians(values: Floats) -> Floats:
    """Return the median of each `_WINDOW` successive values."""
    windows = np.lib.stride_tricks.sliding_window_view(values, _WINDOW)
    medians: Floats = np.median(windows, axis=1)
    return medians


def autocorrelation(values: Floats) -> float:
    """Return the correlation of each value with the next one; 0 where nothing varies."""
    apart = values - np.mean(values) if len(values) else values
    whole = float(np.sum(apart * apart))
    return float(np.sum(apart[1:] * apart[:-1])) / whole if whole else 0.0
