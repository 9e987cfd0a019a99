"""How the daemon comes to its run: a new one is begun, one that is there goes on where it stood."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from structlog.contextvars import bind_contextvars

from actors.app.bootstrap import Start
from actors.app.daemon.gauges import Committed, Gauges, MeteredJournal
from actors.app.daemon.reload import Change, compare_with_run
from actors.app.daemon.serving import Serving
from actors.app.experiment import live_source, prepare, prepare_live
from actors.app.forks import Fork
from actors.app.live import LiveSource
from actors.app.markets import LoadedMarket
from actors.app.proof import proven_head
from actors.app.rerun import rebuild
from actors.app.resuming import find_start
from actors.journal.chain import Head, run_id_of
from actors.journal.files import database_path
from actors.journal.reader import open_run
from actors.journal.sqlite import SqliteJournal
from actors.runtime import Clock
from arena.experiment import manifest

log = structlog.wrap_logger(logging.getLogger(__name__))


class LentJournal(MeteredJournal):
    """The journal for one arena of several: who lends it closes it, when no other one comes."""

    async def close(self) -> None:
        """Leave it open."""

    async def close_for_good(self) -> None:
        """Close it."""
        await super().close()


Lend = Callable[[SqliteJournal, Start, Head], LentJournal]
"""Makes of a journal, the place where the arena begins and the end of the record what is lent."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A run that is open for writing.

    Attributes:
        journal: Where events go; what is on record already is compared, not written.
        loaded: The market, as far as it is known.
        start: Where the arena begins.
        end: Where the record ends.
        changed: What the config says of the rules that is not in effect yet.
        idle_s: Seconds since the last entry was written, by the machine's clock.
        source: Where more bars come from; None where all are known.
        fork: What a run that was forked has to pass first, once it has done again what it shares.
    """

    journal: LentJournal
    loaded: LoadedMarket
    start: Start
    end: Head
    changed: tuple[Change, ...] = ()
    idle_s: float = 0.0
    source: LiveSource | None = None
    fork: Fork | None = None


@asynccontextmanager
async def open_journal(
    serving: Serving, gauges: Gauges, committed: Committed, *, clock: Clock
) -> AsyncIterator[Opened]:
    """Open the run of `serving`, or begin it, and close it in the end.

    Args:
        serving: Which run.
        gauges: Where commits are measured.
        committed: Told of each commit, on the loop.
        clock: The current time: data from later than tomorrow is refused.

    Raises:
        ConfigError: The config is not that of the run in the folder.
        LockedError: Somebody else is carrying the run on.
        EventSourcingError: The run is damaged, or of a newer version.
        StorageError: The disk refused.
        DataError: The market's files cannot be used.
    """

    def lend(journal: SqliteJournal, start: Start, end: Head) -> LentJournal:
        return LentJournal(journal, head=start.head, end=end, gauges=gauges, committed=committed)

    opened = await (_begin if serving.is_new else _go_on)(serving, clock, lend)
    bind_contextvars(run_id=str(opened.start.run_id))  # In every line of the log from here on.
    try:
        yield opened
    finally:
        if opened.source is not None:
            opened.source.close()
        await opened.journal.close_for_good()


async def _begin(serving: Serving, clock: Clock, lend: Lend) -> Opened:
    source = None
    if serving.polls:
        prepared, source = await prepare_live(serving.config, serving.overrides, clock=clock)
    else:
        prepared = prepare(serving.config, serving.overrides, now=clock.stamp())
    facts = manifest(prepared.experiment)
    run_id = run_id_of(facts)
    try:
        if source is not None:
            source.begin(database_path(serving.folder), run_id)
        journal = await SqliteJournal.create(serving.folder, run_id, facts, prepared.meta)
    except BaseException:
        if source is not None:
            source.close()
        raise
    start = Start.beginning(prepared.experiment)
    lent = lend(journal, start, start.head)
    return Opened(lent, prepared.loaded, start, start.head, source=source)


async def _go_on(serving: Serving, clock: Clock, lend: Lend) -> Opened:
    with open_run(serving.folder) as run:  # Before anything of it is touched.
        changed = compare_with_run(serving.settings, run)
    journal = await SqliteJournal.open(
        serving.folder, after_io_error=serving.after_io_error, prove=proven_head
    )
    try:
        with open_run(serving.folder) as run:
            now = clock.stamp()
            rebuilt = rebuild(run, now=now, also=[serving.settings])
            idle_s = (now - run.written_at()).total_seconds()
            snapshots = await journal.snapshots()
            start, end = find_start(run, rebuilt.experiment, snapshots, rebuilt.forks)
        source = _resumed(serving, start, clock)
    except BaseException:
        await journal.close()
        raise
    for note in (*rebuilt.loaded.notes, *rebuilt.notes):
        log.info("run_note", note=note)
    fork = next((each for each in rebuilt.forks if each.seq == end.seq), None)
    lent = lend(journal, start, end)
    return Opened(lent, rebuilt.loaded, start, end, changed, idle_s, source, fork)


def _resumed(serving: Serving, start: Start, clock: Clock) -> LiveSource | None:
    """Return where more bars of a run come from that goes on; None where all are known."""
    if not serving.polls:
        return None
    source = live_source(serving.settings, serving.config.parent, clock=clock)
    source.resume(database_path(serving.folder), start.run_id)
    return source
