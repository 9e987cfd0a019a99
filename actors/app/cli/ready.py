"""`arena ready`: is the system ready?  It is tried, and the answer is measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from actors.app.cli.output import Output, with_output
from actors.app.cli.progress import progress_bar
from actors.app.exits import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.app.ready import Trial


@click.command(short_help="Try the whole system, and write down what was measured.")
@click.option("--report", metavar="FILE", help="Write a page of Markdown there as well.")
@click.option("--agents", type=click.IntRange(2, 2_000), default=50, show_default=True)
@click.option("--days", type=click.IntRange(30, 3_650), default=180, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True)
@with_output
def ready(report: str | None, agents: int, days: int, seed: int, output: Output) -> None:
    """Serve a run, kill the daemon on its way, start it again, and judge what its journal says.

    It spawns agents, lets them trade in simulation, runs the evolution cycles, checks that all
    events are on record and that every micro-dollar is there, and that the kill left no trace.
    Nothing outlives it but the report.  The exit code is 6 where a check failed.

    \b
    Examples:
      arena ready
      arena ready --report SYSTEM_READY_REPORT.md
      arena ready --days 60 --json
    """
    import tempfile

    from actors.app.cli.moment import now
    from actors.app.ready import STEPS, facts, report_page
    from actors.app.ready import ready as tried

    with (
        tempfile.TemporaryDirectory(prefix="arena-") as folder,
        progress_bar(len(STEPS), output, of="steps") as done,
    ):
        trial = tried(Path(folder), agents=agents, days=days, seed=seed, on_step=done)
    if report is not None:
        Path(report).write_text(report_page(trial, now()), encoding="utf-8")
        output.note(f"report: {report}")
    output.show(facts(trial), lambda: _tell(trial))
    if not trial.passed:
        raise SystemExit(ExitCode.GATE)


def _tell(trial: Trial) -> Iterator[RenderableType]:
    from actors.app.render import grid, plain

    yield f"{'ready' if trial.passed else 'NOT ready'}: {trial.agents} agents, {trial.days} days"
    columns = [("check", "left"), ("needed", "left"), ("found", "fold"), ("", "left")]
    yield grid(
        columns,
        (
            (each.name, each.needed, plain(each.found), "held" if each.passed else "BROKEN")
            for each in trial.checks
        ),
    )
