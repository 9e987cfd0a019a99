"""`arena state`: the treasury as it was after an event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.output import Output, running_argument, with_output
from actors.app.cli.progress import sign_of_life

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command(short_help="Show the treasury as it was after an event.")
@running_argument
@click.option("--at", type=int, metavar="SEQ", help="After this event; left out, after the last.")
@with_output
def state(run: str, at: int | None, output: Output) -> None:
    """Show what the first SEQ events of RUN have made true; 0 is before the first.

    \b
    Examples:
      arena state runs/quickstart-1
      arena state runs/quickstart-1 --at 400
    """
    from actors.app.inspecting import treasury_state
    from actors.app.latest import fold_latest
    from actors.journal.reader import open_run

    with open_run(run) as stored:
        head = stored.head().seq
        seq = pick_seq(head if at is None else at, 0, head)
        with sign_of_life("reading", output):
            treasury = fold_latest(stored, seq)
    data = {"run": run, "seq": seq, "head": head, **treasury_state(treasury)}
    whole = {"state": json.loads(treasury.to_json())} if output.json else {}
    output.show(data | whole, lambda: _lines(data))


def pick_seq(seq: int, first: int, head: int) -> int:
    """Return `seq` if the run has it.

    Raises:
        click.UsageError: It does not; the range is named.
    """
    if first <= seq <= head:
        return seq
    message = f"seq {seq} is not in this run, which has {first}..{head}"
    raise click.UsageError(message, ctx=click.get_current_context())


def _lines(data: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.cli.capital import book_lines
    from actors.app.render import facts, fitted, number, short_name, usd

    halted = ", ".join(f"{scope} since day {day}" for scope, day in data["halted"].items())
    yield facts(
        [
            ("after", f"seq {data['seq']} of {data['head']}"),
            ("day", f"{data['tick']}{', the last' if data['completed'] else ''}"),
            ("cycles", data["cycle"]),
            ("halted", halted or "nothing"),
            ("dead", data["dead"]),
            ("state_hash", data["state_hash"]),
        ]
    )
    yield ""
    names = ("agent", "strategy", "tier", "status")
    numbers = ("fitness", "NAV", "equity")
    columns = [*((name, "left") for name in names), *((name, "right") for name in numbers)]
    for layer, agents in data["layers"].items():
        rows = (
            (
                short_name(row["agent"]),
                row["strategy"],
                "baseline" if row["baseline"] else row["tier"],
                row["status"],
                number(row["fitness"]),
                f"{row['nav']:.6f}",
                usd(row["equity"]),
            )
            for row in agents
        )
        held = usd(sum(row["equity"] for row in agents))
        play = " of play money" if layer == "simulation" else ""
        title = f"{layer}: {len(agents)} agents hold {held}{play}"
        if agents:
            yield from fitted(columns, rows, title, drop=("NAV", "strategy", "tier", "status"))
        else:
            yield f"{layer}: nobody"
    yield from book_lines(data["accounts"])
