"""`arena import-data`, `arena list-data`: what is in the store, and how more gets there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.data_reading import store_option, with_reading
from actors.app.cli.moment import now
from actors.app.cli.output import Output, with_output
from actors.app.cli.progress import sign_of_life

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.feeds.store import Entry, Frame

PROVENANCES = ("real", "resampled", "estimated", "synthetic")
GAPS_SHOWN = 10


@click.command("import-data", short_help="Put a file into the store.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--as",
    "name",
    metavar="SERIES",
    required=True,
    help="source/symbol/kind/timeframe, such as binance/BTC/USDT/ohlcv/1d.",
)
@click.option(
    "--provenance",
    type=click.Choice(PROVENANCES),
    default="real",
    help="Where the numbers come from; real by default.",
)
@click.option("--overwrite", is_flag=True, help="Replace stored rows that have other values.")
@with_reading
@store_option
@with_output
def import_data(
    file: Path, name: str, reading: dict[str, Any], store: str, output: Output, **how: Any
) -> None:
    """Put FILE, a CSV or Parquet file, into the store as one series.

    Rows have to stand on the grid of the timeframe: a stamp is the open of a bar, or the instant of
    a settlement.  What is stored already may be there again; other values for it are refused.

    \b
    Example:
      arena import-data btc.csv --as mine/BTC/ohlcv/1d --where coin=BTC
    """
    from actors.feeds.importing import import_series
    from actors.feeds.store import Store
    from actors.feeds.stored import key_text, series_key
    from arena.market import Provenance

    key, columns = series_key(name), reading.pop("series")
    with sign_of_life(f"reading {file}", output):
        frame = import_series(
            file,
            key,
            columns,
            not_after=now() + timedelta(days=1),
            provenance=Provenance(how["provenance"]),
            **reading,
        )
        whole = Store(store).merge(key, frame, overwrite=how["overwrite"])
    data = {"series": key_text(key), "imported": len(frame), **about(whole)}
    said = f"{key_text(key)}: {len(frame)} rows imported, {len(whole)} stored"
    output.show(data, lambda: [said, f"{data['first']} to {data['last']}, {whole.sha256}"])


@click.command("list-data", short_help="List what is in the store.")
@click.option("--show-gaps", is_flag=True, help="Look for bars that have no row.")
@store_option
@with_output
def list_data(
    show_gaps: bool,  # noqa: FBT001  # click gives it
    store: str,
    output: Output,
) -> None:
    """List the series of the store, as a config can name them.

    A gap is a bar without a row in a time that the source was asked about.

    \b
    Example:
      arena list-data --show-gaps
    """
    from actors.feeds.store import Store

    folder = Store(store)
    with sign_of_life(f"reading {store}", output):
        found = [
            _row(entry, folder.read(entry.header.key), gaps=show_gaps) for entry in folder.list()
        ]
    output.show({"store": store, "series": found}, lambda: _lines(store, found, gaps=show_gaps))


def about(frame: Frame) -> dict[str, Any]:
    """Return what is stored of a series, as plain data."""
    return {
        "rows": len(frame),
        "first": stamp(int(frame.times[0])) if len(frame) else None,
        "last": stamp(int(frame.times[-1])) if len(frame) else None,
        "columns": list(frame.columns),
        "unit": frame.unit,
        "provenance": frame.provenance.value,
        "sha256": frame.sha256,
    }


def stamp(milliseconds: int) -> str:
    """Return an instant as text."""
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _row(entry: Entry, frame: Frame, *, gaps: bool) -> dict[str, Any]:
    from actors.feeds.stored import key_text

    key = entry.header.key
    row: dict[str, Any] = {"series": key_text(key), **about(frame)}
    if gaps:
        step = key.step_ms
        row["gaps"] = [
            {"first": stamp(gap.start), "bars": (gap.end - gap.start) // step}
            for gap in frame.gaps(step)
        ]
    return row


def _lines(store: str, found: list[dict[str, Any]], *, gaps: bool) -> Iterator[RenderableType]:
    from actors.app.render import grid

    if not found:
        yield f"{store}: no series; `arena download-data` and `arena import-data` add some"
        return
    columns = [("series", "left"), ("rows", "right"), ("first", "left"), ("last", "left")]
    columns += [("unit", "left"), ("provenance", "left"), ("columns", "fold")]
    yield grid(columns, ([_cell(each, name) for name, _ in columns] for each in found))
    for each in found if gaps else ():
        shown = ", ".join(f"{gap['first']} ({gap['bars']})" for gap in each["gaps"][:GAPS_SHOWN])
        more = len(each["gaps"]) - GAPS_SHOWN
        rest = f" and {more} more" if more > 0 else ""
        yield f"{each['series']}: {f'gaps at {shown}{rest}' if shown else 'no gaps'}"


def _cell(row: Mapping[str, Any], name: str) -> object:
    value = row[name]
    return ", ".join(value) if isinstance(value, list) else value
