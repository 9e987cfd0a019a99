"""How commands answer: tables for people, one line of JSON for programs, notes on stderr."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

Command = Callable[..., None]

KNOWN_MAX = 20
"""Names that a message lists where none is near."""


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
        if os.environ.get("ARENA_LOG"):  # A word in it that means nothing is refused by all alike.
            from actors.app.log import configure_log

            configure_log()
        output = Output(json=as_json, quiet=quiet, color=not no_color)
        command(*args, output=output, **kwargs)

    return wrapped


def run_argument(command: Command) -> Command:
    """Give a command the argument RUN; it receives it as `run`."""
    return click.argument("run", metavar="RUN", type=click.Path())(says_damage(command))


def running_argument(command: Command) -> Command:
    """Give a command the argument RUN, which may be left out where one daemon runs."""
    inner = says_damage(command)

    @functools.wraps(command)
    def wrapped(*args: Any, run: str | None, **kwargs: Any) -> None:
        inner(*args, run=run or run_here(), **kwargs)

    argument = click.argument("run", metavar="[RUN]", required=False, type=click.Path())
    return argument(wrapped)


def run_here() -> str:
    """Return the run of the only daemon that runs here.

    Raises:
        click.UsageError: There is none.
        ValidationError: There are several.
    """
    from actors.app.control.errors import NotRunningError
    from actors.app.control.find import find_socket

    try:
        return str(find_socket(None, None).parent)
    except NotRunningError as error:
        message = f"Missing argument 'RUN', and {error.message.partition(';')[0]}."
        raise click.UsageError(message, ctx=click.get_current_context()) from None


def says_damage(command: Command) -> Command:
    """Let a command that is given a `run` say what is wrong with one that cannot be read."""

    @functools.wraps(command)
    def wrapped(*args: Any, run: str, **kwargs: Any) -> None:
        try:
            command(*args, run=run, **kwargs)
        except Exception as error:
            from actors.app.cli.damage import say_damage

            say_damage(error, run)
            raise

    return wrapped


def pick(word: str, known: Iterable[str], what: str) -> str:
    """Return `word` if it is known.

    Raises:
        click.UsageError: It is not; the nearest known one is named.
    """
    from difflib import get_close_matches

    words = [*dict.fromkeys(known)]
    if word in words:
        return word
    near = get_close_matches(word, words, n=3)
    if near:
        hint = f"did you mean {' or '.join(map(repr, near))}?"
    else:
        rest = f" and {len(words) - KNOWN_MAX} more" if len(words) > KNOWN_MAX else ""
        hint = f"known are {', '.join(words[:KNOWN_MAX])}{rest}."
    raise click.UsageError(f"unknown {what} {word!r}: {hint}", ctx=click.get_current_context())


def pick_agent(name: str, known: Iterable[str]) -> str:
    """Return the agent that `name` means; a baseline may be called `cash` or `baseline-cash`.

    Raises:
        click.UsageError: There is none; the nearest ones are named.
    """
    ids = [*known]
    baseline = f"baseline-{name}"
    return baseline if baseline in ids else pick(name, ids, "agent")
