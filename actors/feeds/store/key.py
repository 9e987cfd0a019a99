"""What a stored series is called: source, symbol, kind, timeframe.  No two share a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import quote

from arena.exceptions import ValidationError

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS

_UNIT_MS = {"m": MINUTE_MS, "h": 60 * MINUTE_MS, "d": DAY_MS}


class SeriesKind(StrEnum):
    """What the rows are.

    OHLCV is a bar of a market, FUNDING a rate settled at an instant, APY the yield of a pool, PRICE
    a price that is known at the close of its bar.
    """

    OHLCV = "ohlcv"
    FUNDING = "funding"
    APY = "apy"
    PRICE = "price"


def step_ms(timeframe: str) -> int:
    """Return the length of a bar in milliseconds.

    Args:
        timeframe: A whole number of minutes, hours or days: `1m`, `8h`, `1d`.

    Raises:
        ValidationError: It is not one of these.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,2})([mhd])", timeframe)
    if match is None:
        raise ValidationError(
            "timeframe", found=timeframe, needed="minutes, hours or days, such as 5m, 8h or 1d"
        )
    return int(match[1]) * _UNIT_MS[match[2]]


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """The name of one series.

    Attributes:
        source: Who has it: `binance`, `coingecko`, `defillama`; of a-z, 0-9, `-`, `_`.
        symbol: What it is called there: `BTC/USDT`, `bitcoin`, the id of a pool.
        kind: What the rows are.
        timeframe: Length of a bar, see `step_ms`.
    """

    source: str
    symbol: str
    kind: SeriesKind
    timeframe: str

    def __post_init__(self) -> None:
        """Check what becomes part of a path.

        Raises:
            ValidationError: A part is not what its attribute says.
        """
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", self.source):
            raise ValidationError(
                "source", found=self.source, needed="1 to 32 of a-z, 0-9, - and _"
            )
        if not (self.symbol.isprintable() and 1 <= len(self.symbol) <= 100):
            raise ValidationError("symbol", found=self.symbol, needed="1 to 100 printable letters")
        step_ms(self.timeframe)

    @property
    def step_ms(self) -> int:
        """Length of a bar in milliseconds."""
        return step_ms(self.timeframe)

    @property
    def path(self) -> PurePosixPath:
        """Where the series lies in a store: `binance/BTC%2FUSDT/ohlcv-1d.parquet`."""
        folder = quote(self.symbol, safe="").replace(".", "%2E")
        return PurePosixPath(self.source, folder, f"{self.kind}-{self.timeframe}.parquet")

    def __str__(self) -> str:
        """Return all four parts, for people."""
        return f"{self.source} {self.symbol} {self.kind} {self.timeframe}"
