"""Which columns the market of a config will have, known before a file is opened.

The market is made in small, with numbers that mean nothing, by the functions that make it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from actors.app.settings.market import SourceTable
from actors.app.settings.problems import Problem
from actors.app.settings.settings import Settings
from arena.exceptions import ValidationError
from arena.instruments.derive import derive
from arena.market import DAY_S, Market, Provenance, Series
from arena.prices import add_series, simulate_market
from arena.seed import Seed

DEPOSIT = ("apr", "open", "close")

_BARS = 3


def offered(settings: Settings) -> tuple[dict[str, str], list[Problem]]:
    """Return the market's columns with their units, and what stands in their way."""
    market, problems = _in_small(_base(settings)), []
    made = settings.market.made_groups
    try:
        market = add_series(market, made, Seed(0))
    except ValidationError as error:
        problems.append(Problem("market.generated", error.found, error.needed))
    for n, table in enumerate(settings.instruments):
        try:
            market = derive(market, {table.name: table.instrument()})
        except ValidationError as error:
            problems.append(Problem(f"instruments[{n}].kind", error.found, error.needed))
    return {series.name: series.unit for series in market.series}, problems


def _base(settings: Settings) -> dict[str, str]:
    """Return the columns that are read, or made without any other."""
    synthetic = _synthetic()
    if settings.market.source == "synthetic":
        return dict(synthetic)
    read = dict(column for source in settings.market.sources for column in read_columns(source))
    made = (f"{pool}.{kind}" for pool in settings.market.made_pools for kind in DEPOSIT)
    return _with_deposits(read) | {name: synthetic[name] for name in made}


def _in_small(columns: Mapping[str, str]) -> Market:
    return Market(
        opens_at=DAY_S * np.arange(_BARS, dtype=np.int64),
        series=tuple(Series(name, unit, Provenance.REAL) for name, unit in columns.items()),
        values=np.ones((_BARS, len(columns))),
    )


@cache
def _synthetic() -> Mapping[str, str]:
    return {series.name: series.unit for series in simulate_market(1, Seed(0)).series}


def read_columns(source: SourceTable) -> Iterator[tuple[str, str]]:
    """Yield the columns of one source with their units in the market."""
    reading = source.reading(base=Path())
    for target in source.series:
        yield target, reading.scale_of(target)[0]


def _with_deposits(read: Mapping[str, str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for name, unit in read.items():
        deposit, _, kind = name.rpartition(".")
        if kind != "index":
            columns[name] = unit
        if kind == "index" or (kind == "apr" and f"{deposit}.close" not in read):
            columns |= {f"{deposit}.open": "index", f"{deposit}.close": "index"}
    return columns
