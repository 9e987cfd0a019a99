"""`arena pause`, `resume`, `stop` and `reload`: the clock of a daemon, its end, its rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.asking import Asking, asks, daemon_argument, duration
from actors.app.exits import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType

_WHEN = {"live": "now", "next-cycle": "after the cycle under way", "restart": "never by a reload"}
"""When a key of each class is taken over."""


@click.command(short_help="Let a daemon's clock stand still.")
@daemon_argument
@asks
def pause(run: str | None, asking: Asking) -> None:
    """Let the clock of RUN's daemon stand still: no further tick, until `arena resume`.

    It is on record, so a daemon that is started again stands still too.  To stop all trading while
    time goes on is `arena panic`.

    \b
    Example:
      arena pause --reason "the exchange is down"
    """
    asking.change(run, "pause", "the clock stands still")


@click.command(short_help="Let a daemon's clock go on.")
@daemon_argument
@asks
def resume(run: str | None, asking: Asking) -> None:
    """Let the clock of RUN's daemon go on.

    \b
    Example:
      arena resume
    """
    asking.change(run, "resume", "the clock goes on")


@click.command(short_help="End a daemon after the tick under way.")
@daemon_argument
@click.option(
    "--drain",
    "drain_s",
    metavar="DURATION",
    type=duration,
    help="How long what is under way may take; without it, the config's daemon.drain_s.",
)
@asks
def stop(run: str | None, drain_s: float | None, asking: Asking) -> None:
    """End RUN's daemon as SIGTERM does: what is under way is done, the journal is closed.

    Nothing is lost: `arena serve` goes on where it was.

    \b
    Examples:
      arena stop
      arena stop runs/daemon --drain 30s
    """
    args = {} if drain_s is None else {"drain_s": drain_s}
    asking.change(run, "stop", "the daemon ends", args)


@click.command(short_help="Let a daemon read its config again.")
@daemon_argument
@click.option("--dry-run", is_flag=True, help="Only say what would change, and when.")
@asks
def reload(
    run: str | None,
    dry_run: bool,  # noqa: FBT001  # click gives it
    asking: Asking,
) -> None:
    """Let RUN's daemon read its config again, and say what changes when.

    A config that cannot be used, or that changes what was run so far, changes nothing.

    \b
    Examples:
      arena reload --dry-run
      arena reload runs/daemon
    """
    data = asking.ask(run, "reload", {"dry_run": dry_run})
    asking.output.show(data, lambda: _reloaded(data))
    if not data["accepted"]:
        raise SystemExit(ExitCode.USAGE)


def _said(key: str, why: str) -> str:
    """Return a problem under its key, which may be in its words already."""
    return why if key in why else f"{key}: {why}"


def _reloaded(data: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield what a reload changes when, or why it changes nothing."""
    from actors.app.render import grid, plain

    changed, refused = data["changed"], data["refused"]
    if refused:
        yield "nothing was taken over:"
        yield from (plain(_said(each["key"], each["why"])) for each in refused)
        return
    if not changed:
        yield "the config says what is in effect"
        return
    yield "nothing was taken over; this would be:" if data["dry_run"] else "taken over:"
    columns = (("key", "left"), ("before", "fold"), ("after", "fold"), ("when", "left"))
    rows = [(each["key"], each["before"], each["after"], _WHEN[each["reload"]]) for each in changed]
    yield grid(columns, rows)
