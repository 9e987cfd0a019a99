"""Making: a run comes into being, or to a newer schema, while the power may go.

The real `create_database` and `migrate` work on a model disk.  What a cut leaves is opened as any
process would: it is whole, of the one schema or of the other, or it is not there at all.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch

from actors.journal import files, placing
from actors.journal.files import FILE_NAME, create_database
from actors.journal.schema import check_schema, migrate, migrations, schema_version
from tests.powercut.adapter import Connection, connected
from tests.powercut.disk import MODES, Disk, Op
from tests.powercut.life import Stage, lay_out
from tests.powercut.posix import DiskOs
from tests.powercut.proof import every_cut

GOLDEN = Path(__file__).parents[1] / "golden" / "0.1.0-verbs.db.gz"
"""A run that a released version wrote, of the second schema."""

_FOLDER = -1
_ADDED = {"writer_epoch", "commands_from"}
"""Rows of `meta` that an upgrade adds."""


class PlacingOs(DiskOs):
    """The calls that give a file its name."""

    O_RDONLY = os.O_RDONLY

    def __init__(self, disk: Disk, folder: Path) -> None:
        super().__init__(disk)
        self._folder = folder
        self.path = SimpleNamespace(lexists=lambda path: disk.exists(Path(path).name))

    def open(self, path: Path, flags: int, mode: int = 0) -> int:
        return _FOLDER if path == self._folder else super().open(path, flags, mode)

    def fsync(self, handle: int) -> None:
        if handle == _FOLDER:
            self._disk.sync_directory()
        else:
            super().fsync(handle)

    def link(self, old: Path, new: Path) -> None:
        self._disk.link(old.name, new.name)


def create(stage: Stage) -> Sequence[Op]:
    """Make a run on an empty disk; return the operations that this took."""
    disk, folder = Disk(), stage.folder

    def mkstemp(*, prefix: str, suffix: str, dir: Path) -> tuple[int, str]:  # noqa: A002
        name = f"{prefix}1{suffix}"
        return disk.open(name, create=True), str(dir / name)

    def connect(path: Path, **_: object) -> Connection:
        return Connection(disk, path)

    with (
        patch.object(placing, "os", PlacingOs(disk, folder)),
        patch.object(placing, "tempfile", SimpleNamespace(mkstemp=mkstemp)),
        patch.object(files, "sqlite3", SimpleNamespace(connect=connect, Error=sqlite3.Error)),
    ):
        create_database(folder / FILE_NAME, stage.told.run_id, stage.told.manifest, {})
    return disk.trace


def of_schema(folder: Path, version: int) -> dict[str, bytes]:
    """Return the files of a run that has so many migrations; a released one, where there is one."""
    if version == 2:
        return {FILE_NAME: gzip.decompress(GOLDEN.read_bytes())}
    path = lay_out(folder, {})
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, version)
    return {FILE_NAME: path.read_bytes()}


def upgrade(base: Mapping[str, bytes]) -> Sequence[Op]:
    """Bring a run to the newest schema; return the operations that this took."""
    disk = Disk(base)
    with closing(connected(disk, Path(FILE_NAME))) as connection:
        migrate(connection)
    return disk.trace


def cut_creation(stage: Stage) -> Counter[str]:
    """Cut the making of a run at every operation; return how often it was there, and not."""
    trace, outcomes = create(stage), Counter[str]()
    for number, _, contents in every_cut({}, trace, range(len(trace) + 1), MODES):
        there = {FILE_NAME: contents[FILE_NAME]} if FILE_NAME in contents else {}
        assert there or number < len(trace), "made, and lost"
        if there:
            assert stage.revive(there) == 0
        outcomes["there" if there else "not there"] += 1
    return outcomes


def cut_upgrade(folder: Path, version: int) -> Counter[int]:
    """Cut the upgrade of a run at every operation; return how often it was of which schema."""
    base = of_schema(folder, version)
    trace, before, outcomes = upgrade(base), look(folder, base), Counter[int]()
    for number, _, contents in every_cut(base, trace, range(len(trace) + 1), MODES):
        after = look(folder, contents)
        assert after.version == len(migrations()) or number < len(trace), "upgraded, and lost"
        for table, rows in before.rows.items():
            width = len(rows[0]) if rows else None  # A newer schema may have more columns.
            found = [row[:width] for row in after.rows[table]]
            assert [row for row in found if row in rows or row[0] not in _ADDED] == rows
        outcomes[after.version] += 1
    return outcomes


class Look(NamedTuple):
    """What is in a run: its schema, and the rows of each table."""

    version: int
    rows: Mapping[str, list[Any]]


def look(folder: Path, contents: Mapping[str, bytes]) -> Look:
    """Return what a cut left.

    Raises:
        AssertionError: It is of no schema, or of two.
    """
    with closing(sqlite3.connect(lay_out(folder, contents), isolation_level=None)) as connection:
        assert check_schema(connection) == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        rows = {
            name: connection.execute(f"SELECT * FROM {name}").fetchall()
            for (name,) in tables.fetchall()
        }
        return Look(schema_version(connection), rows)
