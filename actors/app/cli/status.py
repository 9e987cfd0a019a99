"""`arena status`: what a daemon is doing, and what the trading of its run may do and did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.asking import duration, reaching
from actors.app.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command(short_help="Show what a daemon is doing, what trading may do, and what it did.")
@click.argument("run", metavar="[RUN]", required=False, type=click.Path())
@click.option("--socket", metavar="PATH", help="The control socket of a daemon, instead of a RUN.")
@click.option(
    "--timeout",
    "timeout_s",
    metavar="DURATION",
    type=duration,
    default="10s",
    show_default=True,
    help="How long the daemon's answer may take.",
)
@with_output
def status(run: str | None, socket: str | None, timeout_s: float, output: Output) -> None:
    """Show what the daemon of RUN is doing, then the trading of the run.

    Without RUN it is the only daemon that runs here.  Where no daemon serves RUN, its trading alone
    is shown: its mode and why, pending trades, executions, gas, the last ten.  That is read from
    the journal, so that the run may be stopped, or be running.

    \b
    Examples:
      arena status
      arena status runs/quickstart-1
      arena status --json
    """
    daemon = _daemon(run, socket, timeout_s)
    named = str(daemon["folder"]) if daemon is not None and run is None else str(run)
    data = {"run": named, "daemon": daemon}
    if daemon is None or daemon["tick"] is not None:  # Else there is no run to be read yet.
        data |= _trading(named)
    output.show(data, lambda: _lines(data))


def _daemon(run: str | None, socket: str | None, timeout_s: float) -> dict[str, Any] | None:
    """Return what the daemon says of itself; None where none serves `run`."""
    from actors.app.control.client import ControlClient
    from actors.app.control.errors import NotRunningError
    from actors.app.control.find import find_socket

    path = find_socket(run, socket)
    try:
        with reaching(path):
            return ControlClient(path, timeout_s).ask("status")
    except NotRunningError:
        if run is None:
            raise
    return None


def _trading(run: str) -> dict[str, Any]:
    from actors.app.cli.damage import say_damage
    from actors.app.status import trading_status
    from actors.journal.reader import open_run

    try:
        with open_run(run) as stored:
            return trading_status(stored)
    except Exception as error:
        say_damage(error, run)
        raise


def _lines(data: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.render import facts

    if data["daemon"] is not None:
        yield facts(_facts(data["daemon"]))
        yield ""
    if "mode" in data:
        yield from _trading_lines(data)


def _facts(daemon: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield what the daemon says of itself."""
    reasons = ", ".join(map(str, daemon["reasons"]))
    yield "daemon", f"{daemon['state']}, {'ready' if daemon['ready'] else f'not ready: {reasons}'}"
    yield "run", f"{daemon['name']} in {daemon['folder']}, process {daemon['pid']}"
    if daemon["url"] is not None:
        yield "page", daemon["url"]
    startup = daemon["startup"]
    if startup["done"] < startup["total"]:
        yield "catching up", f"{startup['done']} of {startup['total']}"
    if daemon["tick"] is not None:
        yield from _course(daemon)
    yield "up", f"{_span(daemon['uptime_s'])}, {_span(daemon['lag_s'])} behind its clock"
    if daemon["pending_reload"]:
        waits = ", ".join(map(str, daemon["pending_reload"]))
        yield "reload", f"after the cycle under way: {waits}"


def _course(daemon: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield where the run of a daemon stands."""
    panic = daemon["panic"]
    if panic is not None:
        mode = str(panic["mode"]).replace("_", "-")
        yield "PANIC", f"{mode} since day {panic['since_tick']}{_because(panic['reason'])}"
    days = "" if daemon["ticks"] is None else f" of {daemon['ticks']}"
    at = f", {daemon['sim_time']}" if daemon["sim_time"] else ""
    yield "clock", f"day {daemon['tick']}{days}{at}, speed {daemon['speed']}"
    yield "record", f"seq {daemon['seq']}, cycle {daemon['cycle']}"
    yield "agents", ", ".join(f"{n} in {layer}" for layer, n in daemon["agents"].items())


def _span(seconds: float | None) -> str:
    """Return a length of time as people say it."""
    if seconds is None:
        return "-"
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def _trading_lines(data: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.render import facts, fitted, percent, short_name, usd

    today, total = data["today"], data["total"]
    yield facts(
        [
            ("trading", _mode(data)),
            ("day", f"{data['tick']}{', the last' if data['completed'] else ''}"),
            ("pending", ", ".join(each["order_id"] for each in data["pending"]) or "nothing"),
            ("today", f"{today['successful']} executed, {today['failed']} failed"),
            ("in all", f"{total['successful']} executed, {total['failed']} failed"),
            ("success rate", percent(total["success_rate"])),
            ("gas", f"{usd(total['gas'])}, {usd(today['gas'])} of it today"),
            ("slippage", f"{usd(total['slippage'])}, {total['slippage_bps_average']:.2f} bps"),
        ]
    )
    yield ""
    names = ("seq", "order", "agent", "instrument", "quantity", "price", "costs", "why")
    sides = ("right", "left", "left", "left", "right", "right", "right", "left")
    rows = (
        (
            trade["seq"],
            trade["order_id"],
            short_name(trade["agent_id"]),
            trade["instrument"],
            f"{trade['quantity']:.6g}",
            f"{trade['price']:.6g}",
            usd(trade["fee"] + trade["slippage"] + trade["gas"]),
            trade["reason"] or trade["cause"],
        )
        for trade in data["recent"]
    )
    columns = [*zip(names, sides, strict=True)]
    yield from fitted(columns, rows, "last executions", drop=("order", "seq", "why", "costs"))


def _mode(data: dict[str, Any]) -> str:
    mode = str(data["mode"]).replace("_", "-")
    if data["scope"] is None:
        return mode
    return f"{mode} ({data['scope']}) since day {data['since']}{_because(data['reason'])}"


def _because(reason: str | None) -> str:
    return f": {reason}" if reason else ""
