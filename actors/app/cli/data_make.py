"""`arena synth-data`, `arena download-data`: data that is made, and data that is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.data_reading import store_option
from actors.app.cli.output import Output, with_output
from actors.app.cli.progress import sign_of_life

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.feeds.store import Frame, SeriesKey

DAYS_MAX = 36_525
SYMBOLS_NEED = {"ohlcv": "1d", "funding": "8h", "apy": "1d", "price": "1d"}
"""Kind of series -> the timeframe that is asked for if none is named."""


@click.command("synth-data", short_help="Write a synthetic market to a file.")
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(1, DAYS_MAX),
    required=True,
    help="How many days.",
)
@click.option("--seed", metavar="S", type=click.IntRange(0), default=42, help="42 by default.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="A .csv or .parquet file that is not there yet.",
)
@click.option(
    "--universe", metavar="NAME", default="core", help="core (the default), or full: every series."
)
@with_output
def synth_data(days: int, seed: int, out: Path, universe: str, output: Output) -> None:
    """Write a synthetic market to FILE, a row a day and a column for each series, and list them.

    It is the market of a run with that run.seed, no warm-up and no other market.start.  What is not
    known on a day is empty.  Deposits stand as their index at the close.

    \b
    Example:
      arena synth-data --days 365 --seed 7 --out made.csv --universe full
    """
    from actors.app.cli.output import pick
    from actors.app.settings.settings import SYNTHETIC_START
    from actors.feeds.export import write_market
    from actors.feeds.synthetic import load_synthetic
    from arena.prices import UNIVERSES
    from arena.seed import Seed

    market = load_synthetic(
        days=days,
        warmup_days=0,
        seed=Seed(seed).child("market"),
        start=SYNTHETIC_START,
        universe=pick(universe, UNIVERSES, "universe"),
    )
    series = [
        {
            "name": each.name,
            "unit": each.unit,
            "provenance": each.provenance.value,
            "origin": each.origin,
        }
        for each in write_market(market, out)
    ]
    data = {"path": str(out), "days": days, "seed": seed, "universe": universe, "series": series}
    output.show(data, lambda: _columns(data))


def _columns(data: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.render import grid

    rows = ((each["name"], each["unit"], each["origin"]) for each in data["series"])
    yield grid([("column", "left"), ("unit", "left"), ("origin", "fold")], rows)
    yield f"{data['path']}: {data['days']} days, {len(data['series'])} series, synthetic"


@click.command("download-data", short_help="Fetch a series into the store.")
@click.option("--source", metavar="NAME", required=True, help="Who has it: binance, coingecko, ...")
@click.option("--symbol", metavar="SYMBOL", required=True, help="What it is called there.")
@click.option(
    "--kind",
    type=click.Choice([*SYMBOLS_NEED]),
    default="ohlcv",
    help="What the rows are; ohlcv by default.",
)
@click.option(
    "--timeframe", metavar="LENGTH", help="Of a bar: 1h, 1d, ...; by default 1d, of funding 8h."
)
@click.option(
    "--timerange",
    metavar="FROM-TO",
    required=True,
    help="First and last day, such as 20200101-20230630; up to now without a last one.",
)
@click.option("--base-url", metavar="URL", help="Ask this server instead: a mirror.")
@store_option
@with_output
def download_data(timerange: str, store: str, output: Output, **asked: Any) -> None:
    """Fetch what the store does not have of a series, and keep it there.

    What was fetched once is not asked for again.  Only public data is fetched, and only bars that
    are finished.  A series that was interrupted goes on where it stopped.

    \b
    Example:
      arena download-data --source binance --symbol BTC/USDT --timerange 20200101-20230630
    """
    from actors.app.cli.data import about, stamp
    from actors.feeds.store import SeriesKey, SeriesKind
    from actors.feeds.stored import key_text

    kind = asked["kind"]
    timeframe = asked["timeframe"] or SYMBOLS_NEED[kind]
    key = SeriesKey(asked["source"], asked["symbol"], SeriesKind(kind), timeframe)
    start_ms, end_ms = _span(timerange)
    with sign_of_life(f"fetching {key_text(key)}", output):
        frame = asyncio.run(_fetch(key, start_ms, end_ms, store, asked["base_url"]))
    data = {"series": key_text(key), "store": store, **about(frame)}
    gaps = frame.gaps(key.step_ms)
    data["gaps"] = [
        {"first": stamp(gap.start), "bars": (gap.end - gap.start) // key.step_ms} for gap in gaps
    ]
    said = f"{data['series']}: {len(frame)} rows from {data['first']} to {data['last']}"
    output.show(data, lambda: [f"{said}, {len(gaps)} gaps", f"stored in {store}"])


def _span(timerange: str) -> tuple[int, int]:
    """Return the days of a range in milliseconds, the end exclusive."""
    from actors.app.cli.moment import now
    from actors.app.periods import OPTION, parse_days
    from arena.exceptions import ValidationError

    first, last = parse_days(timerange)
    if first is None:
        raise ValidationError(OPTION, found=timerange, needed="a first day")
    last = last or now().date()
    if last < first:
        raise ValidationError(OPTION, found=timerange, needed="a last day not before the first")
    days = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first, last))
    start, end = (int(day.timestamp() * 1000) for day in days)
    return start, end + 86_400_000


async def _fetch(
    key: SeriesKey, start_ms: int, end_ms: int, store: str, base_url: str | None
) -> Frame:
    from actors.feeds.clients import download, open_client
    from actors.feeds.store import Store
    from actors.runtime.clock import WallClock

    async with open_client(key.source, base_url=base_url) as client:
        return await download(client, Store(store), key, start_ms, end_ms, clock=WallClock())
