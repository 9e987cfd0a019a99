"""Which columns the market of a config will have, known before a file is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from actors.app.settings.market import SourceTable
from actors.app.settings.settings import Settings
from arena.prices import simulate_market
from arena.seed import Seed

DEPOSIT = ("apr", "open", "close")


def offered(settings: Settings) -> dict[str, str]:
    """Return the market's columns with their units, as `actors.feeds.assemble` will name them."""
    synthetic = _synthetic()
    if settings.market.source == "synthetic":
        return dict(synthetic)
    read = dict(column for source in settings.market.sources for column in read_columns(source))
    made = (f"{pool}.{kind}" for pool in settings.market.generated for kind in DEPOSIT)
    return _with_deposits(read) | {name: synthetic[name] for name in made}


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
