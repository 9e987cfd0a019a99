"""`arena`: the commands, and the one place where what went wrong becomes an exit code."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from actors.app.cli.lazy import LazyGroup
from actors.app.exits import ExitCode
from arena import __version__

_HERE = "actors.app.cli"
_COMMANDS = {
    "run": (f"{_HERE}.run:run", "Run a config and keep its journal."),
    "verify": (f"{_HERE}.proving:verify", "Check a run's file, its history and its money."),
    "replay": (f"{_HERE}.proving:replay", "Rebuild a run's state, or run it again."),
    "leaderboard": (f"{_HERE}.agents:leaderboard", "Show who did best, baselines beside."),
    "agents": (f"{_HERE}.agents:agents", "List the agents of a run, or show one."),
    "capital": (f"{_HERE}.capital:capital", "Show where the capital is, or how it moved."),
    "events": (f"{_HERE}.events:events", "List the events of a run."),
    "config": (f"{_HERE}.config:config", "Check a config, or show all of its values."),
    "list-strategies": (f"{_HERE}.strategies:list_strategies", "Show what agents can be."),
}


class Root(LazyGroup):
    """The group of all commands.  No traceback reaches a user, and every end has its exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn what it raises into a message and an exit code."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # Here, where a closed pipe can still be answered.
        except (click.ClickException, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            _abandon_output()
            ctx.exit(ExitCode.PIPE_CLOSED)
        except (Exception, KeyboardInterrupt, click.Abort) as error:  # noqa: BLE001 - the last door
            from actors.app.cli.failures import explain

            code, message = explain(error)
            click.echo(message, err=True)
            ctx.exit(code)


@click.group(
    cls=Root,
    lazy=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every command takes --json (one line on stdout) and says more with --help.",
)
@click.version_option(__version__, prog_name="arena")
def cli() -> None:
    """Trading agents compete for capital, and every micro-dollar is accounted for.

    \b
    Examples:
      arena run config/quickstart.toml
      arena verify runs/quickstart-1
      arena leaderboard runs/quickstart-1
    """


def main() -> None:
    """Be the console script `arena`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # Whatever the locale, and whatever is printed.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    cli(prog_name="arena")


def _abandon_output() -> None:
    """Let nothing be written any more, so that the interpreter's last flush is quiet too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
