"""An older run becomes today's as a whole or stays what it was, and nothing of it is lost."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actors.journal import upgrade
from actors.journal.anchors import Anchors, anchors_path
from actors.journal.chain import Head
from actors.journal.files import connect_writer
from actors.journal.port import StorageError
from actors.journal.reader import open_run
from actors.journal.schema import check_schema, migrations, schema_version
from actors.journal.store import Store
from actors.journal.upgrade import prepare_for_writing
from actors.journal.verify import verify
from actors.testing.examples import LIFE, a_batch, an_allocation
from arena.exceptions import EventSourcingError
from tests.actors.journal import killing
from tests.actors.journal.conftest import Tamperer

NEWEST = len(migrations())
OLD = 2
KEPT = "run.db.schema-{}"
SCHEMAS = range(OLD, NEWEST + 1)
"""Each migration is a step of its own, and where one is interrupted the next upgrade goes on."""

OLDER_COLUMNS = (
    "seq, line, order_id, agent_id, instrument, quantity, price, fee, slippage, gas, status, reason"
)


@pytest.fixture
def old(database: Path) -> Path:
    """The small life, as it would stand in a file of release 0.1.0."""
    take_back(database)
    anchors_path(database).unlink()
    database.with_suffix(".lock").unlink()
    return database


def take_back(database: Path) -> None:
    """Undo what migrations 003 and 004 made."""
    (trades,) = re.findall(r"^CREATE TABLE trades .*?;$", migrations()[0], re.MULTILINE | re.DOTALL)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for view in ("execution_log", "position_limits", "protocol_config", "rules_now"):
            connection.execute(f"DROP VIEW {view}")
        connection.execute("ALTER TABLE trades RENAME TO newer")
        connection.execute(trades)
        connection.execute(f"INSERT INTO trades SELECT {OLDER_COLUMNS} FROM newer")
        connection.execute("DROP TABLE newer")
        connection.execute("DROP TABLE commands")
        connection.execute("DROP TABLE snapshots")
        connection.execute("DELETE FROM meta WHERE key IN ('writer_epoch', 'commands_from')")
        connection.execute(f"PRAGMA user_version = {OLD}")
        assert check_schema(connection) == []


def rows(path: Path) -> dict[str, list[Any]]:
    """Return every row of every table that release 0.1.0 had."""
    with open_run(path) as run:
        select = run.connection.execute
        found = {
            table: select(f"SELECT * FROM {table}").fetchall()
            for table in ("events", "capital_ledger", "arena_state", "process_log")
        }
        found["trades"] = select(f"SELECT {OLDER_COLUMNS} FROM trades").fetchall()
        found["meta"] = select(
            "SELECT * FROM meta WHERE key NOT IN ('writer_epoch', 'commands_from')"
        ).fetchall()
        return found


def version(path: Path) -> int:
    with open_run(path) as run:
        assert check_schema(run.connection) == []
        return schema_version(run.connection)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"run.db-shm", "run.db-wal"}


def test_an_older_run_gets_the_newest_schema_and_keeps_its_rows(old: Path) -> None:
    before = rows(old)

    prepare_for_writing(old)

    assert version(old) == NEWEST
    assert rows(old) == before
    assert verify(old).ok


def test_what_it_was_stays_beside_it(old: Path) -> None:
    before = rows(old)

    prepare_for_writing(old)

    kept = old.with_name("run.db.schema-2")
    assert names(old.parent) == {"run.db", kept.name}
    assert version(kept) == OLD
    assert rows(kept) == before
    assert verify(kept).ok


def test_the_answers_of_schema_4_stay_bound_and_have_no_bodies(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE commands DROP COLUMN body")
        connection.execute("PRAGMA user_version = 4")
        assert check_schema(connection) == []
        before = connection.execute("SELECT * FROM commands ORDER BY command_id").fetchall()

    prepare_for_writing(database)

    with open_run(database) as run:
        after = run.connection.execute("SELECT * FROM commands ORDER BY command_id").fetchall()
    assert version(database) == NEWEST
    assert after == [(*row, None) for row in before]
    assert verify(database).ok


def test_a_run_of_this_schema_is_not_touched(database: Path) -> None:
    before, content = names(database.parent), database.read_bytes()

    prepare_for_writing(database)

    assert database.read_bytes() == content
    assert names(database.parent) == before


def test_an_older_run_goes_on_where_it_ended(old: Path) -> None:
    head = go_on(old)

    report = verify(old)
    assert report.ok
    assert report.head == head == Head(len(LIFE) + 1, head.hash)


def go_on(run: Path) -> Head:
    """Write one event more."""
    store = Store(run)
    head = store.append(a_batch(store.head(), [an_allocation()]))
    store.finish()
    store.connection.close()
    store.release()
    return head


def test_whoever_only_reads_changes_no_byte(old: Path) -> None:
    content = old.read_bytes()

    assert verify(old).ok
    with open_run(old) as run:
        assert len(list(run.events())) == len(LIFE)

    assert old.read_bytes() == content
    assert names(old.parent) == {"run.db"}


class Failing:
    """A connection to a disk that fails at one statement."""

    def __init__(self, connection: sqlite3.Connection, fails_at: int) -> None:
        self._connection = connection
        self._left = fails_at

    def execute(self, sql: str) -> sqlite3.Cursor:
        self._left -= 1
        if not self._left:
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(sql)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_a_disk_that_fails_at_any_statement_leaves_the_old_run_or_the_new_one(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to_fail_at(number: int) -> Callable[[Path], Any]:
        return lambda path: Failing(connect_writer(path), number)

    before, failures = rows(old), 0
    monkeypatch.setattr(upgrade, "connect_writer", to_fail_at(1))
    while is_refused(old):
        failures += 1
        assert version(old) in SCHEMAS
        assert rows(old) == before
        monkeypatch.setattr(upgrade, "connect_writer", to_fail_at(failures + 1))

    assert failures > 10
    assert version(old) == NEWEST
    assert rows(old) == before
    assert names(old.parent) == {"run.db", *(KEPT.format(each) for each in SCHEMAS[:-1])}


def is_refused(old: Path) -> bool:
    try:
        prepare_for_writing(old)
    except StorageError as error:
        return error.definite
    return False


@pytest.mark.slow
def test_killed_at_any_step_it_is_the_old_run_or_the_new_one(old: Path, tmp_path: Path) -> None:
    before, folder = rows(old), tmp_path / "killed"
    folder.mkdir()

    attempts = kill_at_every_step("upgrade", old, folder)

    assert attempts > 50
    for number in range(1, attempts + 1):
        run = folder / str(number) / "run.db"
        assert version(run) in SCHEMAS
        assert rows(run) == before
        prepare_for_writing(run)
        assert version(run) == NEWEST
        assert rows(run) == before
        left = {name for name in names(run.parent) if ".tmp" not in name}
        assert {"run.db", "run.db.schema-2"} <= left <= {"run.db", *map(KEPT.format, SCHEMAS)}


def kill_at_every_step(action: str, run: Path, folder: Path) -> int:
    words = [sys.executable, killing.__file__, action, str(run), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def damage(old: Path) -> None:
    Tamperer(old).execute("UPDATE events SET agent_id = 'x' WHERE seq = 5")


def unmake(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("DROP TRIGGER events_delete")


def cut(old: Path) -> None:
    lost = Head(99, "00")
    Anchors(anchors_path(old), lost).close(lost)


@pytest.mark.parametrize(
    ("harm", "said"),
    [(damage, "seq 5"), (unmake, "events_delete is missing"), (cut, "history lost after seq")],
)
def test_a_run_that_does_not_hold_is_not_upgraded(
    old: Path, harm: Callable[[Path], None], said: str
) -> None:
    harm(old)
    content, before = old.read_bytes(), names(old.parent)

    with pytest.raises(EventSourcingError, match=said):
        prepare_for_writing(old)

    assert old.read_bytes() == content
    assert names(old.parent) == before


def test_what_cannot_be_folded_is_not_upgraded(old: Path) -> None:
    def refuse(_: Path) -> Head:
        raise EventSourcingError("does not fit the events before it", seq=3)

    content = old.read_bytes()
    with pytest.raises(EventSourcingError, match="seq 3"):
        prepare_for_writing(old, refuse)

    assert old.read_bytes() == content
    assert names(old.parent) == {"run.db"}


def test_a_copy_of_another_moment_is_never_written_over(old: Path) -> None:
    prepare_for_writing(old)
    kept = old.with_name("run.db.schema-2")
    content = kept.read_bytes()
    go_on(old)
    take_back(old)

    prepare_for_writing(old)

    assert kept.read_bytes() == content
    assert verify(old.with_name("run.db.schema-2-2")).events == len(LIFE) + 1


def test_a_schema_that_came_out_otherwise_is_refused(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "check_schema", lambda _: ["table snapshots is missing"])

    with pytest.raises(EventSourcingError, match=r"snapshots is missing.*schema-2.* is as it was"):
        prepare_for_writing(old)
