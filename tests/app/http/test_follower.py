"""A follower shows what a fold of the journal is, wherever it began and whatever happens beside."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from actors.app.arena import Arena
from actors.app.folding import fold_run
from actors.app.http import counts
from actors.app.http.follower import Follower
from actors.app.http.replica import Replica, View
from actors.app.http.source import Readers, Source
from actors.app.latest import fold_latest
from actors.journal.branch import in_place_name
from actors.journal.chain import run_id_of
from actors.journal.reader import open_run
from actors.journal.sqlite import SqliteJournal
from actors.messages.allocator import CONTROL
from arena.commands import ForkRun
from arena.exceptions import EventSourcingError
from arena.experiment import manifest
from tests.worlds import a_run

DAYS = 12


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A run of twelve days with a snapshot in its middle, and a fork after that."""
    folder = tmp_path_factory.mktemp("followed")
    asyncio.run(_live(folder))
    return folder


async def _begin(folder, seed=7):
    experiment, market = a_run(days=DAYS, agents=6, seed=seed)
    facts = manifest(experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, {})
    return Arena(experiment, market, journal), facts


async def _live(folder):
    arena, facts = await _begin(folder)
    async with arena:
        await arena.backtest(5)
        rules = json.loads(facts)
        rules["rules"]["evolution"]["births_base"] = 4
        parent = arena.cast.allocator.head.hash
        name = in_place_name(arena.cast.allocator.head.seq)
        fork = ForkRun(command_id=name, parent_hash=parent, changes={}, manifest=json.dumps(rules))
        await arena.send(fork, lane=CONTROL)
        await arena.backtest(3)
        await arena.save_snapshot()
        await arena.backtest(2)


async def until(follower, reached):
    """Wait until the follower shows something that `reached` holds of."""
    async with asyncio.timeout(20):
        while follower.view is None or not reached(follower.view):
            await follower.change(0.05)


def count_each(run):
    found = counts.Counts()
    for entry, event in run.events():
        found.add(entry.event_type, event)
    return found


@pytest.mark.parametrize("snapshots", ["kept", "spoiled", "gone"])
def test_wherever_it_begins_it_ends_as_a_fold_of_all_of_it(
    snapshots, followed, tmp_path, monkeypatch
):
    monkeypatch.setattr(counts, "SLICE", 7)
    folder = shutil.copytree(followed, tmp_path / "run")
    with closing(sqlite3.connect(folder / "run.db")) as db:
        if snapshots == "spoiled":
            db.execute("UPDATE snapshots SET state = replace(state, '1', '2')")
        if snapshots == "gone":
            db.execute("DELETE FROM snapshots")
        db.commit()

    with open_run(folder) as run:
        replica = Replica(run)
        began = replica.head.seq
        while replica.advance(run, 0.01):
            pass
        whole = fold_run(run)

        assert (began > 0) == (snapshots == "kept")
        assert replica.treasury.to_json() == whole.to_json()
        assert replica.treasury.experiment.rules == whole.experiment.rules
        assert replica.treasury.experiment.rules.evolution.births_base == 4
        assert replica.head == run.head()
        while replica.counting.whole is None:
            assert replica.counting.look_back(run)
        assert replica.counting.whole == count_each(run)
        assert fold_latest(run).to_json() == whole.to_json()


def test_what_is_shown_stays_as_it_is_while_the_replica_goes_on(followed):
    with open_run(followed) as run:
        replica = Replica(run)
        view = View(replica)
        state, counted = view.treasury.to_json(), view.counts.copy()
        while replica.advance(run, 0.01):
            pass

        assert replica.head.seq > view.seq
        assert (view.treasury.to_json(), view.counts) == (state, counted)
        replica.rewind(view)
        assert replica.treasury.to_json() == state


@pytest.mark.asyncio
async def test_a_run_is_seen_as_it_is_written(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    arena, _ = await _begin(folder)
    follower = Follower(Source(folder))
    async with arena:
        follower.start()
        for day in range(1, 5):
            await arena.backtest(1)
            head, state = arena.cast.allocator.head, arena.treasury.state_hash()
            await until(follower, lambda view, head=head: view.head == head)
            assert follower.view.treasury.state_hash() == state
            assert follower.view.treasury.tick == day
        assert await follower.wait_past(head.seq - 1, 1.0)
        assert not await follower.wait_past(head.seq, 0.01)
    await follower.stop()

    assert not await follower.wait_past(head.seq, 5.0)
    assert (follower.trouble, follower.replaced) == (None, 0)


@pytest.mark.asyncio
async def test_another_run_in_the_same_place_is_read_from_its_beginning(followed, tmp_path):
    folder, other = shutil.copytree(followed, tmp_path / "run"), tmp_path / "other"
    other.mkdir()
    arena, _ = await _begin(other, seed=8)
    async with arena:
        await arena.backtest(1)
        head = arena.cast.allocator.head
    follower = Follower(Source(folder))
    follower.start()
    await until(follower, lambda view: view.treasury.tick == 10)
    for each in folder.iterdir():
        each.unlink()
    os.replace(other / "run.db", folder / "run.db")
    await until(follower, lambda view: view.head == head)
    await follower.stop()

    assert follower.replaced == 1


@pytest.mark.asyncio
async def test_a_run_that_cannot_be_read_on_is_shown_up_to_there_and_read_again_when_it_can(
    followed, tmp_path
):
    folder = shutil.copytree(followed, tmp_path / "run")
    with open_run(folder) as run:
        head = run.head()
        last = [*run.entries()][-1]
    with closing(sqlite3.connect(folder / "run.db")) as db:
        db.execute("DROP TRIGGER events_update")
        db.execute("UPDATE events SET data = '{}' WHERE seq = ?", [head.seq])
        db.commit()
        follower = Follower(Source(folder))
        follower.start()
        async with asyncio.timeout(20):
            while follower.trouble is None:
                await follower.change(0.05)
        assert f"seq {head.seq}" in follower.trouble
        assert follower.view.seq < head.seq
        db.execute("UPDATE events SET data = ? WHERE seq = ?", [last.data, head.seq])
        db.commit()
        await until(follower, lambda view: view.head == head)
    await follower.stop()

    assert follower.trouble is None


def test_connections_are_lent_again_and_closed_at_the_end(followed, tmp_path):
    folder = shutil.copytree(followed, tmp_path / "run")
    readers = Readers(Source(folder))
    with readers.lend() as one, readers.lend() as two:
        assert one is not two
    with readers.lend() as again:
        assert again in (one, two)
        readers.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        again.connection.execute("SELECT 1")
    shutil.rmtree(folder)
    with pytest.raises(EventSourcingError, match="no run"), readers.lend():
        pass
