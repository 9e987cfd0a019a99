"""`arena new-strategy`: a strategy to begin with, its test, and a config that runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.calling import how_to
from actors.app.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import RenderableType

TEMPLATES = ("minimal", "full")
"""The least that a strategy is, and everything that one can declare."""


@click.command("new-strategy", short_help="Write a strategy, its test and a config.")
@click.argument("name", metavar="NAME")
@click.option(
    "--template",
    type=click.Choice(TEMPLATES),
    default=TEMPLATES[0],
    help="minimal (the default), or full: everything that a strategy can declare.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Where they go; by default here.",
)
@with_output
def new_strategy(name: str, template: str, out: Path, output: Output) -> None:
    """Write the strategy NAME, its test, and a config that runs it; nothing is written over.

    All three work at once.  The config finds the strategy as a module beside it.

    \b
    Examples:
      arena new-strategy breakout
      arena new-strategy slow-tortoise --template full --out strategies
    """
    from actors.app.scaffold import scaffold

    made = scaffold(name, template, out)
    files = {what: str(path) for what, path in made.items()}
    steps = [f"pytest {files['test']}", how_to("run", files["config"])]
    data = {"name": name, "template": template, "files": files, "next": steps}
    output.show(data, lambda: _lines(data))


def _lines(data: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.render import plain

    for what, path in data["files"].items():
        yield f"{what}: {plain(path)}"
    for step in data["next"]:
        yield f"try: {plain(step)}"
