"""The store lets one writer in, misses a cut tail, and stops for good when the disk fails."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actors.journal.anchors import HistoryLostError, anchors_path, read_anchors
from actors.journal.chain import Head
from actors.journal.files import connect_writer, create_database
from actors.journal.lock import LockedError
from actors.journal.marker import IoErrorLeftError, marker_path
from actors.journal.port import Snapshot, StorageError
from actors.journal.store import Binding, FencedError, Store
from actors.testing.examples import GENESIS, LIFE, MANIFEST, META, RUN, a_batch
from arena.exceptions import EventSourcingError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    database = tmp_path / "run.db"
    create_database(database, RUN, MANIFEST, META)
    return database


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    made = Store(path)
    yield made
    leave(made)


def leave(store: Store) -> None:
    store.finish()
    store.connection.close()
    store.release()


def drop(store: Store) -> None:
    """End as a killed process does: nothing is said, and the kernel lets go of the lock."""
    store._anchors.abandon()
    store.connection.close()
    store.release()


def test_a_second_writer_is_told_who_the_first_one_is(store: Store, path: Path) -> None:
    with pytest.raises(LockedError, match=f"process {os.getpid()}") as caught:
        Store(path)

    assert caught.value.pid == os.getpid()


def test_a_lock_whose_holder_is_gone_is_free(path: Path) -> None:
    path.with_suffix(".lock").write_text('{"pid": 1}')

    leave(Store(path))


def test_a_foreign_file_gets_nothing_beside_it(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    foreign.write_bytes(b"not a database, and longer than its header would have to be" * 20)

    with pytest.raises(EventSourcingError):
        Store(foreign)

    assert [each.name for each in tmp_path.iterdir()] == ["foreign.db"]


def test_a_writer_that_lost_its_lock_file_cannot_write(store: Store, path: Path) -> None:
    path.with_suffix(".lock").unlink()
    other = Store(path)

    with pytest.raises(FencedError):
        store.append(a_batch(GENESIS, LIFE))

    assert other.append(a_batch(GENESIS, LIFE)).seq == len(LIFE)
    leave(other)


def test_a_writer_that_was_robbed_touches_nothing_when_it_leaves(path: Path) -> None:
    robbed = Store(path)
    path.with_suffix(".lock").unlink()
    other = Store(path)
    head = other.append(a_batch(GENESIS, LIFE))
    robbed._head = head  # A commit whose anchor it did not come to leave before it was stopped.
    wal = path.with_name("run.db-wal").read_bytes()

    leave(robbed)

    assert path.with_name("run.db-wal").read_bytes() == wal
    assert read_anchors(anchors_path(path)) == [GENESIS, GENESIS, head]
    leave(other)


def test_every_commit_leaves_an_anchor_that_outlives_the_process(path: Path) -> None:
    store = Store(path)
    head = store.append(a_batch(GENESIS, LIFE[:2]))
    head = store.append(a_batch(head, LIFE[2:]))
    drop(store)

    assert read_anchors(anchors_path(path)) == [GENESIS, head]


def test_a_cut_tail_is_history_lost(path: Path) -> None:
    store = Store(path)
    head = store.append(a_batch(GENESIS, LIFE))
    drop(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table in ("capital_ledger", "trades", "events"):
            connection.execute(f"DROP TRIGGER IF EXISTS {table}_delete")
        connection.execute("DELETE FROM capital_ledger WHERE event_seq = ?", (head.seq,))
        connection.execute("DELETE FROM trades WHERE seq = ?", (head.seq,))
        connection.execute("DELETE FROM events WHERE seq = ?", (head.seq,))

    with pytest.raises(HistoryLostError, match=f"history lost after seq {head.seq - 1}"):
        Store(path)


def test_a_lost_wal_is_history_lost(path: Path) -> None:
    store = Store(path)
    store.append(a_batch(GENESIS, LIFE))
    copy = path.with_name("copy.db")  # As after a kill: the -wal has not been emptied, and is gone.
    copy.write_bytes(path.read_bytes())
    anchors_path(copy).write_bytes(anchors_path(path).read_bytes())
    drop(store)

    with pytest.raises(HistoryLostError, match="history lost after seq 0"):
        Store(copy)


def test_an_anchor_of_another_history_is_refused(path: Path) -> None:
    store = Store(path)
    store.append(a_batch(GENESIS, LIFE))
    store._anchors.note(Head(3, "f" * 64))
    drop(store)

    with pytest.raises(EventSourcingError, match="seq 3: it is not the entry that was anchored"):
        Store(path)


@pytest.mark.parametrize(
    "torn", [b'{"seq":9', b'{"seq":9,"hash":"00","check":"00"}\n', b'{"s\n\r\x00\n\xff', b"\n"]
)
def test_a_torn_last_anchor_is_none(path: Path, torn: bytes) -> None:
    leave(Store(path))
    anchors = anchors_path(path)
    anchors.write_bytes(anchors.read_bytes() + torn)

    store = Store(path)
    head = store.append(a_batch(GENESIS, LIFE))
    leave(store)

    assert (read_anchors(anchors) or [])[-1] == head


def test_a_spoiled_anchor_in_the_middle_is_damage(path: Path) -> None:
    leave(Store(path))
    leave(Store(path))
    anchors = anchors_path(path)
    anchors.write_bytes(b"#" + anchors.read_bytes())

    with pytest.raises(EventSourcingError, match="line 1 is no anchor"):
        Store(path)


class Failing:
    """A connection whose next commit fails as the disk would have it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.fails_with: int | None = None

    def execute(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.fails_with is not None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode, self.fails_with = self.fails_with, None
            raise error
        return self._connection.execute(sql, values)

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)


def failing_store(path: Path) -> tuple[Store, Failing]:
    failing = Failing(connect_writer(path))
    store = Store(path, binding=Binding(connect=lambda _: failing))  # type: ignore[arg-type, return-value]  # a stand-in
    return store, failing


def test_a_full_disk_is_a_refusal_and_the_next_batch_may_fit(path: Path) -> None:
    store, failing = failing_store(path)
    failing.fails_with = sqlite3.SQLITE_FULL

    with pytest.raises(StorageError) as caught:
        store.append(a_batch(GENESIS, LIFE))

    assert caught.value.definite
    assert store.append(a_batch(GENESIS, LIFE)).seq == len(LIFE)
    leave(store)


def test_an_io_error_is_the_end_and_leaves_word(path: Path) -> None:
    store, failing = failing_store(path)
    failing.fails_with = sqlite3.SQLITE_IOERR_FSYNC

    for _ in range(2):
        with pytest.raises(StorageError) as caught:
            store.append(a_batch(GENESIS, LIFE))
        assert not caught.value.definite
    leave(store)

    assert json.loads(marker_path(path).read_text())["error"] == "disk I/O error"
    with pytest.raises(IoErrorLeftError, match="--after-io-error"):
        Store(path)
    knowing = Store(path, after_io_error=True)
    assert knowing.append(a_batch(GENESIS, LIFE)).seq == len(LIFE)
    leave(knowing)
    assert not marker_path(path).exists()


def test_a_spoiled_snapshot_is_none(store: Store, path: Path) -> None:
    store.append(a_batch(GENESIS, LIFE))
    store.save_snapshot(Snapshot(2, 1, 1, "{}", "0" * 64))
    store.save_snapshot(Snapshot(3, 2, 1, "{}", "0" * 64))
    store.connection.execute("UPDATE snapshots SET state = '[]' WHERE seq = 3")

    assert [each.seq for each in store.snapshots()] == [2]
