"""A backup is whole, proven and of one moment, or it is not there; and it can be restored."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actors.journal.anchors import HistoryLostError, anchors_path, read_anchors
from actors.journal.backup import back_up, restore, verified_head
from actors.journal.chain import Head
from actors.journal.files import create_database
from actors.journal.port import StorageError
from actors.journal.reader import open_run
from actors.journal.schema import APPLICATION_ID, check_schema, migrations, schema_version
from actors.journal.store import Store
from actors.journal.verify import verify
from actors.testing.examples import (
    GENESIS,
    LIFE,
    MANIFEST,
    META,
    OPENED,
    RUN,
    a_batch,
    an_allocation,
)
from arena.exceptions import EventSourcingError
from tests.actors.journal.conftest import Tamperer
from tests.actors.journal.test_upgrade import kill_at_every_step


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Where the backup goes."""
    (tmp_path / "safe").mkdir()
    return tmp_path / "safe" / "backup.db"


def content(path: Path) -> dict[str, Any]:
    """Return every row of every table, and what the header says."""
    with open_run(path) as run:
        select = run.connection.execute
        tables = select("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        rows = {name: select(f"SELECT * FROM {name}").fetchall() for (name,) in tables}
        header = {
            name: select(f"PRAGMA {name}").fetchone()
            for name in ("application_id", "user_version", "encoding", "page_size")
        }
    return rows | header


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_backup_has_every_row_of_the_run_and_its_header(database: Path, copy: Path) -> None:
    made = back_up(database.parent, copy)

    assert content(copy) == content(database)
    assert made.head == verified_head(database) == verified_head(copy)
    assert made.head.seq == len(LIFE)
    assert made.size == copy.stat().st_size
    with open_run(copy) as run:
        assert run.connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert schema_version(run.connection) == len(migrations())
        assert check_schema(run.connection) == []


def test_making_one_changes_no_byte_of_the_run(database: Path, copy: Path) -> None:
    before = database.read_bytes()

    back_up(database, copy)

    assert database.read_bytes() == before


def test_a_backup_is_one_file_with_an_anchor_and_reading_it_leaves_nothing(
    database: Path, copy: Path
) -> None:
    head = back_up(database, copy).head
    verify(copy)

    assert names(copy.parent) == {"backup.db", "backup.anchors.jsonl"}
    assert read_anchors(anchors_path(copy)) == [head]
    assert {path.stat().st_mode & 0o777 for path in copy.parent.iterdir()} == {0o600}


def test_a_restored_run_is_the_run_and_goes_on(database: Path, copy: Path, tmp_path: Path) -> None:
    back_up(database, copy)
    made = restore(copy, tmp_path / "new" / "again")

    assert content(made.path) == content(database)
    head = append_one(made.path)
    report = verify(tmp_path / "new" / "again")
    assert report.ok
    assert report.head == head == Head(len(LIFE) + 1, head.hash)


def append_one(run: Path) -> Head:
    store = Store(run)
    head = store.append(a_batch(store.head(), [an_allocation()]))
    leave(store)
    return head


def leave(store: Store) -> None:
    store.finish()
    store.connection.close()
    store.release()


def test_a_restored_run_is_written_in_the_mode_of_a_new_one(
    database: Path, copy: Path, tmp_path: Path
) -> None:
    back_up(database, copy)
    made = restore(copy, tmp_path / "again")

    with open_run(made.path) as run:
        assert run.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("name", ["backup.db", "backup.db-wal", "backup.anchors.jsonl"])
def test_a_backup_is_never_written_over_anything(database: Path, copy: Path, name: str) -> None:
    copy.with_name(name).write_text("mine")

    with pytest.raises(FileExistsError, match=name):
        back_up(database, copy)

    assert [(path.name, path.read_text()) for path in copy.parent.iterdir()] == [(name, "mine")]


@pytest.mark.parametrize("name", ["run.db", "run.db-wal", "run.anchors.jsonl", "run.io-error"])
def test_a_run_is_never_restored_over_anything(
    database: Path, copy: Path, tmp_path: Path, name: str
) -> None:
    back_up(database, copy)
    folder = tmp_path / "again"
    folder.mkdir()
    (folder / name).write_text("mine")

    with pytest.raises(FileExistsError, match=name):
        restore(copy, folder)

    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [(name, "mine")]


def an_event(path: Path) -> None:
    Tamperer(path).execute("UPDATE events SET data = '{}' WHERE seq = 5")


def a_trigger(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER events_delete")


def a_page(path: Path) -> None:
    bytes_ = bytearray(path.read_bytes())
    bytes_[3 * 4096 : 4 * 4096] = b"\xff" * 4096
    path.write_bytes(bytes_)


@pytest.mark.parametrize("harm", [an_event, a_trigger, a_page])
def test_a_damaged_run_gets_no_backup(
    database: Path, copy: Path, harm: Callable[[Path], None]
) -> None:
    harm(database)

    with pytest.raises(EventSourcingError):
        back_up(database, copy)

    assert names(copy.parent) == set()


@pytest.mark.parametrize("harm", [an_event, a_trigger, a_page])
def test_a_damaged_backup_is_not_restored(
    database: Path, copy: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    back_up(database, copy)
    harm(copy)

    with pytest.raises(EventSourcingError):
        restore(copy, tmp_path / "again")

    assert not (tmp_path / "again").exists()


def test_a_run_whose_end_was_cut_off_gets_no_backup(
    database: Path, copy: Path, tmp_path: Path
) -> None:
    back_up(database, copy)
    append_one(database)
    older = copy.read_bytes()
    database.write_bytes(older)

    with pytest.raises(HistoryLostError, match=f"history lost after seq {len(LIFE)}"):
        back_up(database, tmp_path / "safe" / "second.db")


def test_an_old_backup_put_over_a_run_that_went_on_is_history_lost(
    database: Path, copy: Path
) -> None:
    back_up(database, copy)
    append_one(database)

    database.write_bytes(copy.read_bytes())

    with pytest.raises(HistoryLostError, match=f"history lost after seq {len(LIFE)}"):
        Store(database)


def test_a_backup_whose_end_was_cut_off_is_history_lost(
    database: Path, copy: Path, tmp_path: Path
) -> None:
    back_up(database, copy)
    older = copy.read_bytes()
    append_one(database)
    second = copy.with_name("second.db")
    back_up(database, second)
    second.write_bytes(older)

    with pytest.raises(EventSourcingError, match="history lost"):
        restore(second, tmp_path / "again")

    assert not (tmp_path / "again").exists()


def test_a_full_disk_is_said_and_leaves_nothing(
    database: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)

    with pytest.raises(StorageError, match="No space left") as caught:
        back_up(database, copy)

    assert caught.value.definite
    assert names(copy.parent) == set()


class Flood(threading.Thread):
    """A writer that commits as fast as it goes, in waves.

    Attributes:
        heads: Every head that the run had so far.
        waves: Released once for each wave.
    """

    def __init__(self, database: Path, waves: int, commits: int) -> None:
        super().__init__()
        self._database, self._sizes = database, [commits] * waves
        self.heads: list[Head] = []
        self.waves = threading.Semaphore(0)

    def run(self) -> None:
        store = Store(self._database)
        self.heads.append(store.append(a_batch(store.head(), [OPENED])))
        for commits in self._sizes:
            self.waves.acquire()
            for _ in range(commits):
                batch = a_batch(self.heads[-1], [an_allocation(), an_allocation()])
                self.heads.append(store.append(batch))
        leave(store)


@pytest.mark.slow
def test_a_hundred_backups_of_a_run_under_fire_are_each_one_moment_of_it(
    tmp_path: Path, copy: Path
) -> None:
    create_database(tmp_path / "run.db", RUN, MANIFEST, META)
    flood, found = Flood(tmp_path / "run.db", waves=100, commits=10), []
    flood.start()
    for number in range(100):
        acknowledged = flood.heads[-1].seq if flood.heads else 0
        flood.waves.release()
        made = back_up(tmp_path, copy.with_name(f"{number}.db"))
        assert made.head.seq >= acknowledged
        found.append(made)
    flood.join()

    heads = {GENESIS, *flood.heads}
    assert {each.head for each in found} <= heads, "none ends inside a commit"
    assert len({each.head for each in found}) > 10
    for number in range(0, 100, 10):
        again = restore(found[number].path, tmp_path / f"again-{number}")
        assert again.head == found[number].head


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "where"), [("backup", "backup.db"), ("restore", "restored/run.db")]
)
def test_killed_at_any_step_there_is_no_copy_or_one_that_holds(
    database: Path, tmp_path: Path, action: str, where: str
) -> None:
    expected, folder = verified_head(database), tmp_path / "killed"
    folder.mkdir()

    attempts = kill_at_every_step(action, database, folder)

    assert attempts > 30
    there = []
    for number in range(1, attempts + 1):
        made = folder / str(number) / where
        if made.exists():
            there.append(number)
            assert verified_head(made) == expected
        left = {path.name for path in made.parent.glob("*.db")} | {"run.db"}
        assert left <= {"run.db", made.name}
    assert attempts in there
    assert len(there) < attempts / 2
