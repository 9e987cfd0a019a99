"""Progress on stderr: on a terminal a bar, or a sign of life; elsewhere a line now and then.

The rule: a command that is over soon says nothing, so a script's log holds a line only where
somebody would begin to wonder.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from actors.app.cli.output import Output

LINE_EVERY_S = 15.0
"""Seconds between two lines, where there is no terminal."""


@contextmanager
def progress_bar(
    total: int, output: Output, *, of: str = "days"
) -> Iterator[Callable[[int], None]]:
    """Yield what is told how many are done, and shows it.

    Args:
        total: How many there are; 0 where nobody knows.
        output: How much is to be said.
        of: What is counted.
    """
    if output.quiet:
        yield lambda _: None
        return
    if not sys.stderr.isatty():
        yield _lines(total, of, output)
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


def _lines(total: int, of: str, output: Output) -> Callable[[int], None]:
    """Return what is told how many are done, and says so in a line, not too often."""
    said_at = time.monotonic()

    def tell(done: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= LINE_EVERY_S:
            said_at = time.monotonic()
            output.note(f"{of}: {done}{f' of {total}' if total else ''}")

    return tell


@contextmanager
def sign_of_life(what: str, output: Output) -> Iterator[None]:
    """Show that `what` goes on, as long as nobody can say how far it is."""
    if output.quiet:
        yield
        return
    if sys.stderr.isatty():
        from rich.console import Console

        with Console(file=sys.stderr, no_color=not output.color or None).status(what):
            yield
        return
    over = Event()
    thread = Thread(target=_say_until, args=(over, what, output), name="sign-of-life")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _say_until(over: Event, what: str, output: Output) -> None:
    started = time.monotonic()
    while not over.wait(LINE_EVERY_S):
        output.note(f"{what}: {time.monotonic() - started:.0f} s")
