"""`arena status`: what the trading of a run may do, what waits, and what it did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.output import Output, run_argument, with_output

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command(short_help="Show what trading may do, what waits, and what it did.")
@run_argument
@with_output
def status(run: str, output: Output) -> None:
    """Show the trading of RUN: its mode and why, pending trades, executions, gas, the last ten.

    It reads the journal, so that the run may be stopped, or be running.

    \b
    Examples:
      arena status runs/quickstart-1
      arena status runs/quickstart-1 --json
    """
    from actors.app.status import trading_status
    from actors.journal.reader import open_run

    with open_run(run) as stored:
        data = {"run": run, **trading_status(stored)}
    output.show(data, lambda: _lines(data))


def _lines(data: dict[str, Any]) -> Iterator[RenderableType]:
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
    return f"{mode} ({data['scope']}) since day {data['since']}: {data['reason']}"
