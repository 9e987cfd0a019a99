"""The tables of the market: where prices come from, over which days, and what can be held."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from actors.app.settings.fields import InstrumentName, Section, words
from actors.feeds import CsvSource
from actors.feeds.source import TIME_UNITS, UNITS
from arena.instruments import Instrument, Kind
from arena.market import Provenance
from arena.prices import MarketParameters

_PARAMETERS = MarketParameters()
_RATES = _PARAMETERS.rates
POOLS = sorted([p.name for p in _RATES.floating] + [p.name for p in _RATES.fixed])
ASSETS = [asset.name for asset in _PARAMETERS.spot.assets]

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)
_DAY_SCHEMA = {
    "type": "string",
    "format": "date",
    "x-needed": f"a date from {FIRST_DAY} to {LAST_DAY}, without quotes",
}
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY), WithJsonSchema(_DAY_SCHEMA)]
Unit = Annotated[str, *words(UNITS)]


class SourceTable(Section):
    """One reading of one CSV file: which of its columns become which columns of the market."""

    path: str = Field(
        min_length=1,
        description="A `.csv` or `.csv.gz` file in UTF-8, relative to the config file.",
    )
    series: dict[str, str] = Field(
        min_length=1,
        description='Market column = file column: `{ "BTC.close" = "close" }`. A market column is '
        "`<instrument>.open`, `.high`, `.low`, `.close`, `.volume`, `.apr` or `.index`, or a "
        "feature such as `btc_mvrv`.",
    )
    time_column: str = Field(min_length=1, description="The file's column of stamps.")
    time_zone: str = Field(
        description="`UTC` or an IANA name: where a stamp without an offset was written."
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
        description="`reject`, or `hold:N`: carry the last row over at most N missing bars.",
    )
    frozen_rows: int = Field(
        default=0,
        ge=0,
        le=36_525,
        description="Refuse more than this many rows in succession that repeat the one before "
        "them; 0 does not look.",
    )
    provenance: Literal["real", "resampled", "estimated", "synthetic"] = Field(
        default="real", description="Where the file's numbers come from."
    )

    def reading(self, base: Path) -> CsvSource:
        """Return the source with its path under `base`.

        Raises:
            ValidationError: Its values do not fit together.
        """
        given = self.model_dump() | {
            "path": base / self.path,
            "provenance": Provenance(self.provenance),
        }
        return CsvSource(**given)


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
    generated: tuple[Annotated[str, *words(POOLS)], ...] = Field(
        default=(),
        strict=False,
        description="`mixed` only: lending pools whose rates are made from the seed.",
    )
    sources: tuple[SourceTable, ...] = Field(
        default=(), strict=False, description="For `csv` and `mixed`."
    )


class InstrumentTable(Section):
    """Something that can be held."""

    name: InstrumentName = Field(
        description="Its columns are `<name>.open` and `<name>.close`, and `<name>.apr` for "
        "lending."
    )
    kind: Literal["spot", "lending"] = Field(
        description="`spot` pays fee and slippage, `lending` gas only."
    )
    protocol: InstrumentName | None = Field(
        default=None,
        description="Whose contract holds a deposit, for the limit per protocol; left out, the "
        "instrument's name. Spot has none.",
    )

    def instrument(self) -> Instrument:
        """Return it as the arena knows it."""
        lending = self.kind == "lending"
        protocol = self.protocol or (self.name if lending else None)
        return Instrument(self.name, Kind(self.kind), protocol)


def default_instruments() -> tuple[InstrumentTable, ...]:
    """Return what the synthetic market offers."""
    spot = (InstrumentTable(name=name, kind="spot") for name in ASSETS)
    lending = (InstrumentTable(name=name, kind="lending", protocol=name) for name in POOLS)
    return (*spot, *lending)
