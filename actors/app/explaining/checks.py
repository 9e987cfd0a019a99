"""Conditions held against facts: by what margin each one holds, and what would flip it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from arena.money import render_usd
from arena.rules import Condition, Rule
from arena.words import Metrics

NAMES: Mapping[str, str] = {
    "sharpe": "Sharpe",
    "win_rate": "days won",
    "total_return": "return",
    "life_age": "age since birth",
    "days_negative": "days below 0",
}
"""What people call a metric, where that is not its name in the rules."""

_DAYS = frozenset({"age", "life_age", "days_negative"})
_SHARES = frozenset({"win_rate", "volatility", "drawdown", "total_return"})
_WORDS = {">": "above", ">=": "at least", "<": "below", "<=": "at most"}
_OPPOSITE = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
_DIGITS_MAX = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition of a rule, and what was found.

    Attributes:
        metric: As rules name it.
        op: The comparison ...
        threshold: ... with this number.
        value: What was found; None where it was not defined yet.
        holds: Whether the condition holds.
        margin: How far the value is beyond the threshold, or how far it has to go; >= 0.
        flips_at: The nearest value with which the condition would say the opposite.
    """

    metric: str
    op: str
    threshold: float
    value: float | None
    holds: bool
    margin: float | None
    flips_at: float

    @property
    def closeness(self) -> float:
        """Return the margin beside the threshold, so that metrics can be compared."""
        if self.margin is None:
            return math.inf
        return self.margin / (abs(self.threshold) or 1.0)


def check(condition: Condition, metrics: Metrics) -> Check:
    """Hold `condition` against `metrics`."""
    value, holds, threshold = metrics[condition.metric], condition.holds(metrics), condition.value
    if condition.metric in _DAYS:
        near = (threshold, threshold - 1, threshold + 1)
    else:
        near = (
            threshold,
            math.nextafter(threshold, -math.inf),
            math.nextafter(threshold, math.inf),
        )
    flips_at = next(each for each in near if condition.holds({condition.metric: each}) != holds)
    bar = flips_at if condition.metric in _DAYS and not holds else threshold
    return Check(
        metric=condition.metric,
        op=condition.op,
        threshold=threshold,
        value=value,
        holds=holds,
        margin=None if value is None else abs(value - bar),
        flips_at=flips_at,
    )


def check_rule(rule: Rule, metrics: Metrics) -> tuple[Check, ...]:
    """Hold every condition of `rule` against `metrics`."""
    return tuple(check(condition, metrics) for condition in rule.all)


def flipped(metrics: Metrics, checks: Iterable[Check]) -> Metrics:
    """Return `metrics` with the nearest values that flip each of `checks`."""
    return {**metrics, **{each.metric: each.flips_at for each in checks}}


def closest(checks: Iterable[Check]) -> Check | None:
    """Return the check that is nearest to its threshold."""
    return min(checks, key=lambda each: each.closeness, default=None)


def name_of(metric: str) -> str:
    """Return what people call a metric."""
    return NAMES.get(metric, metric.replace("_", " "))


def say_value(one: Check) -> str:
    """Return what was found."""
    return "not known yet" if one.value is None else _say(one.metric, one.value, _digits(one))


def say_threshold(one: Check) -> str:
    """Return what it was compared with."""
    return f"{one.op} {_say(one.metric, one.threshold, _digits(one))}"


def say_margin(one: Check) -> str:
    """Return how far the value is from the threshold, in the metric's own unit."""
    if one.margin is None:
        return "altogether"
    if one.metric in _DAYS:
        return f"{one.margin:.0f} {'day' if one.margin == 1 else 'days'}"
    share = one.metric in _SHARES
    margin = one.margin * 100 if share else one.margin
    digits = 1 if share else 2
    while digits < _DIGITS_MAX and margin and not float(f"{margin:.{digits}f}"):
        digits += 1
    return f"{margin:.{digits}f}{' points' if share else ''}"


def say_flip(one: Check) -> str:
    """Return with which value the condition would have said the opposite."""
    op = _OPPOSITE[one.op] if one.holds else one.op
    threshold = _say(one.metric, one.threshold, _digits(one))
    if one.metric in _DAYS and op in {"<", ">"}:
        op, threshold = ("<=", ">=")[op == ">"], _say(one.metric, one.flips_at, 0)
    return f"{name_of(one.metric)} {_WORDS[op]} {threshold}"


def say_flips(checks: Sequence[Check]) -> str:
    """Return with which values all of `checks` would have said the opposite."""
    *most, last = (say_flip(one) for one in checks)
    return f"{', '.join(most)} and {last}" if most else last


def above(bar: float, other: float | None) -> str:
    """Return `bar` rounded up, with as many decimals as tell it from `other`."""
    digits = _apart(bar, other)
    text = f"{bar:.{digits}f}"
    return text if float(text) >= bar else f"{bar + 10.0**-digits:.{digits}f}"


def below(bar: float, other: float | None) -> str:
    """Return `bar` rounded down, with as many decimals as tell it from `other`."""
    digits = _apart(bar, other)
    text = f"{bar:.{digits}f}"
    return text if float(text) <= bar else f"{bar - 10.0**-digits:.{digits}f}"


def _apart(bar: float, other: float | None) -> int:
    digits = 4
    while other is not None and bar != other and f"{bar:.{digits}f}" == f"{other:.{digits}f}":
        digits += 1
    return digits


def usd(amount: int) -> str:
    """Return micro-USD to the cent, and exactly where that would be nothing."""
    return render_usd(round(amount, -4) or amount)


def _digits(one: Check) -> int:
    """Return as many decimals as it takes to tell the value from the threshold."""
    digits = 1 if one.metric in _SHARES else 2
    value, threshold = one.value, one.threshold
    while (
        value is not None
        and value != threshold
        and digits < _DIGITS_MAX
        and _say(one.metric, value, digits) == _say(one.metric, threshold, digits)
    ):
        digits += 1
    return digits


def _say(metric: str, value: float, digits: int) -> str:
    if metric in _DAYS:
        unit = "" if metric == "days_negative" else " day" if value == 1 else " days"
        return f"{value:g}{unit}"
    value = round(value, digits + 2) + 0.0  # No -0.0.
    return f"{value * 100:.{digits}f}%" if metric in _SHARES else f"{value:.{digits}f}"
