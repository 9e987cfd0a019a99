"""`CsvSource`: which columns of which file become which columns of the market.

A target column is named `<instrument>.<field>` or after a feature.  The field says what its numbers
must be: `open`, `high`, `low`, `close` are prices, `volume` is a daily sum, `index` is the accrual
index of a deposit, `apr` its rate.  Every other name is a feature and may be any finite number.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from arena.exceptions import ValidationError
from arena.market import Provenance

PRICES = ("open", "high", "low", "close")
TIME_UNITS: Mapping[str, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
HOLD_MAX = 366

UNITS: Mapping[str, tuple[str, float]] = {
    "USD": ("USD", 1.0),
    "USD/day": ("USD/day", 1.0),
    "index": ("index", 1.0),
    "ratio": ("ratio", 1.0),
    "fraction": ("1/year", 1.0),
    "percent": ("1/year", 100.0),
    "bps": ("1/year", 10_000.0),
}
"""A unit in a file -> the market's unit, and the divisor that leads to it."""

_FIXED = dict.fromkeys(PRICES, "USD") | {"volume": "USD/day", "index": "index", "apr": "1/year"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvSource:
    """One reading of one file.

    Attributes:
        path: A `.csv` or `.csv.gz` file in UTF-8.
        series: Target column -> the file's column: `{"BTC.close": "close"}`.
        time_column: The file's column of stamps: ISO 8601, or integers if `time_unit` is given.
        time_zone: `UTC` or an IANA name: where a stamp without an offset was written.
        time_unit: `s`, `ms`, `us` or `ns` since 1970; None for ISO 8601.
        where: The file's column -> the text it must hold; other rows are not this source's.
        unit: Unit of rates and features in the file, one of `UNITS`; a rate has no default.
        units: Target column -> unit, where one column differs from `unit`.
        lag_bars: Publication lag in bars, >= 0: the value of day t is known at t + lag.
        gaps: `reject`, or `hold:N`: carry the last row over at most N missing bars, N in 1..366.
            A held price bar opens and closes at the last close, with no volume.  A held index
            does not accrue, and catches up on the next bar that is there.
        frozen_rows: Refuse more than this many rows in succession that repeat the row before
            them in every mapped column; 0 does not look.
        provenance: Where the file's numbers come from.
    """

    path: str | os.PathLike[str]
    series: Mapping[str, str]
    time_column: str
    time_zone: str
    time_unit: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    lag_bars: int = 0
    gaps: str = "reject"
    frozen_rows: int = 0
    provenance: Provenance = Provenance.REAL

    def __post_init__(self) -> None:
        """Check what can be checked without the file.

        Raises:
            ValidationError: A value is not one of those above; the field is named.
        """
        _check(bool(self.series), "series", self.series, "at least one target column")
        _check(_is_zone(self.time_zone), "time_zone", self.time_zone, "UTC or an IANA name")
        _check(
            self.time_unit is None or self.time_unit in TIME_UNITS,
            "time_unit",
            self.time_unit,
            f"one of {', '.join(TIME_UNITS)}",
        )
        _check(self.lag_bars >= 0, "lag_bars", self.lag_bars, "0 or more")
        _check(self.frozen_rows >= 0, "frozen_rows", self.frozen_rows, "0 or more")
        _check(
            _is_gap_policy(self.gaps), "gaps", self.gaps, f"reject, or hold:1 to hold:{HOLD_MAX}"
        )
        strangers = sorted(set(self.units) - set(self.series))
        _check(not strangers, "units", strangers, f"names out of series: {', '.join(self.series)}")
        for target in self.series:
            self._check_target(target)

    @property
    def name(self) -> str:
        """The file's path as text, as messages show it."""
        return os.fspath(self.path)

    @property
    def hold_bars(self) -> int:
        """How many missing bars in succession may be carried over; 0 for `reject`."""
        return 0 if self.gaps == "reject" else int(self.gaps.removeprefix("hold:"))

    @property
    def is_bar(self) -> bool:
        """Whether rows are price bars, which must open at 00:00 UTC, rather than samples."""
        return any(field_of(target) in PRICES for target in self.series)

    def unit_of(self, target: str) -> str:
        """Return the unit of `target` in the file, one of `UNITS`."""
        kind = field_of(target)
        default = None if kind == "apr" else _FIXED.get(kind)
        fallback = "" if kind == "apr" else "ratio"
        return self.units.get(target) or default or self.unit or fallback

    def _check_target(self, target: str) -> None:
        kind, unit = field_of(target), self.unit_of(target)
        fixed = _FIXED.get(kind)
        accepted = [name for name, (to, _) in UNITS.items() if fixed is None or to == fixed]
        _check(unit in accepted, f"unit of {target}", unit or None, f"one of {', '.join(accepted)}")
        _check(
            self.lag_bars == 0 or kind not in (*PRICES, "index"),
            "lag_bars",
            self.lag_bars,
            f"0, since {target} is traded at: only features and rates are published late",
        )
        closes = f"{target.rpartition('.')[0]}.close"
        _check(
            self.hold_bars == 0 or kind not in PRICES or closes in self.series,
            "gaps",
            self.gaps,
            f"reject, or {closes} in series: a missing bar is held at the last close",
        )


def field_of(target: str) -> str:
    """Return the part after the last dot: `close` for `BTC.close`; empty for a feature."""
    return target.rpartition(".")[2] if "." in target else ""


def _check(good: bool, name: str, found: object, needed: str) -> None:  # noqa: FBT001 - a verdict
    if not good:
        raise ValidationError(name, found=found, needed=needed)


def _is_zone(name: str) -> bool:
    try:
        return name == "UTC" or ZoneInfo(name).key == name
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _is_gap_policy(text: str) -> bool:
    match = re.fullmatch(r"hold:([0-9]{1,3})", text)
    return text == "reject" or (match is not None and 1 <= int(match[1]) <= HOLD_MAX)
