"""From a config to a run on disk: settings, market, experiment, journal, ticks, result.

WHAT is run stands in the manifest, which the chain of hashes begins with.  HOW it was run (the
config's path, the settings in full, where the data lay) stands in `meta`, unhashed: it is what a
re-execution rebuilds the market from.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from actors.app.arena import Arena
from actors.app.borrowed import borrowed_by, borrowed_text, in_use
from actors.app.exits import ExitCode
from actors.app.hindsight import look_back_at
from actors.app.live import Downloader, LiveSource
from actors.app.markets import LoadedMarket, build_experiment, build_market, read_sources
from actors.app.plugins import Plugins, find_plugins
from actors.app.result import summarise
from actors.app.settings import Settings, effective, load_settings
from actors.app.snapshots import NotPlainError
from actors.journal.chain import run_id_of
from actors.journal.codec import canonical
from actors.journal.files import FILE_NAME, check_free
from actors.journal.port import Journal
from actors.journal.sqlite import SqliteJournal
from actors.runtime import Clock, Watchdog
from arena.exceptions import ValidationError
from arena.experiment import Experiment, manifest
from arena.words import Scalar

SNAPSHOT_EVERY_S = 2.0
"""How old a snapshot must be before the end of a cycle brings the next one.

It bounds what a resumed run does again, and what saving costs: real time, of which the history
knows nothing."""

HUNG_AFTER_S = 30.0
"""How long nothing may move before the process ends: no step of a strategy, nothing between."""

RUNS = Path("runs")
"""Where runs go that were not told where to go."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A config that has been read, and everything that it led to.

    Attributes:
        experiment: What is run.
        loaded: On which market.
        meta: How it is run.
    """

    experiment: Experiment
    loaded: LoadedMarket
    meta: Mapping[str, str]


def prepare(
    config: Path, overrides: Sequence[str], *, now: datetime, loaded: LoadedMarket | None = None
) -> Prepared:
    """Read a config and its market; nothing is written.

    Args:
        config: A TOML file.
        overrides: `table.key=value`, the later one winning.
        now: The current time: data from later than tomorrow is refused.
        loaded: Its market, where that was built already.

    Raises:
        ConfigError: The config cannot be used.
        DataError: The market's files cannot be used.
    """
    settings = load_settings(config, overrides)
    loaded = loaded or build_market(settings, config.parent, now=now)
    known = find_plugins(settings.plugins.modules, config.parent)
    experiment = build_experiment(settings, loaded, *in_use(known, [settings]))
    return Prepared(experiment, loaded, _meta(settings, config, known))


async def prepare_live(
    config: Path, overrides: Sequence[str], *, clock: Clock
) -> tuple[Prepared, LiveSource]:
    """Read a config whose market grows, and look for the first time; nothing is written.

    Before the run's database is made, the source has to `begin`; at the end, to `close`.

    Args:
        config: A TOML file.
        overrides: `table.key=value`, the later one winning.
        clock: Says which days have closed.

    Raises:
        ConfigError: The config cannot be used.
        DataError: The market's files cannot be used, or do not have the warm-up.
    """
    source = live_source(load_settings(config, overrides), config.parent, clock=clock)
    try:
        loaded = await source.open()
        return prepare(config, overrides, now=clock.stamp(), loaded=loaded), source
    except BaseException:
        source.close()
        raise


def live_source(settings: Settings, base: Path, *, clock: Clock) -> LiveSource:
    """Return what looks for bars as the settings say; a run that goes on has it `resume`.

    Args:
        settings: Where the market is read from.
        base: The folder that paths in the config are relative to.
        clock: Says which days have closed.

    Raises:
        ConfigError: The market is none that can grow.
    """
    return LiveSource(settings, base, clock=clock, downloader=downloader_of(settings, base))


def downloader_of(settings: Settings, base: Path) -> Downloader | None:
    """Return what fetches bars before each look; None where the settings want nothing fetched.

    Raises:
        ImportError: The extra `data` is not installed.
    """
    return Downloader(settings, base) if settings.live.download else None


def _meta(settings: Settings, config: Path, known: Plugins) -> dict[str, str]:
    base = config.absolute().parent
    return {
        "plugins": borrowed_text(borrowed_by(settings, known)),
        "settings": canonical(effective(settings)),
        "config": str(config.absolute()),
        "base": str(base),
        "data": json.dumps([source.name for source in read_sources(settings, base)]),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def make_folder(name: str, out: Path | None, *, runs: Path = RUNS) -> Path:
    """Make the folder of a new run: `out`, or the first free `runs/<name>-<n>`.

    Raises:
        ValidationError: `out` holds a run already, or what is left of one, or is no folder.
        OSError: The folder cannot be made.
    """
    if out is None:
        return _next_folder(name, runs)
    try:
        check_free(out / FILE_NAME)
    except FileExistsError as error:
        needed = f"a folder that holds no run yet, and nothing left of one: {error}"
        raise ValidationError("--out", found=str(out), needed=needed) from None
    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ValidationError("--out", found=str(out), needed="a folder, not a file") from None
    return out


def _next_folder(name: str, runs: Path) -> Path:
    runs.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = runs / f"{name}-{number}"
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


async def run_experiment(
    prepared: Prepared,
    folder: Path,
    *,
    on_tick: Callable[[int], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Run `prepared` and keep its journal in `folder`; return the result as plain data.

    Args:
        prepared: What to run.
        folder: Exists, and holds no run.
        on_tick: Called after each tick with its number.
        stopped: Asked between ticks; where it says yes, the run ends there, uncompleted.

    Raises:
        FileExistsError: `folder` holds a run.
        StorageError: The disk refused.
        CapitalConservationError: Money appeared or vanished.
    """
    facts = manifest(prepared.experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, prepared.meta)
    arena = Arena(prepared.experiment, prepared.loaded.market, journal)
    word = {"ticks": prepared.experiment.market.ticks}
    result = await carry_out(arena, journal, ("started", word), on_tick=on_tick, stopped=stopped)
    notes = list(prepared.loaded.notes)
    return {**result, **look_back_at(folder), "notes": notes, "path": str(folder / FILE_NAME)}


