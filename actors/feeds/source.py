"""`CsvSource`: which columns of which file become which columns of the market.

A target column is named `<instrument>.<field>` or after a feature.  The field says what its numbers
must be: `open`, `high`, `low`, `close` are prices, `volume` is a daily sum, `index` is the accrual
index of a deposit, `apr` its rate, `funding` what a long perpetual pays in a day, `iv` an implied
volatility.  Every other name is a feature and may be any finite number.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from arena.exceptions import ValidationError
from arena.market import DAY_S, Provenance

PRICES = ("open", "high", "low", "close")
TIME_UNITS: Mapping[str, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
HOLD_MAX = 366

AGGREGATES = ("sum", "last", "ohlcv")
"""How several rows a day become one: added up, the last one, or one bar out of shorter ones."""

FROZEN = ("reject", "halt")
"""What may be done about a price that stands still for too long."""

UNITS: Mapping[str, tuple[str, float]] = {
    "USD": ("USD", 1.0),
    "USD/day": ("USD/day", 1.0),
    "index": ("index", 1.0),
    "ratio": ("ratio", 1.0),
    "fraction": ("1/year", 1.0),
    "percent": ("1/year", 100.0),
    "bps": ("1/year", 10_000.0),
    "base/day": ("USD/day", 1.0),
    "flag": ("flag", 1.0),
    "gwei": ("gwei", 1.0),
    "fraction/settlement": ("1/day", 1.0),
    "percent/settlement": ("1/day", 100.0),
    "fraction/day": ("1/day", 1.0),
}
"""A unit in a file -> the market's unit, and the divisor that leads to it.  A volume in `base/day`,
units of the asset, is multiplied by the close of its bar."""

_OF_RATIO: Mapping[str, tuple[str, float]] = {
    "ratio": ("ratio", 1.0),
    "percent": ("ratio", 100.0),
    "bps": ("ratio", 10_000.0),
}
"""The same for a share that is no rate per year, such as an implied volatility."""

_FIXED = dict.fromkeys(PRICES, "USD") | {
    "volume": "USD/day",
    "tvl": "USD",
    "index": "index",
    "apr": "1/year",
    "staking_apr": "1/year",
    "funding": "1/day",
    "iv": "ratio",
    "venue_spread": "ratio",
    "expires": "flag",
}
_TO_BE_SAID = frozenset({"apr", "staking_apr", "funding", "iv", "venue_spread"})
"""Fields whose unit in the file has no default: a factor of 100 is easily mistaken."""

_TRADED = (*PRICES, "index")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvSource:
    """One reading of one file.

    Attributes:
        path: A `.csv` or `.csv.gz` file in UTF-8, or a `.parquet` file.
        series: Target column -> the file's column: `{"BTC.close": "close"}`.
        time_column: The file's column of stamps: ISO 8601, or integers if `time_unit` is given.
        time_zone: `UTC` or an IANA name: where a stamp without an offset was written.
        time_unit: `s`, `ms`, `us` or `ns` since 1970; None for ISO 8601.
        where: The file's column -> the text it must hold; other rows are not this source's.
        unit: Unit of rates and features in the file, one of `UNITS`; a rate has no default.
        units: Target column -> unit, where one column differs from `unit`.
        lag_bars: Publication lag in bars, >= 0: the value of day t is known at t + lag.
        gaps: `reject`; `hold:N`: carry the last row over at most N missing bars, N in 1..366;
            `hold:N,halt`: and from then on there is no bar until rows are there again; `halt`: at
            once.  A row whose mapped cells are all empty is no row.
            A held price bar opens and closes at the last close, with no volume.  A held index
            does not accrue, and catches up on the next bar that is there.
        frozen_rows: More than this many rows in succession that repeat the row before them in
            every mapped column are too many; 0 does not look.
        frozen: What is done about them: `reject` the file, or `halt`: such rows are no bars.
        aggregate: How several rows a day become its bar; None if there is one row a day.
            `sum`: of all after the open of the day, up to and including its close.  `last`: the
            last one of them.  `ohlcv`: a bar out of shorter bars, stamped with their opens.
        every_s: For `sum` and `ohlcv`: seconds from row to row, a divisor of a day above 0.  A day
            that does not have all of its rows is missing.
        snap_s: Seconds that a stamp may be off this grid, below half of `every_s`.
        not_before: The day on which there can be a first row: earlier ones were made up.
        origin: What people call the series, if not by its file.
        provenance: Where the file's numbers come from; `real` ones that are aggregated become
            `resampled`.
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
    frozen: str = "reject"
    aggregate: str | None = None
    every_s: int | None = None
    snap_s: int = 0
    not_before: date | None = None
    origin: str = ""
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
        policies = f"reject, or hold:1 to hold:{HOLD_MAX}, with or without ,halt behind it, or halt"
        _check(_is_gap_policy(self.gaps), "gaps", self.gaps, policies)
        _check(self.frozen in FROZEN, "frozen", self.frozen, f"one of {', '.join(FROZEN)}")
        self._check_grid()
        strangers = sorted(set(self.units) - set(self.series))
        _check(not strangers, "units", strangers, f"names out of series: {', '.join(self.series)}")
        for target in self.series:
            self._check_target(target)

    @property
    def name(self) -> str:
        """The file's path as text, as messages show it."""
        return os.fspath(self.path)

    @property
    def label(self) -> str:
        """What people call the series: its origin, or else its file."""
        return self.origin or self.name

    @property
    def hold_bars(self) -> int:
        """How many missing bars in succession may be carried over; 0 for `reject`."""
        hold = re.match(r"hold:([0-9]+)", self.gaps)
        return int(hold[1]) if hold else 0

    @property
    def halts(self) -> bool:
        """Whether a longer gap is no bar, rather than a reason to refuse the file."""
        return self.gaps.endswith("halt")

    @property
    def is_bar(self) -> bool:
        """Whether rows are price bars, which must open on the grid, rather than samples."""
        return any(field_of(target) in PRICES for target in self.series)

    def provenance_of(self, target: str) -> Provenance:
        """Return where the market's numbers of `target` come from."""
        if self.provenance not in {Provenance.REAL, Provenance.RESAMPLED}:
            return self.provenance
        if self.unit_of(target) == "base/day":
            return Provenance.ESTIMATED
        return self.provenance if self.aggregate is None else Provenance.RESAMPLED

    def unit_of(self, target: str) -> str:
        """Return the unit of `target` in the file, one of `UNITS`."""
        kind = field_of(target)
        default = None if kind in _TO_BE_SAID else _FIXED.get(kind)
        fallback = "" if kind in _TO_BE_SAID else "ratio"
        return self.units.get(target) or default or self.unit or fallback

    def scale_of(self, target: str) -> tuple[str, float]:
        """Return the unit of `target` in the market, and the divisor that leads to it."""
        return _scales(field_of(target))[self.unit_of(target)]

    def _check_grid(self) -> None:
        is_known = self.aggregate is None or self.aggregate in AGGREGATES
        _check(is_known, "aggregate", self.aggregate, f"one of {', '.join(AGGREGATES)}")
        every = self.every_s
        if self.aggregate in {"sum", "ohlcv"}:
            good = every is not None and 0 < every < DAY_S and DAY_S % every == 0
            _check(good, "every_s", every, f"a divisor of {DAY_S}, since rows are added up")
        else:
            _check(every is None, "every_s", every, "none: only sum and ohlcv have a grid")
        most = ((every or 1) - 1) // 2
        _check(0 <= self.snap_s <= most, "snap_s", self.snap_s, f"0 to {most}")

    def _check_target(self, target: str) -> None:
        kind, unit = field_of(target), self.unit_of(target)
        accepted = [name for name in _scales(kind) if self._fits(kind, name)]
        _check(unit in accepted, f"unit of {target}", unit or None, f"one of {', '.join(accepted)}")
        _check(
            self.lag_bars == 0 or kind not in _TRADED,
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
        _check(
            unit != "base/day" or closes in self.series,
            f"unit of {target}",
            unit,
            f"USD/day, or {closes} in series to multiply by",
        )
        is_part = kind in (*PRICES, "volume")
        wrong = {"sum": is_part or kind in {"index", "apr"}, "last": is_part, "ohlcv": not is_part}
        _check(
            not wrong.get(self.aggregate or "", False),
            "aggregate",
            self.aggregate,
            f"another way for {target}: ohlcv is for prices and volume, sum for amounts",
        )

    def _fits(self, kind: str, unit: str) -> bool:
        """Whether `unit` can be that of rows which are added up, or of those which are not."""
        is_sum = self.aggregate == "sum"
        return kind != "funding" or unit.endswith("/settlement") == is_sum


def _scales(kind: str) -> Mapping[str, tuple[str, float]]:
    """Return the units that a field can have in a file."""
    fixed = _FIXED.get(kind)
    if fixed == "ratio":
        return _OF_RATIO
    return {name: scale for name, scale in UNITS.items() if fixed in {None, scale[0]}}


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
    match = re.fullmatch(r"hold:([0-9]{1,3})(,halt)?", text)
    return text in {"reject", "halt"} or (match is not None and 1 <= int(match[1]) <= HOLD_MAX)
