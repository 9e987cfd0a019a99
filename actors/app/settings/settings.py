"""`Settings`: a whole config, and the days that it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import Field, model_validator

from actors.app.settings.capital import AllocationTable, CostsTable, LadderTable, TreasuryTable
from actors.app.settings.contest import EvolutionTable, FitnessTable, PopulationTable, RecordsTable
from actors.app.settings.daemon import DaemonTable, HttpTable, LiveTable, NotifyTable
from actors.app.settings.fields import Name, Section
from actors.app.settings.instruments import (
    InstrumentTable,
    core_instruments,
    full_instruments,
)
from actors.app.settings.limits import LimitsTable
from actors.app.settings.market import MarketTable
from actors.app.settings.plugins import PluginsTable
from actors.app.settings.reload import ReloadClass, reloads
from actors.app.settings.rules import RiskTable, RulesTable

SYNTHETIC_START = date(2020, 1, 1)
SYNTHETIC_DAYS = 180


class RunTable(Section):
    """What the run is called, what it draws from, and how long it is."""

    name: Name = Field(default="arena", description="Names the run's folder.")
    seed: int = Field(
        default=42, ge=0, le=2**63 - 1, description="The root of all randomness in the run."
    )
    days: int | None = Field(
        default=None,
        ge=1,
        le=36_525,
        description="Days that are settled. Left out: up to `market.end`, or 180 in a synthetic "
        "market.",
    )
    delay_bars: int = Field(
        default=0,
        ge=0,
        le=10,
        description="Bars that what agents decide waits beyond the next open: what a result owes "
        "to being fast shows at 1.",
    )


@dataclass(frozen=True, slots=True)
class Period:
    """The days of a run.

    Attributes:
        start: The first day that is settled.
        days: How many are settled.
        warmup: How many days stand before them.
    """

    start: date
    days: int
    warmup: int

    @property
    def opens(self) -> date:
        """The first day that agents see."""
        return self.start - timedelta(days=self.warmup)

    @property
    def end(self) -> date:
        """The last day that is settled."""
        return self.start + timedelta(days=self.days - 1)


class Settings(Section):
    """One config file: what is run, on which market, under which rules; and how."""

    run: RunTable = Field(default=RunTable())
    market: MarketTable = Field(default=MarketTable())
    instruments: tuple[InstrumentTable, ...] = Field(
        default=core_instruments(),
        strict=False,
        min_length=1,
        description="Left out, those of `market.universe`.",
    )
    treasury: TreasuryTable = Field(default=TreasuryTable())
    costs: CostsTable = Field(default=CostsTable())
    limits: LimitsTable = Field(default=LimitsTable())
    plugins: PluginsTable = Field(default=PluginsTable())
    population: PopulationTable = Field(default=PopulationTable())
    records: RecordsTable = Field(default=RecordsTable())
    fitness: FitnessTable = Field(default=FitnessTable())
    ladder: LadderTable = Field(default=LadderTable())
    rules: RulesTable = Field(default=RulesTable())
    allocation: AllocationTable = Field(default=AllocationTable())
    evolution: EvolutionTable = Field(default=EvolutionTable())
    risk: RiskTable = Field(default=RiskTable())
    daemon: DaemonTable = Field(default=DaemonTable())
    live: LiveTable = Field(default=LiveTable())
    http: HttpTable = Field(default=HttpTable())
    notify: Annotated[tuple[NotifyTable, ...], Field(max_length=20)] = Field(
        default=(),
        strict=False,
        description="Left out, nobody is told.",
        json_schema_extra=reloads(ReloadClass.LIVE),
    )

    @model_validator(mode="before")
    @classmethod
    def _offer_the_universe(cls, tables: Any) -> Any:
        """Let a config that lists no instruments have those of the universe that it names."""
        if not isinstance(tables, dict) or "instruments" in tables:
            return tables
        market = tables.get("market")
        full = isinstance(market, dict) and market.get("universe") == "full"
        return {**tables, "instruments": full_instruments()} if full else tables

    @property
    def endless(self) -> bool:
        """Whether bars are polled for, and nothing says when the last one comes."""
        return self.live.feed == "poll" and self.run.days is None and self.market.end is None

    @property
    def period(self) -> Period:
        """The days of the run, as `run.days`, `market.start` and `market.end` give them."""
        start = self.market.start or SYNTHETIC_START
        days = self.run.days or SYNTHETIC_DAYS
        if self.run.days is None and self.market.end is not None:
            days = (self.market.end - start).days + 1
        return Period(start, days, self.market.warmup_days)
