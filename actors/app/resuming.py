"""Resuming: a run that was stopped, by whatever, goes on as if it never had been.

Every start is the same: look at the file, hold the chain against its anchors, begin at the last
snapshot that fits (or at the beginning), do again what is on record since then and compare it entry
by entry, and go on from there.  A run that was killed at any instant therefore ends with the head
and the state of one that never was.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.app.experiment import carry_out, watchdog
from actors.app.folding import fold_run
from actors.app.forks import Fork, experiment_at, pass_fork
from actors.app.hindsight import look_back, look_back_at
from actors.app.markets import LoadedMarket
from actors.app.proof import proven_head
from actors.app.redo import redo_next, unfinished_evolve
from actors.app.rerun import rebuild
from actors.app.result import summarise
from actors.app.snapshots import VERSION, delayed_in, memories_in, treasury_in
from actors.journal.chain import Head, genesis_hash
from actors.journal.files import named_database
from actors.journal.lock import LockedError
from actors.journal.port import Snapshot, StorageError
from actors.journal.reader import JournalReader, open_run
from actors.journal.resuming import BorrowedJournal, ResumingJournal
from actors.journal.sqlite import SqliteJournal
from actors.journal.walk import check_chain
from arena.exceptions import EventSourcingError
from arena.experiment import Experiment
from arena.ids import RunId
from arena.market import Market
from arena.treasury import Treasury

log = structlog.wrap_logger(logging.getLogger(__name__))

FULL_CHECK_EVENTS = 200_000
"""A longer chain is checked from the snapshot on: `arena verify` looks at all of it."""


async def resume_experiment(
    folder: Path,
    *,
    now: datetime,
    after_io_error: bool = False,
    loaded: LoadedMarket | None = None,
    on_start: Callable[[int, int], Callable[[int], None]] = lambda _, __: lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Carry the run in `folder` on to its end and return the result, as `run_experiment` does.

    A run that has come to its end already returns the result that it had.

    Args:
        folder: Of the run; or its file.
        now: The current time: data from later than tomorrow is refused.
        after_io_error: Go on although the last process ended in an I/O error.
        loaded: The run's market, where that was built already.
        on_start: Called with the tick to go on from and the last one; what it returns is called
            after each tick with its number.
        stopped: Asked between ticks; where it says yes, the run ends there, uncompleted.

    Raises:
        LockedError: Somebody else is carrying it on.
        HistoryLostError: The journal ends before an entry that it once had.
        EventSourcingError: It is damaged, or the run carried out again does something else.
        IoErrorLeftError: The last process ended in an I/O error.
        DataError: The market's files are not those of the run.
    """
    with open_run(folder) as run:
        done = completed_result(run)
    if done is not None:
        await _leave_tidy(folder, after_io_error=after_io_error)
        return {**done, "path": str(named_database(folder))}
    journal = await SqliteJournal.open(folder, after_io_error=after_io_error, prove=proven_head)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(journal.close)
        with open_run(folder) as run:
            rebuilt = rebuild(run, now=now, loaded=loaded)
            snapshots = await journal.snapshots()
            start, end = find_start(run, rebuilt.experiment, snapshots, rebuilt.forks)
        word = {"from_seq": start.head.seq, "head_seq": end.seq}
        on_tick = on_start(start.treasury.tick, rebuilt.experiment.market.ticks)
        market = rebuilt.loaded.market
        for fork in rebuilt.forks:
            if fork.seq >= start.head.seq:
                borrowed = BorrowedJournal(journal, head=start.head, end=end)
                start = await _carry_through(fork, start, market, borrowed, on_tick)
        stack.pop_all()  # From here on the arena closes it.
    resuming = ResumingJournal(journal, head=start.head, end=end)
    arena = Arena(start.treasury.experiment, market, resuming, start=start)
    result = await carry_out(
        arena,
        resuming,
        ("resumed", word),
        on_tick=on_tick,
        stopped=stopped,
        again=partial(_again, resuming, on_tick),
    )
    notes = [*rebuilt.loaded.notes, *rebuilt.notes]
    path = str(named_database(folder))
    return {**result, **look_back_at(folder), "notes": notes, "path": path}


