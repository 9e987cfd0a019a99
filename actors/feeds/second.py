"""A second source of the same series: where the two cannot both be right.

What is shifted is apart everywhere, so a shift is looked for first.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from actors.feeds.problems import Problem
from actors.feeds.samples import Samples
from actors.feeds.source import PRICES, field_of
from arena.market import Floats

COMMON_MIN = 10
"""Fewer rows in common say nothing."""

_Rows: TypeAlias = npt.NDArray[np.intp]


def compare(
    samples: Samples, second: Samples, *, apart_max: float, lag_max: int
) -> Iterator[Problem]:
    """Yield where the two disagree, of the targets that both have.

    Of bars of different lengths only the opens are compared.

    Args:
        samples: The series that is looked at.
        second: Another source of it.
        apart_max: How far prices may be apart, as a fraction.
        lag_max: Rows of the finer source by which the series is shifted, to look for a better fit.
    """
    met, same = len(_meet(samples, second, 0)[0]), samples.step_s == second.step_s
    if met < COMMON_MIN:
        needed = f"at least {COMMON_MIN} to compare with {second.source.name}"
        yield samples.problem(0, next(iter(samples.source.series)), f"{met} rows in common", needed)
        return
    for target in samples.source.series:
        kind = field_of(target)
        is_alike = kind != "volume" and (same or kind not in {"high", "low", "close"})
        if is_alike and target in second.source.series:
            shift = [*_check_lag(samples, second, target, lag_max)]
            yield from shift or _check_apart(samples, second, target, apart_max)


def _check_lag(samples: Samples, second: Samples, target: str, most: int) -> Iterator[Problem]:
    """Find the shift under which the two series agree best; it should be none."""
    step = min(samples.step_s, second.step_s) or 1
    apart = {lag: _spread(samples, second, target, lag * step) for lag in range(-most, most + 1)}
    known = {lag: spread for lag, spread in apart.items() if np.isfinite(spread)}
    best = min(known, key=lambda lag: (known[lag], abs(lag)))
    if best != 0 and known[best] < known[0] / 2:
        found = f"a series that fits {second.source.name} best when it is moved by {best * step} s"
        needed = f"no shift: apart by {known[0]:.2e} as it is, by {known[best]:.2e} when moved"
        yield samples.problem(0, target, found, needed)


def _spread(samples: Samples, second: Samples, target: str, shift_s: int) -> float:
    """Return the standard deviation of how far the two are apart; NaN where they hardly meet."""
    rows, others = _meet(samples, second, shift_s)
    if len(rows) < COMMON_MIN:
        return float("nan")
    return float(
        np.std(_apart(samples.column(target)[rows], second.column(target)[others], target))
    )


def _check_apart(samples: Samples, second: Samples, target: str, most: float) -> Iterator[Problem]:
    if field_of(target) not in (*PRICES, "index"):
        return
    rows, others = _meet(samples, second, 0)
    apart = _apart(samples.column(target)[rows], second.column(target)[others], target)
    usual = float(np.median(apart))
    if abs(usual) > log(1 + most):
        found = f"{np.expm1(usual):+.1%} of {second.source.name} in the median"
        yield samples.problem(int(rows[0]), target, found, "the same asset in the same unit")
        return
    for at in np.flatnonzero(np.abs(apart - usual) > log(1 + most)):
        told = second.column(target)[others[at]]
        needed = f"within {most:.1%} of the {told:g} in {second.source.name}"
        row = int(rows[at])
        yield samples.problem(row, target, f"{samples.column(target)[row]:g}", needed)


def _meet(samples: Samples, second: Samples, shift_s: int) -> tuple[_Rows, _Rows]:
    """Return the rows of the two that stand at the same instants."""
    _, rows, others = np.intersect1d(
        samples.times + shift_s, second.times, assume_unique=True, return_indices=True
    )
    return rows, others


def _apart(one: Floats, other: Floats, target: str) -> Floats:
    return np.log(one / other) if field_of(target) in (*PRICES, "index") else one - other
