"""How commands answer: tables for people, one line of JSON for programs, notes on stderr."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's answer goes, and in which form.

    Attributes:
        json: One line of JSON instead of tables.
        quiet: No progress and no notes.
        color: Whether colours may be used at all.
    """

    json: bool
    quiet: bool
    color: bool

    def show(self, data: Mapping[str, Any], people: Callable[[], Iterable[RenderableType]]) -> None:
        """Write the result on stdout: `data` as JSON, or what `people` returns."""
        if self.json:
            click.echo(json.dumps(data, allow_nan=False))
            return
        from actors.app.render import write

        write(people(), color=self.color)

    def note(self, text: str) -> None:
        """Write a line on stderr that is no part of the result."""
        if not self.quiet:
            click.echo(text, err=True)


def with_output(command: Command) -> Command:
    """Give a command `--json`, `--quiet` and `--no-color`; it receives them as `output`."""

    @click.option("--json", "as_json", is_flag=True, help="Answer with one line of JSON.")
    @click.option("--quiet", "-q", is_flag=True, help="No progress and no notes on stderr.")
    @click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")
    @functools.wraps(command)
    def wrapped(*args: Any, as_json: bool, quiet: bool, no_color: bool, **kwargs: Any) -> None:
        output = Output(json=as_json, quiet=quiet, color=not no_color)
        command(*args, output=output, **kwargs)

    return wrapped


def run_argument(command: Command) -> Command:
    """Give a command the argument RUN; it receives it as `run`."""
    return click.argument("run", metavar="RUN", type=click.Path())(command)


def pick(word: str, known: Iterable[str], what: str) -> str:
    """Return `word` if it is known.

    Raises:
        click.UsageError: It is not; the nearest known one is named.
    """
    from difflib import get_close_matches

    words = [*known]
    if word in words:
        return word
    near = get_close_matches(word, words, n=3)
    if near:
        hint = f"did you mean {' or '.join(map(repr, near))}?"
    else:
        hint = f"known are {', '.join(words[:20])}{', ...' if len(words) > 20 else ''}."
    raise click.UsageError(f"unknown {what} {word!r}: {hint}", ctx=click.get_current_context())
