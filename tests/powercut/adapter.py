"""The adapter: apsw's connection in the dress of the standard library's.

The store catches `sqlite3.Error` and looks at `sqlite_errorcode`; so that is what it gets, of the
class that `sqlite3` itself would raise.  One thing differs: an error of the disk that SQLite itself
forgives is raised all the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import apsw

from actors.journal.files import WRITER, _configure
from actors.journal.port import StorageError
from actors.journal.store import Binding
from tests.powercut.disk import Disk
from tests.powercut.vfs import DiskVfs

_CLASSES: Mapping[int, type[sqlite3.Error]] = {
    apsw.SQLITE_CONSTRAINT: sqlite3.IntegrityError,
    apsw.SQLITE_MISMATCH: sqlite3.IntegrityError,
    apsw.SQLITE_CORRUPT: sqlite3.DatabaseError,
    apsw.SQLITE_NOTADB: sqlite3.DatabaseError,
    apsw.SQLITE_INTERNAL: sqlite3.InternalError,
    apsw.SQLITE_TOOBIG: sqlite3.DataError,
    apsw.SQLITE_MISUSE: sqlite3.InterfaceError,
}
"""By primary code; all others are operational errors."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        code = error.extendedresult
        translated = _CLASSES.get(code & 0xFF, sqlite3.OperationalError)(str(error))
        translated.sqlite_errorcode = code
        translated.sqlite_errorname = apsw.mapping_extended_result_codes.get(code, "SQLITE_ERROR")
        raise translated from error


class Rows:
    """What a statement returned, all of it."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = iter(rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)


class Connection:
    """A connection to a database on a model disk, in autocommit mode."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._vfs = DiskVfs(disk)
        with _translated():
            self._connection = apsw.Connection(str(path), vfs=self._vfs.name)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Rows:
        with _translated():
            return Rows(list(self._connection.execute(sql, values)))

    def executemany(self, sql: str, values: Iterable[Sequence[Any]]) -> Rows:
        with _translated():
            return Rows(list(self._connection.executemany(sql, values)))

    def close(self) -> None:
        with suppress(apsw.Error):  # `sqlite3` closes, whatever the disk says to it.
            self._connection.close()


def connected(disk: Disk, path: Path, **other: str | int) -> sqlite3.Connection:
    """Return a connection with the writer's settings, of which `other` replace some."""
    connection = cast("sqlite3.Connection", Connection(disk, path))
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _configure(connection, {**WRITER, **other})
    except BaseException:
        connection.close()
        raise
    return connection


def binding_to(disk: Disk, **other: str | int) -> Binding:
    """Return a `Store`'s way to this disk."""

    def connect(path: Path) -> sqlite3.Connection:
        try:
            return connected(disk, path, **other)
        except sqlite3.Error as error:
            raise StorageError(f"cannot write {str(path)!r}: {error}", definite=True) from error

    return Binding(check=lambda _: None, prepare=lambda _: None, connect=connect)
