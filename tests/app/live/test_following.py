"""A live run and the backtest of the same bars: one journal, in whatever pieces they came."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.app.arena import Arena
from actors.app.experiment import live_source, prepare_live
from actors.app.folding import fold_run
from actors.app.forking import make_fork, plan_fork
from actors.app.live import Pace
from actors.app.rerun import re_execute, rebuild
from actors.app.resuming import find_start, resume_experiment
from actors.journal.backup import back_up, restore
from actors.journal.bars import bars_path
from actors.journal.chain import Head, run_id_of
from actors.journal.files import FILE_NAME
from actors.journal.memory import MemoryJournal
from actors.journal.reader import open_run
from actors.journal.resuming import ResumingJournal
from actors.journal.sqlite import SqliteJournal
from actors.journal.verify import verify
from actors.runtime import ManualClock
from arena.exceptions import EventSourcingError, ValidationError
from arena.experiment import manifest
from tests.app.live.growing import DAYS, NOW, WARMUP, Coming, Folder, backtest_of, facts, rows
from tests.app.live.growing import settings as settings_of
from tests.worlds import a_run


@cache
def backtest(days: int = DAYS) -> list[tuple[object, ...]]:
    """Return the journal of the backtest over whole files."""

    async def work() -> list[tuple[object, ...]]:
        with tempfile.TemporaryDirectory() as name:
            folder = Folder(Path(name), WARMUP + days)
            experiment, market = backtest_of(folder.path, days)
            journal = MemoryJournal(manifest(experiment))
            async with Arena(experiment, market, journal) as arena:
                await arena.backtest()
            return facts(journal.entries)

    return asyncio.run(work())


async def live(
    folder: Folder,
    run: Path,
    clock: Coming,
    ticks: int,
    on_tick: Callable[[int], None] | None = None,
) -> None:
    """Begin a live run in `run`, and settle `ticks` bars of it."""
    prepared, source = await prepare_live(folder.config, (), clock=clock)
    run.mkdir()  # noqa: ASYNC240 - nobody else is there to wait
    manifested = manifest(prepared.experiment)
    run_id = run_id_of(manifested)
    source.begin(run / FILE_NAME, run_id)
    journal = await SqliteJournal.create(run, run_id, manifested, prepared.meta)
    async with Arena(prepared.experiment, prepared.loaded.market, journal) as arena:
        await arena.live_simulate(ticks, pace=Pace(clock, 5.0), source=source, on_tick=on_tick)
    source.close()


async def go_on(folder: Folder, run: Path, clock: Coming, until: int) -> None:
    """Go on with a live run, whatever ended it, up to the tick `until`."""
    journal = await SqliteJournal.open(run)
    with open_run(run) as reader:
        rebuilt = rebuild(reader, now=NOW)
        start, end = find_start(reader, rebuilt.experiment, await journal.snapshots())
    source = live_source(settings_of(), folder.path, clock=clock)
    source.resume(run / FILE_NAME, start.run_id)
    resuming = ResumingJournal(journal, head=start.head, end=end)
    async with Arena(rebuilt.experiment, rebuilt.loaded.market, resuming, start=start) as arena:
        left = until - arena.treasury.tick
        await arena.live_simulate(left, pace=Pace(clock), source=source)
    source.close()


def stored(run: Path) -> list[tuple[object, ...]]:
    with open_run(run) as reader:
        return facts(reader.entries())


def pieces_of(sizes: Sequence[int]) -> list[range]:
    ends = [WARMUP]
    for size in sizes:
        ends.append(min(ends[-1] + size, WARMUP + DAYS))
    return [range(a, b) for a, b in zip(ends, [*ends[1:], WARMUP + DAYS], strict=True)]


def coming(folder: Folder, sizes: Sequence[int]) -> Coming:
    return Coming([partial(folder.add, rows(piece)) for piece in pieces_of(sizes)])


@settings(max_examples=3, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=6))
def test_bars_that_come_in_pieces_give_the_journal_of_the_backtest(sizes):
    with tempfile.TemporaryDirectory() as name:
        folder, run = Folder(Path(name) / "data"), Path(name) / "run"

        asyncio.run(live(folder, run, coming(folder, sizes), DAYS))

        assert stored(run) == backtest()


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> tuple[Folder, Path]:
    """A live run of all days, and the folder that its prices came from."""
    base = tmp_path_factory.mktemp("grown")
    folder, run = Folder(base / "data"), base / "run"
    asyncio.run(live(folder, run, coming(folder, [3, 0, 9]), DAYS))
    return folder, run


def test_a_live_run_is_carried_out_again_from_its_recording_alone(grown, tmp_path):
    _, run = grown
    copy = shutil.copytree(run, tmp_path / "run")
    with open_run(copy) as reader:
        rebuilt = rebuild(reader, now=NOW)
        again = asyncio.run(re_execute(reader, rebuilt, fold_run(reader)))

    assert again.divergence is None
    assert again.agreed == len(backtest())
    assert (rebuilt.experiment.market.live, rebuilt.experiment.market.endless) == (True, True)
    assert verify(copy).findings == ()


def killed_after(tick: int, run: Callable[[Callable[[int], None]], None]) -> int:
    """Let a process carry `run` out and kill itself after a tick; return how it ended."""

    def on_tick(reached: int) -> None:
        if reached == tick:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if not child:
        try:
            run(on_tick)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("tick", [5, 12])
def test_a_live_run_that_was_killed_goes_on_from_its_recording(tmp_path, tick):
    folder, run = Folder(tmp_path / "data"), tmp_path / "run"

    def work(on_tick: Callable[[int], None]) -> None:
        asyncio.run(live(folder, run, coming(folder, [3, 4, 5]), DAYS, on_tick))

    assert killed_after(tick, work) == -signal.SIGKILL
    folder.write(rows(range(WARMUP + DAYS)))
    with bars_path(run / FILE_NAME).open("ab") as file:
        file.write(b'{"opens_at":17')  # It was killed once more, while it wrote down a bar.

    asyncio.run(go_on(folder, run, Coming(), DAYS))

    assert stored(run) == backtest()


def test_resuming_without_the_source_settles_what_is_recorded_and_stops_there(tmp_path):
    folder, run = Folder(tmp_path / "data", WARMUP + DAYS), tmp_path / "run"
    asyncio.run(live(folder, run, Coming(), 9))
    shutil.rmtree(folder.path)

    result = asyncio.run(resume_experiment(run, now=NOW))

    assert (result["status"], result["ticks"]) == ("interrupted", DAYS)
    assert stored(run) == backtest()


def test_a_copy_of_a_live_run_and_a_fork_of_it_have_its_bars(grown, tmp_path):
    _, run = grown
    back_up(run, tmp_path / "copy.db")
    restore(tmp_path / "copy.db", tmp_path / "restored")
    with open_run(run) as parent:
        plan = plan_fork(parent, parent.head().seq, ["evolution.cycle_days=5"], now=NOW)
        (tmp_path / "fork").mkdir()
        make_fork(parent, plan, tmp_path / "fork" / FILE_NAME)

    recorded = bars_path(run / FILE_NAME).read_bytes()
    for database in ("copy.db", f"restored/{FILE_NAME}", f"fork/{FILE_NAME}"):
        assert bars_path(tmp_path / database).read_bytes() == recorded
    forked = asyncio.run(resume_experiment(tmp_path / "fork", now=NOW))
    assert forked["ticks"] == DAYS


def test_damaged_missing_and_foreign_bars_are_refused(grown, tmp_path):
    _, run = grown
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    path, whole = bars_path(copy / FILE_NAME), bars_path(run / FILE_NAME).read_bytes()
    lines = whole.splitlines(keepends=True)
    other = whole.replace(json.loads(lines[0])["run_id"].encode(), b"0" * 36)
    damages = [
        b"".join([*lines[:9], lines[9].replace(b"1", b"2", 1), *lines[10:]]),
        b"".join(lines[:9] + lines[10:]),
        b"".join(lines[:-2]),
        other,
        b"",
        None,
    ]
    for content in damages:
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        with pytest.raises((EventSourcingError, ValidationError)):
            asyncio.run(resume_experiment(copy, now=NOW))
        path.touch()


def test_a_run_with_a_last_day_ends_there_by_itself(tmp_path):
    async def work() -> tuple[int, int]:
        folder = Folder(tmp_path / "data", WARMUP + 2)
        clock = Coming([partial(folder.add, rows(range(WARMUP + 2, WARMUP + 9)))])
        prepared, source = await prepare_live(folder.config, ["run.days=5"], clock=clock)
        source.begin(tmp_path / FILE_NAME, "some-run")
        async with Arena(prepared.experiment, prepared.loaded.market) as arena:
            tick = await arena.live_simulate(pace=Pace(clock, 5.0), source=source)
        source.close()
        return tick, arena.experiment.market.ticks

    assert asyncio.run(work()) == (5, 5)


@settings(max_examples=5, deadline=None)
@given(st.floats(0.0, 100.0), st.integers(1, 12))
def test_a_market_that_is_known_and_paced_gives_the_very_same_hashes(interval_s, ticks):
    experiment, market = a_run(days=12, agents=4)
    clock = ManualClock(NOW)

    async def head(paced: Pace | None) -> Head:
        async with Arena(experiment, market) as arena:
            if paced is None:
                await arena.backtest()
            else:
                assert await arena.live_simulate(ticks, pace=paced) == ticks
                assert await arena.live_simulate(pace=paced) == 12
            return arena.cast.allocator.head

    async def both() -> tuple[Head, Head]:
        return await head(None), await head(Pace(clock, interval_s))

    one, other = asyncio.run(both())
    assert one == other
    assert clock.monotonic_s() == pytest.approx(11 * interval_s)
