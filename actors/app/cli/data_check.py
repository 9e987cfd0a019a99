"""`arena check-data`: whether data can be what it says it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.data_reading import with_reading
from actors.app.cli.moment import now
from actors.app.cli.output import Output, with_output
from actors.app.cli.progress import sign_of_life
from actors.app.exits import ExitCode

if TYPE_CHECKING:
    from actors.app.datacheck import Report

PROBLEMS_SHOWN = 50


@click.command("check-data", short_help="Look for what real data cannot be.")
@click.argument("path", metavar="CONFIG|FILE", type=click.Path(path_type=Path))
@click.option(
    "--against",
    metavar="CONFIG|FILE",
    type=click.Path(path_type=Path),
    help="A second source of the same columns.",
)
@click.option(
    "--jump-max",
    metavar="FACTOR",
    type=click.FloatRange(1, 1000, min_open=True),
    default=2.0,
    help="The most that a price changes from row to row; 2 by default.",
)
@click.option(
    "--stale-max",
    metavar="ROWS",
    type=click.IntRange(0),
    default=3,
    help="Rows in succession that may repeat the prices of the one before; 3 by default.",
)
@click.option(
    "--apart-max",
    metavar="FRACTION",
    type=click.FloatRange(0, 10, min_open=True),
    default=0.05,
    help="The most that two sources of a price are apart; 0.05 by default.",
)
@with_reading
@with_output
def check_data(
    path: Path, against: Path | None, reading: dict[str, Any], output: Output, **limits: Any
) -> None:
    """Look at the data of a config, or at one CSV or Parquet file, for what it cannot be.

    Found are times out of order, bars that cannot have happened, prices that stand still or jump,
    closes that were taken during the day, noise that poses as a rate; with --against also series
    that are shifted, and other assets.  Exit code 4 comes with a list of all that was found.

    \b
    Examples:
      arena check-data mine.toml
      arena check-data prices.csv --where coin=ONE
      arena check-data mine.toml --against other.toml
    """
    from actors.app.datacheck import look_at
    from actors.feeds.gate import Gate

    with sign_of_life(f"reading {path}", output):
        report = look_at(path, against, gate=Gate(**limits), reading=reading, now=now())
    problems = [
        {"place": each.place, "key": None, "message": str(each)} for each in report.problems
    ]
    data = {
        "ok": not problems,
        "path": str(path),
        "series": report.series,
        "rows": report.rows,
        "compared": report.compared,
        "problems": problems,
        "notes": report.notes,
    }
    output.show(data, lambda: _lines(report))
    if problems:
        raise SystemExit(ExitCode.DATA)


def _lines(report: Report) -> Iterator[str]:
    for problem in report.problems[:PROBLEMS_SHOWN]:
        yield str(problem)
    more = len(report.problems) - PROBLEMS_SHOWN
    if more > 0:
        yield f"and {more} more; --json has all of them"
    for note in report.notes:
        yield f"note: {note}"
    found = f"{len(report.problems)} problems" if report.problems else "nothing found"
    compared = f", {len(report.compared)} of them in a second source" if report.compared else ""
    yield f"{found}: {len(report.series)} series of {report.rows} rows{compared}"
