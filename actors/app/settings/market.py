"""The tables of the market: where prices come from, and over which days."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from actors.app.settings.fields import InstrumentName, Section, words
from actors.app.settings.instruments import POOLS
from actors.feeds import CsvSource
from actors.feeds.source import AGGREGATES, FROZEN, TIME_UNITS, UNITS
from arena.exceptions import ValidationError
from arena.market import DAY_S, Provenance
from arena.prices import GROUPS, UNIVERSES

STORE = "data"
"""Where a store lies, unless something else is said."""

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)
_DAY_SCHEMA = {
    "type": "string",
    "format": "date",
    "x-needed": f"a date from {FIRST_DAY} to {LAST_DAY}, without quotes",
}
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY), WithJsonSchema(_DAY_SCHEMA)]
Unit = Annotated[str, *words(UNITS)]


class SourceTable(Section):
    """One reading of a file, or of a series of the store: which columns of it the market gets."""

    path: str | None = Field(
        default=None,
        min_length=1,
        description="A `.csv` or `.csv.gz` file in UTF-8, or a `.parquet` file, relative to the "
        "config file. This or `store` is needed.",
    )
    store: str | None = Field(
        default=None,
        min_length=1,
        description="A series of the store, `source/symbol/kind/timeframe`, as `arena list-data` "
        "shows it: `binance/BTC/USDT/ohlcv/1d`.",
    )
    series: dict[str, str] = Field(
        min_length=1,
        description='Market column = file column: `{ "BTC.close" = "close" }`. A market column is '
        "`<instrument>.open`, `.high`, `.low`, `.close`, `.volume`, `.apr` or `.index`, or a "
        "feature such as `btc_mvrv`.",
    )
    time_column: str | None = Field(
        default=None,
        min_length=1,
        description="The file's column of stamps. Needed with `path`; the store knows its own.",
    )
    time_zone: str | None = Field(
        default=None,
        description="`UTC` or an IANA name: where a stamp without an offset was written. Needed "
        "with `path`.",
    )
    time_unit: Annotated[str, *words(TIME_UNITS)] | None = Field(
        default=None, description="Unit of integer stamps since 1970; left out for ISO 8601."
    )
    where: dict[str, str] = Field(
        default={},
        description="File column = the text it must hold; other rows are not this source's.",
    )
    unit: Unit | None = Field(
        default=None, description="Unit of rates and features in the file; a rate has no default."
    )
    units: dict[str, Unit] = Field(
        default={}, description="Market column = unit, where one column differs from `unit`."
    )
    lag_bars: int = Field(
        default=0,
        ge=0,
        le=366,
        description="Publication lag: the value of day t is known at the close of day t + lag.",
    )
    gaps: str = Field(
        default="reject",
        description="`reject`; `hold:N`: carry the last row over at most N missing bars; "
        "`hold:N,halt`: and then there is no bar, and no trade, until the data returns.",
    )
    frozen_rows: int = Field(
        default=0,
        ge=0,
        le=36_525,
        description="More than this many rows in succession that repeat the one before them are "
        "too many; 0 does not look.",
    )
    frozen: Annotated[str, *words(FROZEN)] = Field(
        default="reject",
        description="What becomes of too many rows that stand still: `reject` the file, or "
        "`halt`: they are no bars.",
    )
    aggregate: Annotated[str, *words(AGGREGATES)] | None = Field(
        default=None,
        description="How several rows a day become one: `sum` and `last` of what is stamped after "
        "the open of the day, up to and including its close; `ohlcv`: a bar out of shorter bars. "
        "Left out, there is one row a day.",
    )
    every_s: int | None = Field(
        default=None,
        ge=1,
        le=DAY_S - 1,
        description="For `sum` and `ohlcv`: seconds from row to row, such as 28800. A day without "
        "all of its rows is a gap.",
    )
    snap_s: int = Field(
        default=0,
        ge=0,
        le=DAY_S // 2,
        description="Seconds that a stamp may be off this grid; a fraction of a second never "
        "counts.",
    )
    not_before: str | None = Field(
        default=None,
        description='The first day that there can be a row for, as text: `"2023-01-27"`. A file '
        "that begins before the market existed was made up, and is refused.",
    )
    provenance: Literal["real", "resampled", "estimated", "synthetic"] | None = Field(
        default=None,
        description="Where the file's numbers come from; left out, `real`. The store has it on "
        "record. What is real and aggregated becomes `resampled`.",
    )

    def reading(self, base: Path, store: str = STORE) -> CsvSource:
        """Return the source with its path under `base`, or in the folder `store` there.

        Raises:
            ValidationError: Its values do not fit together.
        """
        given = self.model_dump(exclude={"path", "store"}) | {
            "provenance": Provenance(self.provenance or "real"),
            "not_before": _day(self.not_before),
            # A run that is carried out again has its settings from a text with sorted keys.
            "series": dict(sorted(self.series.items())),
        }
        if self.store is not None:
            self._check_no_file()
            from actors.feeds.stored import stored  # noqa: PLC0415 - needs an extra

            return stored(base / store, self.store, given)
        for key in ("path", "time_column", "time_zone"):
            if getattr(self, key) is None:
                raise ValidationError(key, found=None, needed=f"a text: {_ABOUT[key]}")
        return CsvSource(**given, path=base / str(self.path))

    def _check_no_file(self) -> None:
        for key in ("path", "time_column", "time_zone", "time_unit", "provenance"):
            found = getattr(self, key)
            if found is not None:
                needed = "nothing: a series of the store has its own"
                raise ValidationError(key, found=found, needed=needed)


_ABOUT = {
    "path": "a file, or store = a series of the store",
    "time_column": "the file's column of stamps",
    "time_zone": "UTC or an IANA name",
}


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        needed = "a date as text, such as 2023-01-27"
        raise ValidationError("not_before", found=text, needed=needed) from None


class MarketTable(Section):
    """Where prices come from, and over which days."""

    source: Literal["synthetic", "csv", "mixed"] = Field(
        default="synthetic",
        description="`synthetic`: all made from the seed. `csv`: all read from "
        "`[[market.sources]]`. `mixed`: read, and the pools of `generated` made.",
    )
    start: Day | None = Field(
        default=None,
        description="The first day that is settled. A synthetic market starts on 2020-01-01; "
        "files need it.",
    )
    end: Day | None = Field(
        default=None,
        description="The last day that may be settled; `run.days` can stop earlier.",
    )
    warmup_days: int = Field(
        default=120,
        ge=0,
        le=3_650,
        description="Days before `start` that agents see and do not trade.",
    )
    reference: InstrumentName | None = Field(
        default=None,
        description="The spot instrument whose bulls and bears the result tells apart; it changes "
        "nothing in the run. Left out, the first one by name.",
    )
    universe: Annotated[str, *words(UNIVERSES)] = Field(
        default="core",
        description="What a synthetic market holds, and what can be traded where no "
        "`[[instruments]]` are listed: `core`: coins and deposits. `full`: something of every "
        "kind.",
    )
    generated: tuple[Annotated[str, *words([*POOLS, *GROUPS])], ...] = Field(
        default=(),
        strict=False,
        description="`mixed` only: lending pools, and groups of series, that are made from the "
        "seed.",
    )
    store: str = Field(
        default=STORE,
        min_length=1,
        description="The folder of the store that `[[market.sources]]` can name series of, "
        "relative to the config file.",
    )
    sources: tuple[SourceTable, ...] = Field(
        default=(), strict=False, description="For `csv` and `mixed`."
    )

    @property
    def made_pools(self) -> tuple[str, ...]:
        """The lending pools of `generated`."""
        return tuple(name for name in self.generated if name in POOLS)

    @property
    def made_groups(self) -> tuple[str, ...]:
        """The groups of series that are made from the seed."""
        if self.source == "synthetic":
            return UNIVERSES[self.universe]
        return tuple(name for name in self.generated if name in GROUPS)
