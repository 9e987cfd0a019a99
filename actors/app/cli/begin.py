"""How a run begins on the command line: what was asked for, and where it goes on stopping."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.calling import how_to
from actors.app.cli.moment import now
from actors.app.cli.output import Output
from actors.app.cli.progress import progress_bar

if TYPE_CHECKING:
    from actors.app.experiment import Prepared


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks of a new run.

    Attributes:
        config: A TOML file.
        seed: Wins over `run.seed`, wherever the two stand.
        overrides: `table.key=value`, the later one winning.
        timerange: First and last day.
        delay_bars: How many bars decisions wait beyond the next open.
        out: The run's folder.
    """

    config: Path | None = None
    seed: int | None = None
    overrides: tuple[str, ...] = ()
    timerange: str | None = None
    delay_bars: int | None = None
    out: str | None = None

    @property
    def folder(self) -> Path | None:
        """The folder that was asked for."""
        return None if self.out is None else Path(self.out)

    def chosen(self) -> tuple[Path, tuple[str, ...]]:
        """Return the config, and everything that is changed in it.

        Raises:
            ConfigError: The config cannot be read.
            ValidationError: The range of days cannot be used.
        """
        if self.config is None:
            raise click.UsageError("CONFIG is missing; or RUN, to go on with: --resume RUN")
        chosen = self.overrides
        if self.timerange is not None:
            from actors.app.periods import days_asked

            chosen += days_asked(self.config, self.overrides, self.timerange)
        if self.delay_bars is not None:
            chosen += (f"run.delay_bars={self.delay_bars}",)
        return self.config, chosen if self.seed is None else (*chosen, f"run.seed={self.seed}")


def begin(asked: Asked, output: Output) -> dict[str, Any]:
    """Run a config from its beginning, and return the result."""
    from actors.app.experiment import make_folder, prepare

    config, chosen = asked.chosen()
    prepared = prepare(config, chosen, now=now())
    return begin_in(make_folder(prepared.experiment.name, asked.folder), prepared, output)


def begin_in(
    folder: Path, prepared: Prepared, output: Output, *, of: str = "days"
) -> dict[str, Any]:
    """Run what is prepared and keep it in `folder`; progress counts `of`."""
    from actors.app.experiment import run_experiment
    from actors.app.signals import stop_on_signal

    ticks = prepared.experiment.market.ticks

    async def work() -> dict[str, Any]:
        with stop_on_signal() as stopped, progress_bar(ticks, output, of=of) as on_tick:
            return await run_experiment(prepared, folder, on_tick=on_tick, stopped=stopped)

    return carry_out(work, lambda: folder, output)


def carry_out(
    work: Callable[[], Coroutine[Any, Any, dict[str, Any]]],
    begun_in: Callable[[], Path | None],
    output: Output,
) -> dict[str, Any]:
    """Do the work, and where it stops say where the run is; one that was refused never ran."""
    import asyncio
    import gc

    from actors.journal.files import database_path
    from actors.journal.port import StorageError
    from arena.exceptions import CapitalConservationError

    gc.collect()
    gc.freeze()  # What was imported stays: no later collection needs to look at it.
    try:
        return asyncio.run(work())
    except BaseException as error:
        if isinstance(error, CapitalConservationError) and not output.json:
            click.echo(f"ledger: NOT balanced: {error}")
        folder = begun_in()
        if folder is not None and database_path(folder).exists():
            output.note(f"the run stopped; what happened until then is in {folder}")
            if isinstance(error, StorageError) and error.definite:
                again = how_to("run", "--resume", str(folder))
                output.note(f"to go on, when the disk takes it: {again}")
        raise