async def _again(journal: ResumingJournal, on_tick: Callable[[int], None], arena: Arena) -> bool:
    """Do the next thing again that is on record, and finish a cycle that was only asked for."""
    if await redo_next(arena, journal, on_tick=on_tick):
        return True
    if await unfinished_evolve(arena, journal):
        await arena.safe_run_evolution()
    return False


async def _leave_tidy(folder: Path, *, after_io_error: bool) -> None:
    """Anchor the end of a completed run, whose process may have been killed before it did.

    Raises:
        EventSourcingError: It has lost entries, or is damaged.
    """
    try:
        journal = await SqliteJournal.open(folder, after_io_error=after_io_error, prove=proven_head)
        await journal.close()
    except (LockedError, StorageError, OSError) as error:
        log.info("run_left_as_it_is", because=str(error))


async def _carry_through(
    fork: Fork,
    start: Start,
    market: Market,
    journal: BorrowedJournal,
    on_tick: Callable[[int], None],
) -> Start:
    """Do again what came before `fork`, put the fork on the record, and return what follows it.

    Raises:
        EventSourcingError: What came before it is not on record as it was done again.
    """
    async with Arena(start.treasury.experiment, market, journal, start=start) as arena:
        with watchdog(arena):
            while arena.treasury.seq < fork.seq:
                await redo_next(arena, journal, on_tick=on_tick)
            seq = arena.treasury.seq
            if seq != fork.seq:
                message = (
                    f"day {fork.tick} done again ends at seq {seq}; it was forked at {fork.seq}"
                )
                raise EventSourcingError(message, seq=min(seq, fork.seq))
            return await pass_fork(arena, fork)


def find_start(
    run: JournalReader,
    experiment: Experiment,
    snapshots: Sequence[Snapshot],
    forks: Sequence[Fork] = (),
) -> tuple[Start, Head]:
    """Return where to begin, and where the record ends.

    Args:
        run: What is on record; its chain is checked.
        experiment: What is run, up to the first fork.
        snapshots: The newest first; the first one that fits is taken.
        forks: The forks that led to the run.

    Raises:
        EventSourcingError: The chain is broken.
    """
    name = run.meta().get("run_id")
    if name is None:
        raise EventSourcingError(f"{str(run.path)!r} is damaged: it has no run_id")
    start = Start(RunId(name), Head(0, genesis_hash(run.manifest())), Treasury(experiment))
    known = Head(0, start.head.hash)
    for snapshot in snapshots:
        head = Head(snapshot.seq, snapshot.event_hash)
        if snapshot.version != VERSION or run.head_at(snapshot.seq) != head:
            continue
        try:
            treasury = treasury_in(snapshot, experiment_at(experiment, forks, snapshot.seq))
            memories, delayed = memories_in(snapshot), delayed_in(snapshot)
        except EventSourcingError as error:
            log.warning("snapshot_unreadable", seq=snapshot.seq, error=str(error))
            continue
        start = replace(start, head=head, treasury=treasury, memories=memories, delayed=delayed)
        if run.head().seq > FULL_CHECK_EVENTS:
            known = head
        break
    return start, check_chain(run.connection, known)


def completed_result(run: JournalReader) -> dict[str, Any] | None:
    """Return the result of a run that has come to its end, as it was; None of another one.

    Raises:
        EventSourcingError: The run is damaged.
    """
    last = next(run.entries(limit=1, newest_first=True), None)
    if last is None or last.event_type != "RunCompleted":
        return None
    check_chain(run.connection, Head(0, genesis_hash(run.manifest())))
    treasury = fold_run(run)
    words = [json.loads(row.data) for row in run.process_log() if row.kind == "stopped"]
    return {
        "run_id": run.meta()["run_id"],
        "name": treasury.experiment.name,
        "seed": treasury.experiment.seed,
        **summarise(treasury),
        **look_back(run),
        "head": last.hash,
        "reproducible": all(word.get("reproducible", True) for word in words),
        "wall_s": round(sum(word["wall_s"] for word in words), 3),
        "notes": [],
    }
