"""The file of a run: how it comes into being, how it is opened, and what is refused.

`run.db` appears whole or not at all: it is built under another name, synced, and linked to its own.
It is opened for writing with every setting that durability rests on, and each is read back.  A
foreign file is looked at without being touched.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from actors.journal.anchors import anchors_path
from actors.journal.chain import genesis_hash
from actors.journal.marker import marker_path
from actors.journal.mounts import refuse_network
from actors.journal.placing import appearing, refuse_existing
from actors.journal.port import StorageError
from actors.journal.schema import (
    APPLICATION_ID,
    DAMAGE,
    NotARunError,
    check_identity,
    migrate,
)
from arena.exceptions import EventSourcingError

FILE_NAME = "run.db"

RESERVED = frozenset({"manifest", "genesis", "run_id", "writer_epoch", "commands_from"})
"""Names in `meta` that the journal gives itself."""

WRITER: Mapping[str, str | int] = {
    "busy_timeout": 5000,
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: with NORMAL a power cut takes the last commits along.
    "foreign_keys": 1,
    "recursive_triggers": 1,  # Else REPLACE deletes rows behind the delete trigger's back.
    "wal_autocheckpoint": 0,  # `Store` does it, because SQLite would keep its errors to itself.
    "journal_size_limit": 64 << 20,
    "cache_size": -16384,
    "mmap_size": 0,  # A stray write or a failing disk must be an error, not a changed page.
    "temp_store": 2,
    "trusted_schema": 0,
    "cell_size_check": 1,
}
"""Settings of the one connection that writes, as SQLite reads them back."""

READER: Mapping[str, str | int] = {
    "busy_timeout": 5000,
    "query_only": 1,
    "mmap_size": 0,
    "trusted_schema": 0,
    "cell_size_check": 1,
}


def database_path(path: str | os.PathLike[str]) -> Path:
    """Return the database that `path` means: itself, or the `run.db` inside a folder."""
    return named_database(path).absolute()


def named_database(path: str | os.PathLike[str]) -> Path:
    """Return the same, as it was given: a relative one stays relative."""
    given = Path(path)
    return given / FILE_NAME if given.is_dir() else given


def create_database(
    path: Path,
    run_id: str,
    manifest: str,
    meta: Mapping[str, str],
    *,
    fill: Callable[[sqlite3.Connection], None] = lambda _: None,
) -> None:
    """Make the database of a new run, durably: afterwards it is there, complete, or not at all.

    Args:
        path: Where; its folder exists.
        run_id: The run's name.
        manifest: Canonical JSON of what the run is: its hash stands before the first entry.
        meta: How it is run.  Not hashed.
        fill: Writes what its history begins with, inside a transaction.

    Raises:
        FileExistsError: Something is there, or what an earlier database left behind.
        ValueError: `meta` uses a name that the journal needs.
        ValidationError: It would lie on a network file system.
        StorageError: The folder takes no file.
    """
    own = {"manifest": manifest, "genesis": genesis_hash(manifest), "run_id": run_id}
    taken = meta.keys() & RESERVED
    if taken:
        raise ValueError(f"meta cannot hold {sorted(taken)}")
    check_free(path)
    refuse_network(path)
    try:
        with appearing(path) as building:
            _build(building, own | dict(meta), fill)
    except FileExistsError:
        raise
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"cannot create {str(path)!r}: {error}", definite=True) from error


def _build(path: Path, meta: Mapping[str, str], fill: Callable[[sqlite3.Connection], None]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")  # Synced as a whole, when it is complete.
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrate(connection)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", meta.items())
        fill(connection)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def check_free(path: Path) -> None:
    """Check that a database can be made at `path`: nothing is there, and nothing is left of one.

    Raises:
        FileExistsError: Something is.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):  # A stale -wal would be played into a new file.
        refuse_existing(path.with_name(path.name + suffix))
    for beside in (anchors_path(path), marker_path(path)):
        refuse_existing(beside)


def check_run(path: Path) -> None:
    """Look at `path` without touching it.

    Raises:
        EventSourcingError: It is no run, or of a newer version (see `connect_reader`).
    """
    connect_reader(path).close()


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open what `check_run` found good for writing, with every setting of `WRITER` read back.

    Raises:
        StorageError: A setting that durability rests on did not take.
    """
    connection = _connect(path, "mode=rw")
    try:
        _configure(connection, WRITER)
    except sqlite3.Error as error:
        connection.close()
        raise StorageError(f"cannot write {str(path)!r}: {error}", definite=True) from error
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a run without the means to change it.

    Raises:
        NotARunError: Nothing is there, or an empty or foreign file.
        NewerRunError: It was written by a newer version.
        EventSourcingError: SQLite cannot read it.
    """
    if path.is_dir():
        raise NotARunError(f"{str(path)!r} has no {FILE_NAME}")
    if not path.is_file():
        raise NotARunError(f"there is no run at {str(path)!r}")
    if not path.stat().st_size:
        raise NotARunError(f"{str(path)!r} is empty")
    try:
        return _open_reader(path, "mode=ro")
    except DAMAGE as error:
        if not _is_unwritable(error) or _has_wal(path):
            raise EventSourcingError(f"{str(path)!r} cannot be read: {error}") from error
    try:
        # A folder, or a full disk, that takes no -shm file.  Without a -wal nobody is writing.
        return _open_reader(path, "mode=ro&immutable=1")
    except DAMAGE as error:
        raise NotARunError(f"{str(path)!r} cannot be opened: {error}") from error


def _is_unwritable(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    no_room = code == sqlite3.SQLITE_IOERR_SHMSIZE
    return no_room or code & 0xFF in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}


def _has_wal(path: Path) -> bool:
    wal = path.with_name(path.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def _open_reader(path: Path, mode: str) -> sqlite3.Connection:
    connection = _connect(path, mode, one_thread=False)  # Readers go from hand to hand.
    try:
        check_identity(connection, str(path))
        _configure(connection, READER)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str, *, one_thread: bool = True) -> sqlite3.Connection:
    name = f"{path.as_uri()}?{mode}"
    return sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=one_thread)


def _configure(connection: sqlite3.Connection, settings: Mapping[str, str | int]) -> None:
    for name, value in settings.items():
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        found = connection.execute(f"PRAGMA {name}").fetchone()
        if found is not None and found[0] != value:  # None: this SQLite was built without it.
            raise StorageError(f"SQLite set {name} to {found[0]!r}, not {value!r}", definite=True)
