"""What a live run makes of data that is late, twice, missing, changed, or still being written."""

from __future__ import annotations

import asyncio
import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from actors.app.live import LiveSource
from actors.app.settings import ConfigError
from actors.feeds import DataError
from actors.journal.bars import read_bars
from actors.journal.marker import marker_path
from actors.journal.port import StorageError
from actors.runtime import ManualClock
from arena.market import Market
from tests.app.live.growing import NOW, WARMUP, Folder, day, row, rows, settings


class Watched:
    """A live source, and the folder that it looks at."""

    def __init__(self, path: Path, *, now: datetime = NOW, resumed: bool = False) -> None:
        self.folder = Folder(path / "data") if not resumed else None
        self.database = path / "run.db"
        self.clock = ManualClock(now)
        self.source = LiveSource(settings(), path / "data", clock=self.clock)
        if resumed:
            self.source.resume(self.database, "some-run")
        else:
            asyncio.run(self.source.open())
            self.source.begin(self.database, "some-run")

    def poll(self) -> Market | None:
        return asyncio.run(self.source.poll())

    @property
    def known(self) -> int:
        """How many days beyond the warm-up are recorded."""
        assert self.source.bars is not None
        return len(self.source.bars.market) - WARMUP


@pytest.fixture
def watched(tmp_path):
    found = Watched(tmp_path)
    yield found
    found.source.close()


def test_a_bar_is_complete_when_every_source_has_it_and_recorded_before_it_is_given(watched):
    watched.folder.add(row(8, "ONE"))
    assert watched.poll() is None

    watched.folder.add(row(8, "TWO"))
    market = watched.poll()

    assert market is not None
    assert market.opens_on(-1).date() == day(8)
    recorded = read_bars(watched.database).bars
    assert np.array_equal(recorded.market.values, market.values, equal_nan=True)
    assert recorded.market.columns == market.columns
    assert watched.poll() is None


def test_a_day_that_has_not_closed_is_no_bar(tmp_path):
    found = Watched(tmp_path, now=datetime(2024, 1, 9, 23, 59, tzinfo=UTC))
    found.folder.add(rows([8]))
    assert found.poll() is None
    found.clock.advance(60)

    assert found.poll() is not None

    assert (found.known, found.source.reasons) == (1, ())
    found.source.close()


def test_a_source_that_may_have_gaps_has_one_when_another_has_the_next_bar(watched):
    watched.folder.add(rows([8, 9], without=[(8, "TWO"), (9, "TWO")]))
    market = watched.poll()

    assert watched.known == 1
    assert market.column("TWO.held")[-1] == 1.0
    assert market.column("TWO.close")[-1] == market.column("TWO.close")[-2]
    watched.folder.add(rows([10]))
    assert watched.poll().column("TWO.held").tolist()[-3:] == [1.0, 1.0, 0.0]


def test_a_source_that_may_have_none_is_waited_for(watched):
    watched.folder.add(rows([8, 9], without=[(8, "ONE"), (9, "ONE")]))
    assert watched.poll() is None
    assert any("prices.csv: nothing after 2024-01-08" in each for each in watched.source.reasons)

    watched.folder.write(rows(range(WARMUP + 2)))

    assert watched.poll() is not None
    assert watched.known == 2


def test_a_gap_where_none_may_be_stops_the_run_until_it_is_filled(watched):
    watched.folder.add(rows([8, 9, 10], without=[(9, "ONE")]))
    assert watched.poll() is None
    assert "rows for 2024-01-10 to 2024-01-10" in watched.source.reasons[0]

    watched.folder.write(rows(range(WARMUP + 3)))
    watched.poll()

    assert watched.known == 3


def test_a_row_that_comes_after_its_bar_is_counted_and_left_out(watched):
    watched.folder.add(rows([8, 9, 10], without=[(8, "TWO")]))
    before = watched.poll()
    watched.folder.write(rows(range(WARMUP + 3)))
    assert watched.poll() is None
    watched.folder.add(rows([11]))
    after = watched.poll()

    assert watched.source.late == 1
    assert np.array_equal(after.values[:-1], before.values, equal_nan=True)
    assert after.column("TWO.held")[WARMUP] == 1.0


def test_a_late_row_is_left_out_by_who_goes_on_as_well(tmp_path):
    first = Watched(tmp_path)
    first.folder.add(rows([8, 9], without=[(8, "TWO")]))
    first.poll()
    first.folder.write(rows(range(WARMUP + 3)))
    second = Watched(tmp_path, resumed=True)

    market = second.poll()

    assert (second.known, second.source.late) == (3, 1)
    assert market.column("TWO.held").tolist()[-3:] == [1.0, 0.0, 0.0]
    first.source.close()
    second.source.close()


