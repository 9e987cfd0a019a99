"""A live run and the backtest of the same bars: one journal, in whatever pieces they came."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.app.arena import Arena
from actors.app.experiment import prepare_live
from actors.app.folding import fold_run
from actors.app.live import Pace
from actors.app.rerun import re_execute, rebuild
from actors.journal.chain import run_id_of
from actors.journal.files import FILE_NAME
from actors.journal.memory import MemoryJournal
from actors.journal.reader import open_run
from actors.journal.sqlite import SqliteJournal
from arena.experiment import manifest
from tests.app.live.growing import DAYS, NOW, WARMUP, Coming, Folder, backtest_of, facts, rows


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


async def live(folder: Folder, run: Path, clock: Coming, ticks: int) -> None:
    """Begin a live run in `run`, and settle `ticks` bars of it."""
    prepared, source = await prepare_live(folder.config, (), clock=clock)
    run.mkdir()  # noqa: ASYNC240 - nobody else is there to wait
    manifested = manifest(prepared.experiment)
    run_id = run_id_of(manifested)
    source.begin(run / FILE_NAME, run_id)
    journal = await SqliteJournal.create(run, run_id, manifested, prepared.meta)
    async with Arena(prepared.experiment, prepared.loaded.market, journal) as arena:
        assert await arena.live_simulate(ticks, pace=Pace(clock, 5.0), source=source) == ticks
    source.close()


def stored(run: Path) -> list[tuple[object, ...]]:
    with open_run(run) as reader:
        return facts(reader.entries())


def pieces_of(sizes: Sequence[int]) -> list[range]:
    ends = [WARMUP]
    for size in sizes:
        ends.append(min(ends[-1] + size, WARMUP + DAYS))
    return [range(a, b) for a, b in zip(ends, [*ends[1:], WARMUP + DAYS], strict=True)]


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=6))
def test_bars_that_come_in_pieces_give_the_journal_of_the_backtest(sizes):
    with tempfile.TemporaryDirectory() as name:
        folder, run = Folder(Path(name) / "data"), Path(name) / "run"
        clock = Coming([partial(folder.add, rows(piece)) for piece in pieces_of(sizes)])

        asyncio.run(live(folder, run, clock, DAYS))

        assert stored(run) == backtest()
        with open_run(run) as reader:
            rebuilt = rebuild(reader, now=NOW)
            again = asyncio.run(re_execute(reader, rebuilt, fold_run(reader)))
        assert again.divergence is None
        assert len(rebuilt.loaded.market) == WARMUP + DAYS