async def _nothing_again(_: Arena) -> bool:
    return False


async def carry_out(
    arena: Arena,
    journal: Journal,
    word: tuple[str, Mapping[str, Scalar]],
    *,
    on_tick: Callable[[int], None],
    stopped: Callable[[], bool],
    again: Callable[[Arena], Awaitable[bool]] = _nothing_again,
) -> dict[str, Any]:
    """Open `arena`, run it to its end or until `stopped` says so, and return the result.

    Args:
        arena: Not open yet; its history goes to `journal`.
        journal: Closed with the arena.
        word: Kind and data of what the process's log says first.
        on_tick: Called after each tick with its number.
        stopped: Asked between ticks.
        again: Called until it says no, before anything new is done: does one thing again that is on
            record.
    """
    began = time.perf_counter()
    experiment = arena.experiment
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(arena)
        stack.enter_context(watchdog(arena))
        await journal.record(*word)
        saver = Saver(arena, journal)
        while await again(arena):
            await saver.save_if_due()
        more = True
        while more and not experiment.market.ends_at(arena.treasury.tick) and not stopped():
            before = arena.treasury.tick
            more = await arena.backtest(1, on_tick=on_tick) > before
            await saver.save_if_due()
        interrupted = not experiment.market.ends_at(arena.treasury.tick)
        if not interrupted:
            await arena.complete()
        result = summarise(arena.treasury)
        if interrupted:
            await saver.save()
            result["status"] = "interrupted"
        outcome = {
            "reproducible": not arena.cast.overruns,
            "wall_s": round(time.perf_counter() - began, 3),
        }
        await journal.record("stopped", {"status": result["status"], **outcome})
        return {
            "run_id": arena.run_id,
            "name": experiment.name,
            "seed": experiment.seed,
            **result,
            "head": arena.cast.allocator.head.hash,
            **outcome,
        }


def watchdog(arena: Arena) -> Watchdog:
    """Return what ends this process when nothing moves: the journal is complete up to there."""
    return Watchdog(HUNG_AFTER_S, exit_code=ExitCode.TIMED_OUT, progress=lambda: arena.budget.ended)


class Saver:
    """Saves a snapshot at the end of a cycle, if the last one is some seconds old.

    A step that took too long may not take too long again: after that tick one is saved at once.
    """

    def __init__(self, arena: Arena, journal: Journal) -> None:
        self._arena = arena
        self._journal = journal
        self._cycle = arena.treasury.cycle
        self._overruns = 0
        self._saved_at = time.monotonic()
        self._possible = True

    async def save_if_due(self) -> None:
        """Save one, if it is time to."""
        cycle, self._cycle = self._cycle, self._arena.treasury.cycle
        overruns, self._overruns = self._overruns, len(self._arena.cast.overruns)
        old = time.monotonic() - self._saved_at >= SNAPSHOT_EVERY_S
        if self._overruns > overruns or (old and self._cycle > cycle):
            await self.save()

    async def save(self) -> None:
        """Save one, unless an agent's memory cannot be: the log of the process says so once."""
        if not self._possible:
            return
        try:
            await self._arena.save_snapshot()
        except NotPlainError as error:
            self._possible = False
            await self._journal.record("no_snapshots", {"because": str(error)})
        self._saved_at = time.monotonic()
