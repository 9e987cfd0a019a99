"""Progress on stderr, where that is a terminal: a bar, or a sign of life."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from actors.app.cli.output import Output


@contextmanager
def progress_bar(
    total: int, output: Output, *, of: str = "days"
) -> Iterator[Callable[[int], None]]:
    """Yield what is told how many are done: a bar on stderr, if that is a terminal.

    Args:
        total: How many there are; 0 where nobody knows.
        output: How much is to be said.
        of: What is counted.
    """
    if output.quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    screen = Console(file=sys.stderr, no_color=not output.color or None)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=screen, transient=True) as bar:
        task = bar.add_task(of, total=total or None)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def sign_of_life(what: str, output: Output) -> Iterator[None]:
    """Show on stderr, if that is a terminal, that `what` goes on."""
    if output.quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(file=sys.stderr, no_color=not output.color or None).status(what):
        yield
