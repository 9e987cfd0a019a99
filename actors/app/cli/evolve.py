"""`arena evolve`: an evolution cycle when somebody wants one, not when it is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.asking import Asking, asks, daemon_argument, receipt_lines
from actors.app.exits import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType


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
    data = asking.ask(run, "evolve", {"dry_run": dry_run})
    asking.output.show(data, lambda: _rehearsed(data) if dry_run else _held(data))
    if "failed" in data:
        raise SystemExit(ExitCode.FAILED)


def _held(data: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield what became of a cycle."""
    failed = data.get("failed")
    yield from receipt_lines(data, "a cycle was held" if failed is None else _failed(failed))
    if "births" in data:
        yield f"cycle {data['cycle']}: {data['births']} born, {data['deaths']} dead"


def _failed(failed: Mapping[str, Any]) -> str:
    return f"the cycle came to nothing: step {failed['step']}: {failed['why']}"


def _rehearsed(data: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield what a cycle would decide."""
    from actors.app.render import facts, grid, plain, usd

    yield f"nothing was done; cycle {data['cycle']}, held on day {data['tick']}, would decide:"
    if "failed" in data:
        yield plain(_failed(data["failed"]))
        return
    told = {
        "deaths": [f"{each['agent_id']} ({each['rule']})" for each in data["deaths"]],
        "demotions": data["demotions"],
        "rises": [f"{each['agent_id']} to {each['to_layer']}" for each in data["graduations"]],
        "births": [f"{each['agent_id']} ({each['strategy']})" for each in data["births"]],
    }
    yield facts((name, ", ".join(map(str, each)) or "none") for name, each in told.items())
    if data["moves"]:
        columns = (("agent", "left"), ("has", "right"), ("gets at most", "right"))
        rows = ((m["agent_id"], usd(m["balance"]), usd(m["target"])) for m in data["moves"])
        yield grid(columns, rows, "capital")
