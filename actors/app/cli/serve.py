"""`arena serve`: a run that goes on for as long as it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.calling import how_to
from actors.app.cli.configs import config_argument
from actors.app.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.app.daemon.daemon import Daemon


@click.command(short_help="Serve a config: run it for weeks, and answer whoever asks.")
@config_argument()
@click.option(
    "--set",
    "overrides",
    metavar="TABLE.KEY=VALUE",
    multiple=True,
    help="Change one value; can be repeated, and the later one wins.",
)
@click.option("--out", metavar="DIR", help="The run's folder; runs/NAME without it.")
@click.option("--paused", is_flag=True, help="Let the clock stand still until `arena resume`.")
@click.option("--no-web", is_flag=True, help="Serve no HTTP; the control socket is there.")
@click.option("--after-io-error", is_flag=True, help="Go on although the disk failed last time.")
@with_output
def serve(
    config: Path,
    overrides: tuple[str, ...],
    out: str | None,
    output: Output,
    **how: bool,
) -> None:
    """Serve the run that CONFIG describes, until somebody stops it.

    It begins the run in DIR, or goes on with the one that is there, whatever ended it.  Other
    commands reach it by its control socket (`arena status`, `arena panic`, `arena stop`), and HTTP
    has its status page, its API and its metrics.

    SIGTERM and Ctrl-C stop it after the tick under way, a second one at once; SIGHUP reads CONFIG
    again; SIGUSR1 logs the table of actors.

    CONFIG is a file, or the name of a config that comes with the package.

    \b
    Examples:
      arena serve config/daemon.toml
      arena serve config/daemon.toml --set daemon.speed=1000x --out runs/mine
      arena serve config/daemon.toml --paused --no-web
    """
    from actors.app.daemon.signals import end_early_when_told

    end_early_when_told()
    result = _serve(config, overrides, out, output, **how)
    output.show(result, lambda: _report(result))


def _serve(
    config: Path,
    overrides: tuple[str, ...],
    out: str | None,
    output: Output,
    **how: bool,
) -> dict[str, Any]:
    import os

    from actors.app.cli.damage import say_damage
    from actors.app.daemon.serving import prepare_serving
    from actors.app.log import configure_log, daemon_words

    if out == "":
        raise click.BadParameter("it is empty; a folder is needed", param_hint="--out")
    os.umask(0o077)
    configure_log()
    serving = prepare_serving(
        config,
        overrides,
        None if out is None else Path(out),
        paused=how["paused"],
        web=not how["no_web"],
        after_io_error=how["after_io_error"],
    )
    configure_log(daemon_words(serving.settings.daemon.log_level))
    try:
        return _run(serving, output)
    except Exception as error:
        say_damage(error, str(serving.folder))
        serving.clear_away()
        raise


def _run(serving: Any, output: Output) -> dict[str, Any]:
    import asyncio
    import gc

    from actors.app.daemon.daemon import Daemon
    from actors.app.daemon.signals import handled
    from actors.runtime import WallClock

    async def work() -> dict[str, Any]:
        daemon = Daemon(serving, WallClock())
        life = daemon.life
        told = {"stop": life.stop, "reload": daemon.reload, "dump": daemon.dump}
        with handled(**{word: _of_its_run(daemon, act) for word, act in told.items()}):
            output.note(f"serving {serving.folder}; {life.face.url or 'no HTTP'}")
            await daemon.run()
        return daemon.summary()

    gc.collect()
    gc.freeze()  # What was imported stays: no later collection needs to look at it.
    return asyncio.run(work())


def _of_its_run(daemon: Daemon, act: Callable[[], None]) -> Callable[[], None]:
    """Return `act`, whose lines of the log name the run: a signal comes from outside of it."""
    from structlog.contextvars import bound_contextvars

    def handle() -> None:
        arena = daemon.life.arena
        with bound_contextvars(**({} if arena is None else {"run_id": str(arena.run_id)})):
            act()

    return handle


def _report(result: dict[str, Any]) -> Iterator[RenderableType]:
    if result["seq"] is None:
        yield "stopped before the run was open"
        return
    yield f"stopped on day {result['tick']}, at {result['seq']}:{result['hash']}"
    yield f"try: {how_to('verify', result['folder'])}"
