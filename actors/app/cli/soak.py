"""`arena soak`: search schedules and faults for one that breaks a promise."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.output import Output, pick, with_output
from actors.app.cli.progress import progress_bar
from actors.app.exits import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType

_ROWS = {
    "seeds": "seeds",
    "crashes": "crashes",
    "commands": "commands",
    "acked": "acknowledged",
    "lost": "acknowledged and lost",
    "duplicates": "duplicates delivered",
    "answered_again": "answered a second time",
    "violations": "seeds that broke a promise",
    "virtual_to_real": "virtual seconds per real one",
    "seeds_per_s": "seeds per second",
}
"""Field -> what people read."""


def _seeds(ctx: click.Context, param: click.Parameter, value: str) -> range:
    """Return the range that `A..B` means, both included."""
    found = re.fullmatch(r"([0-9]{1,9})\.\.([0-9]{1,9})", value)
    if found is None or int(found[1]) > int(found[2]):
        raise click.BadParameter(f"{value!r} is no range such as 1..200", ctx, param)
    return range(int(found[1]), int(found[2]) + 1)


@click.command(short_help="Search for a schedule or a fault that breaks a promise.")
@click.option(
    "--seeds",
    metavar="A..B",
    default="1..200",
    callback=_seeds,
    help="Which seeds, both ends included.",
    show_default=True,
)
@click.option(
    "--scenario",
    default="both",
    help="crowd: clients, crashes, faults; cast: a few ticks of a run; both.",
    show_default=True,
)
@click.option("--jobs", metavar="N", type=click.IntRange(1, 256), help="Processes; one per core.")
@with_output
def soak(seeds: range, scenario: str, jobs: int | None, output: Output) -> None:
    """Run the allocator in a simulation, seed by seed, and judge what is left.

    Each seed draws a schedule, at least five crashes, and which faults there are: a slow, full or
    failing disk, jumping clocks, cancelled and repeated commands.  An oracle that shares no code
    with the core looks after each crash.  The same seed gives the same run.

    \b
    Examples:
      arena soak
      arena soak --seeds 1..10000 --json
      arena soak --seeds 137..137 --scenario crowd
    """
    from actors.app import soak as soaking

    chosen = pick(scenario, soaking.SCENARIOS, "scenario")
    workers = min(jobs or os.cpu_count() or 1, -(-len(seeds) // soaking.CHUNK))
    with progress_bar(len(seeds), output, of="seeds") as on_seed:
        report = soaking.soak(seeds, scenario=chosen, jobs=workers, on_seed=on_seed).to_json()
    output.show(report, lambda: _tell(report))
    if report["violations"]:
        raise SystemExit(ExitCode.INVARIANT)


def _tell(report: dict[str, Any]) -> Iterator[RenderableType]:
    from rich.table import Table

    from actors.app.render import plain

    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name, words in _ROWS.items():
        table.add_row(words, f"{report[name]:,}")
    yield table
    for each in report["broken"]:
        yield f"seed {each['seed']}: {plain(each['faults'][0])}"
        yield f"try: {each['reproduce']}"
