"""`arena open`: a stored run in a browser, read-only."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import click

from actors.app.cli.output import Output, run_argument, with_output
from actors.app.exits import ExitCode
from arena.exceptions import ValidationError


@click.command("open", short_help="Show a run in a browser, read-only.")
@run_argument
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default=True,
    help="Where to listen on this machine; 0 is any port that is free.",
)
@with_output
def open_in_browser(run: str, port: int, output: Output) -> None:
    """Serve RUN as one page and as the HTTP API, to this machine only, until Ctrl-C.

    Nothing can be changed.  The run may be running meanwhile; what is shown follows it.

    \b
    Examples:
      arena open runs/quickstart-1
      arena open runs/quickstart-1 --port 8421
    """
    from pathlib import Path

    from actors.app.http.listening import listen
    from actors.app.log import configure_log
    from actors.journal.reader import open_run

    try:
        from actors.app.http.serving import application, serve
    except ModuleNotFoundError as error:
        needed = "pip install 'treasury-arena[serve]'"
        raise ValidationError("arena open", found=str(error), needed=needed) from error
    with open_run(run):
        pass  # Whatever is wrong with it is said here, and not in a browser.
    with listen(f"127.0.0.1:{port}") as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        configure_log(os.environ.get("ARENA_LOG") or "error")

        def begin(stop: Callable[[], None]) -> None:
            _stop_on_signal(stop)
            output.show({"run": run, "url": url}, lambda: (f"{run} is at {url}",))
            output.note("Ctrl-C ends it")

        asyncio.run(serve(application(Path(run)), listener, stops=begin))


def _stop_on_signal(stop: Callable[[], None]) -> None:
    """Let SIGINT and SIGTERM end the serving; a second one ends the process where it stands."""
    asked: list[bool] = []

    def ask() -> None:
        if asked:
            os._exit(ExitCode.INTERRUPTED)
        asked.append(True)
        stop()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, ask)
