"""`arena list-strategies`: what agents can be."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command("list-strategies", short_help="Show what agents can be.")
@with_output
def list_strategies(output: Output) -> None:
    """Show every strategy: what it does, and its parameters with bounds and defaults.

    \b
    Example:
      arena list-strategies --json
    """
    from arena.experiment import plain
    from arena.strategies import BUILT_IN

    found = [
        {
            "name": name,
            "family": strategy.family,
            "doc": inspect.getdoc(strategy) or "",
            "parameters": [plain(parameter) for parameter in strategy.parameters],
        }
        for name, strategy in sorted(BUILT_IN.items())
    ]
    output.show({"strategies": found}, lambda: _lines(found))


def _lines(found: list[dict[str, Any]]) -> Iterator[RenderableType]:
    from actors.app.render import grid

    for strategy in found:
        yield f"{strategy['name']} ({strategy['family']})"
        yield f"{strategy['doc']}\n"
        if strategy["parameters"]:
            columns = [(name, "left") for name in ("parameter", "default", "from", "to")]
            yield grid(
                [*columns, ("what", "fold")],
                (_row(parameter) for parameter in strategy["parameters"]),
            )


def _row(parameter: dict[str, Any]) -> tuple[object, ...]:
    options = parameter.get("options")
    bounds = (", ".join(options), "") if options else (parameter["low"], parameter["high"])
    return parameter["name"], parameter["default"], *bounds, parameter["doc"]
