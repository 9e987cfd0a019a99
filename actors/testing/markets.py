"""Markets for tests: a few days of a few prices, drawn with a ruler.

Day 1 is the first that is settled; the days before it, as many as `warmup`, are seen and not
traded.  Every series is labelled `synthetic` and names the builder that drew it; what is read from
files is what the files say.  Markets of the same days can be added: `trend("BTC") + flat("ETH")`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import numpy as np

from actors.app.settings.instruments import core_instruments, full_instruments
from actors.feeds import CsvSource, assemble, merge, read_csv
from actors.feeds.synthetic import load_synthetic
from actors.runtime import WallClock
from arena.exceptions import ValidationError
from arena.instruments import Instrument, Kind, accrue_linear
from arena.instruments.derive import derive
from arena.market import DAY_S, Floats, Market, Provenance, Series
from arena.seed import Seed

FIRST_DAY = date(2020, 1, 1)
"""Day 1 of the markets that are drawn."""

VOLUME = 1e9
"""What is traded of each coin in a day, USD: enough for every order of a test."""

DAYS, WARMUP = 60, 30

Days: TypeAlias = Floats
"""The number of each day of the market: from 1 - warmup, through 1, to days."""


@dataclass(frozen=True, slots=True)
class DailyMarket:
    """A market, and what of it can be held.

    Attributes:
        market: All bars, warm-up included.
        warmup: How many of them are seen and not traded.
        instruments: What can be held.
    """

    market: Market
    warmup: int
    instruments: tuple[Instrument, ...]

    @property
    def days(self) -> int:
        """How many days can be settled."""
        return len(self.market) - self.warmup

    def __add__(self, other: DailyMarket) -> DailyMarket:
        """Return both in one market.

        Raises:
            ValidationError: They have other days, or a column in common.
        """
        if self.warmup != other.warmup:
            needed = f"{self.warmup}, as in the other"
            raise ValidationError("warmup", found=other.warmup, needed=needed)
        both = (*self.instruments, *other.instruments)
        return DailyMarket(merge([self.market, other.market]), self.warmup, both)

    def offering(self, *instruments: Instrument) -> DailyMarket:
        """Return the market with more that can be held, derived from what it has.

        Raises:
            ValidationError: A base series is missing; the message names it.
        """
        offered = {one.name: one for one in (*self.instruments, *instruments)}
        return DailyMarket(derive(self.market, offered), self.warmup, (*offered.values(),))


def flat(*names: str, price: float = 100.0, days: int = DAYS, warmup: int = WARMUP) -> DailyMarket:
    """Return coins whose price never moves.

    Args:
        names: Of the coins; BTC where there is none.
        price: USD.
        days: Days that can be settled.
        warmup: Days before them.
    """

    def closes(day: Days) -> Floats:
        return np.full_like(day, price)

    return _drawn("flat", names, closes, closes, days=days, warmup=warmup)


def trend(
    *names: str,
    daily: float = 0.01,
    price: float = 100.0,
    days: int = DAYS,
    warmup: int = WARMUP,
) -> DailyMarket:
    """Return coins whose price moves by the same fraction every day, in the warm-up as well.

    Args:
        names: Of the coins; BTC where there is none.
        daily: The fraction, above -1; below 0 it falls.
        price: At the open of day 1, USD.
        days: Days that can be settled.
        warmup: Days before them.
    """

    def closes(day: Days) -> Floats:
        path: Floats = price * (1.0 + daily) ** day
        return path

    return _drawn("trend", names, lambda day: closes(day - 1), closes, days=days, warmup=warmup)


def crash(  # a shape, and what every builder takes
    *names: str,
    fall: float = 0.5,
    on: int = 30,
    price: float = 100.0,
    days: int = DAYS,
    warmup: int = WARMUP,
) -> DailyMarket:
    """Return coins that lose a part of their price within one day, and never regain it.

    Args:
        names: Of the coins; BTC where there is none.
        fall: The part, in [0, 1).
        on: The day: it opens at the old price and closes at the new one.
        price: Before, USD.
        days: Days that can be settled.
        warmup: Days before them.
    """

    def closes(day: Days) -> Floats:
        return np.where(day < on, price, price * (1.0 - fall))

    return _drawn("crash", names, lambda day: closes(day - 1), closes, days=days, warmup=warmup)


def gap(  # a shape, and what every builder takes
    *names: str,
    jump: float = -0.3,
    on: int = 30,
    price: float = 100.0,
    days: int = DAYS,
    warmup: int = WARMUP,
) -> DailyMarket:
    """Return coins whose price jumps between two days: nobody can trade on the way.

    Args:
        names: Of the coins; BTC where there is none.
        jump: By which fraction, above -1.
        on: The day that opens at the new price.
        price: Before, USD.
        days: Days that can be settled.
        warmup: Days before them.
    """

    def closes(day: Days) -> Floats:
        return np.where(day < on, price, price * (1.0 + jump))

    return _drawn("gap", names, closes, closes, days=days, warmup=warmup)


def deposit(*names: str, apr: float = 0.05, days: int = DAYS, warmup: int = WARMUP) -> DailyMarket:
    """Return deposits that earn a constant rate.

    Args:
        names: Of the deposits; aave where there is none.
        apr: The rate, a fraction per year.
        days: Days that can be settled.
        warmup: Days before them.
    """
    names = names or ("aave",)
    opens, closes = accrue_linear(np.full(warmup + days, apr), periods_per_year=365)
    rates = np.full(warmup + days, apr)
    columns: dict[str, tuple[str, Floats]] = {}
    for name in names:
        columns |= {
            f"{name}.open": ("index", opens),
            f"{name}.close": ("index", closes),
            f"{name}.apr": ("1/year", rates),
        }
    return made(columns, "deposit", first=FIRST_DAY, warmup=warmup)


def synthetic(
    *, days: int = DAYS, warmup: int = 120, seed: int = 7, universe: str = "core"
) -> DailyMarket:
    """Return the market that a run draws from its seed: every built-in strategy can live in it.

    Args:
        days: Days that can be settled.
        warmup: Days before them.
        seed: Of the market.
        universe: `core` or `full`, as `market.universe`.
    """
    market = load_synthetic(
        days=days,
        warmup_days=warmup,
        seed=Seed(seed).child("market"),
        start=FIRST_DAY,
        universe=universe,
    )
    tables = full_instruments() if universe == "full" else core_instruments()
    instruments = {table.name: table.instrument() for table in tables}
    return DailyMarket(derive(market, instruments), warmup, (*instruments.values(),))


def from_csv(*sources: CsvSource, start: date, days: int, warmup: int = 0) -> DailyMarket:
    """Return what files say, with the provenance that they have.

    Args:
        sources: What to read; `CsvSource` says which column of a file is which of the market.
        start: The first day that is settled.
        days: How many are settled.
        warmup: Days before `start`.

    Raises:
        DataError: Files cannot be used; all problems found are listed.
    """
    tables = read_csv(
        sources,
        start=start - timedelta(days=warmup),
        end=start + timedelta(days=days - 1),
        not_after=WallClock().stamp() + timedelta(days=1),
    )
    market = assemble(tables)
    return DailyMarket(market, warmup, (*instruments_in(market.series),))


Columns: TypeAlias = Mapping[str, tuple[str, Floats]]
"""Name of a column -> its unit, and a number for each day."""


def made(columns: Columns, origin: str, *, first: date, warmup: int) -> DailyMarket:
    """Return a market of columns that somebody made up.

    Args:
        columns: In their order, all of the same length.
        origin: Who made them up.
        first: Day 1.
        warmup: How many days stand before it.

    Raises:
        ValidationError: Lengths differ, or nothing is left to settle.
    """
    series = tuple(
        Series(name, unit, Provenance.SYNTHETIC, origin) for name, (unit, _) in columns.items()
    )
    values = np.column_stack([values for _, values in columns.values()])
    if len(values) <= warmup:
        needed = f"more than the {warmup} days of the warm-up"
        raise ValidationError("market", found=f"{len(values)} days", needed=needed)
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    opens_at = int(midnight.timestamp()) + DAY_S * np.arange(-warmup, len(values) - warmup)
    return DailyMarket(
        Market(opens_at=opens_at.astype(np.int64), series=series, values=values),
        warmup,
        (*instruments_in(series),),
    )


def instruments_in(series: Iterable[Series]) -> Iterable[Instrument]:
    """Yield a coin for each `<name>.close` in USD, and a deposit for each that is an index."""
    for one in series:
        name, _, field = one.name.rpartition(".")
        if field == "close" and one.unit == "index":
            yield Instrument(name, Kind.LENDING, name)
        elif field == "close":
            yield Instrument(name, Kind.SPOT)


def _drawn(
    origin: str,
    names: tuple[str, ...],
    opens: Callable[[Days], Floats],
    closes: Callable[[Days], Floats],
    *,
    days: int,
    warmup: int,
) -> DailyMarket:
    """Return coins whose opens and closes are functions of the number of the day."""
    day = np.arange(1 - warmup, days + 1, dtype=np.float64)
    columns: dict[str, tuple[str, Floats]] = {}
    for name in names or ("BTC",):
        columns |= coin(name, opens(day), closes(day))
    return made(columns, origin, first=FIRST_DAY, warmup=warmup)


def coin(name: str, opens: Floats, closes: Floats) -> Columns:
    """Return the columns of a coin that moves in a straight line from open to close."""
    volume = np.where(np.isnan(closes), np.nan, VOLUME)
    return {
        f"{name}.open": ("USD", opens),
        f"{name}.high": ("USD", np.maximum(opens, closes)),
        f"{name}.low": ("USD", np.minimum(opens, closes)),
        f"{name}.close": ("USD", closes),
        f"{name}.volume": ("USD/day", volume),
    }