def test_equal_rows_are_one_and_different_ones_are_refused(watched):
    watched.folder.add(rows([8]) + rows([8]))
    assert watched.poll() is not None
    watched.folder.add(rows([9]) + row(9, "ONE").replace(",ONE,1", ",ONE,2", 1))
    assert watched.poll() is None
    assert "one row a day" in watched.source.reasons[0]

    watched.folder.write(rows(range(WARMUP + 2)))

    assert watched.poll() is not None
    assert watched.source.reasons[0].startswith(str(watched.folder.prices))


def test_another_past_is_not_believed(watched):
    watched.folder.add(rows([8]))
    known = watched.poll()
    text = watched.folder.prices.read_text()
    other = row(8, "TWO").split(",")
    other[5] = f"{float(other[5]) * 1.001:.6f}"
    watched.folder.prices.write_text(text.replace(row(8, "TWO"), ",".join(other)))
    watched.folder.add(rows([9]))

    assert watched.poll() is None

    assert "another past: TWO.close on 2024-01-09" in watched.source.reasons[0]
    assert read_bars(watched.database).bars.market.values.tobytes() == known.values.tobytes()
    watched.folder.write(rows(range(WARMUP + 2)))
    assert watched.poll() is not None


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_file_that_is_being_written_is_looked_at_again(watched, cut):
    watched.folder.add(rows([8])[:-cut])
    assert watched.poll() is None
    assert "a last line without an end" in watched.source.reasons[0]
    watched.folder.add(rows([8])[-cut:])

    watched.poll()

    assert watched.known == 1


def test_a_source_that_vanishes_for_a_while_costs_only_time(watched):
    watched.folder.prices.rename(watched.folder.path / "away")
    assert watched.poll() is None
    assert "prices.csv" in watched.source.reasons[0]
    (watched.folder.path / "away").rename(watched.folder.prices)
    watched.folder.add(rows([8, 9]))

    assert watched.poll() is not None
    assert watched.known == 2


def test_a_file_that_has_become_shorter_adds_nothing_and_takes_nothing_away(watched):
    watched.folder.add(rows([8, 9]))
    watched.poll()
    watched.folder.write(rows(range(WARMUP)))

    assert watched.poll() is None
    assert watched.known == 2


def test_what_a_poll_found_that_was_given_up_is_recorded_once_and_given_by_the_next(watched):
    async def given_up() -> None:
        polling = asyncio.ensure_future(watched.source.poll())  # noqa: TID251 - to be cancelled
        await asyncio.sleep(0)
        polling.cancel()
        await asyncio.wait([polling])

    watched.folder.add(rows([8, 9]))
    asyncio.run(given_up())

    market = watched.poll()

    assert market is not None
    assert len(market) == len(read_bars(watched.database).bars.market) == WARMUP + 2
    assert watched.poll() is None


def test_a_disk_that_refuses_the_bars_gives_none(watched):
    watched.folder.add(rows([8]))
    path = watched.database.with_suffix(".bars.jsonl")
    content = path.read_bytes()
    path.unlink()
    path.mkdir()

    with pytest.raises(StorageError, match="cannot record the bars"):
        watched.poll()
    path.rmdir()
    path.write_bytes(content)

    assert watched.known == 0
    assert watched.poll() is not None
    assert len(read_bars(watched.database).bars.market) == WARMUP + 1


def test_without_the_warm_up_no_run_begins(tmp_path):
    folder = Folder(tmp_path, WARMUP - 1)
    source = LiveSource(settings(), folder.path, clock=ManualClock(NOW))

    with pytest.raises(DataError, match="the whole warm-up"):
        asyncio.run(source.open())
    source.close()


@pytest.mark.parametrize(
    "tables",
    [
        {"market": {"warmup_days": 0}},
        {"ladder": {"gate_required": True}},
        {"market": {"source": "mixed", "generated": ("aave",)}},
    ],
)
def test_a_market_that_cannot_grow_is_refused(tmp_path, tables):
    with pytest.raises(ConfigError, match=r"warmup_days|market\.source"):
        LiveSource(settings(**tables), tmp_path, clock=ManualClock(NOW))


def test_a_file_that_the_disk_cannot_read_costs_nothing_but_time(watched):
    watched.folder.prices.rename(watched.folder.path / "kept")
    watched.folder.prices.symlink_to("/proc/self/mem")  # It opens, and then nothing can be read.
    assert watched.poll() is None
    assert "Input/output error" in watched.source.reasons[0]

    watched.folder.prices.unlink()
    (watched.folder.path / "kept").rename(watched.folder.prices)
    watched.folder.add(rows([8]))
    assert watched.poll() is not None


@pytest.mark.parametrize(("number", "definite"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_after_a_fault_of_the_device_nobody_knows_what_is_recorded(
    watched, monkeypatch, number, definite
):
    faults, sync = [OSError(number, "no")], os.fsync

    def breaks_once(handle: int) -> None:
        if faults:
            raise faults.pop()
        sync(handle)

    watched.folder.add(rows([8]))
    monkeypatch.setattr(os, "fsync", breaks_once)

    with pytest.raises(StorageError) as caught:
        watched.poll()

    assert caught.value.definite is definite
    assert marker_path(watched.database).exists() is not definite
