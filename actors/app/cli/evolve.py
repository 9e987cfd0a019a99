"""`arena evolve`: an evolution cycle when somebody wants one, not when it is due."""

from __future__ import annotations

import click

from actors.app.cli.asking import Asking, asks, daemon_argument


@click.command(short_help="Hold an evolution cycle now.")
@daemon_argument
@click.option("--dry-run", is_flag=True, help="Only say what it would decide.")
@asks
def evolve(
    run: str | None,
    dry_run: bool,  # noqa: FBT001  # click gives it
    asking: Asking,
) -> None:
    """Hold an evolution cycle of RUN now: kill, demote, graduate, allocate, give birth.

    \b
    Examples:
      arena evolve --dry-run
      arena evolve --reason "before the weekend"
    """
    said = "nothing was done; a cycle would decide this" if dry_run else "a cycle was held"
    asking.change(run, "evolve", said, {"dry_run": dry_run})
