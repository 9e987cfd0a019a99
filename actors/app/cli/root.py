"""`arena`: the commands, and the one place where what went wrong becomes an exit code."""

from __future__ import annotations

import sys
from typing import Any

import click

from actors.app.cli.failures import abandon_output, report, wants_json
from actors.app.cli.lazy import LazyGroup
from actors.app.exits import ExitCode
from arena import __version__

_HERE = "actors.app.cli"
_COMMANDS = {
    "run": (f"{_HERE}.run:run", "Run a config and keep its journal."),
    "serve": (f"{_HERE}.serve:serve", "Run a config for weeks, and answer whoever asks."),
    "ready": (f"{_HERE}.ready:ready", "Try the whole system, and say what was measured."),
    "fork": (f"{_HERE}.fork:fork", "Let a run take another course from some day on."),
    "verify": (f"{_HERE}.proving:verify", "Check a run's file, its history and its money."),
    "replay": (f"{_HERE}.proving:replay", "Rebuild a run's state, or run it again."),
    "leaderboard": (f"{_HERE}.agents:leaderboard", "Show who did best, baselines beside."),
    "agents": (f"{_HERE}.agents:agents", "List, show or change agents."),
    "capital": (f"{_HERE}.capital:capital", "Show where the capital is, or how it moved."),
    "state": (f"{_HERE}.state:state", "Show the treasury as it was after an event."),
    "status": (f"{_HERE}.status:status", "Show what a daemon and its trading do."),
    "pause": (f"{_HERE}.control:pause", "Let a daemon's clock stand still."),
    "resume": (f"{_HERE}.control:resume", "Let a daemon's clock go on."),
    "stop": (f"{_HERE}.control:stop", "End a daemon after the tick under way."),
    "reload": (f"{_HERE}.control:reload", "Let a daemon read its config again."),
    "panic": (f"{_HERE}.panic:panic", "Stop all trading, now."),
    "reset-panic": (f"{_HERE}.panic:reset_panic", "Let trading go on after a panic."),
    "evolve": (f"{_HERE}.evolve:evolve", "Hold an evolution cycle now."),
    "events": (f"{_HERE}.events:events", "List the events of a run."),
    "why": (f"{_HERE}.why:why", "Explain an event, or the decisions about an agent."),
    "open": (f"{_HERE}.open:open_in_browser", "Show a run in a browser, read-only."),
    "backup": (f"{_HERE}.backup:backup", "Copy a run, even while it is being written."),
    "restore": (f"{_HERE}.backup:restore", "Make a run from a backup."),
    "doctor": (f"{_HERE}.doctor:doctor", "Look for what would keep a daemon from running well."),
    "config": (f"{_HERE}.config:config", "Check a config, or show all of its values."),
    "soak": (f"{_HERE}.soak:soak", "Search for a schedule or a fault that breaks a promise."),
    "download-data": (f"{_HERE}.data_make:download_data", "Fetch a series into the store."),
    "import-data": (f"{_HERE}.data:import_data", "Put a file into the store."),
    "list-data": (f"{_HERE}.data:list_data", "List what is in the store."),
    "check-data": (f"{_HERE}.data_check:check_data", "Look for what real data cannot be."),
    "synth-data": (f"{_HERE}.data_make:synth_data", "Write a synthetic market to a file."),
    "list-strategies": (f"{_HERE}.strategies:list_strategies", "Show what agents can be."),
    "check": (f"{_HERE}.check:check", "Prove that a strategy cheats nobody, itself included."),
    "new-strategy": (f"{_HERE}.new_strategy:new_strategy", "Write a strategy, its test, a config."),
}


class Root(LazyGroup):
    """The group of all commands.  No traceback reaches a user, and every end has its exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line; what cannot be used is said, with `--json` on stdout too."""
        if not kwargs.get("standalone_mode", True):
            return super().main(*args, **kwargs)
        words = kwargs.pop("args", args[0] if args else None)
        words = [*(sys.argv[1:] if words is None else words)]
        as_json = wants_json(words)
        kwargs |= {"standalone_mode": False, "obj": as_json}
        try:
            code = super().main(words, *args[1:], **kwargs)
        except (click.ClickException, click.Abort) as error:
            code = report(error, as_json=as_json)
        sys.exit(code)

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
            abandon_output()
            ctx.exit(ExitCode.PIPE_CLOSED)
        except (Exception, KeyboardInterrupt, click.Abort) as error:  # noqa: BLE001 - the last door
            ctx.exit(report(error, as_json=bool(ctx.obj)))


@click.group(
    cls=Root,
    lazy=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every command takes --json (one line on stdout, on failure too); --help says more.",
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
