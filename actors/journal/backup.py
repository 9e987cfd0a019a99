"""Backups: a run is copied while it is being written, and proven before it is called a copy.

SQLite writes what one moment of the run holds into a file of another name.  That file is synced,
opened, checked to its last hash, and only then linked to the name that was asked for: who is
killed meanwhile leaves nothing that looks like a backup.  A restored run is such a copy, too.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from actors.journal.anchors import Anchors, anchors_path, check_anchors, read_anchors
from actors.journal.bars import copied_bars
from actors.journal.chain import Head
from actors.journal.files import FILE_NAME, check_free, connect_reader, database_path
from actors.journal.placing import appearing, sync
from actors.journal.port import StorageError
from actors.journal.reader import JournalReader, open_run
from actors.journal.verify import verify
from arena.exceptions import EventSourcingError

Prove: TypeAlias = Callable[[Path], Head]
"""Checks a run as thoroughly as it can: returns its head, or raises `EventSourcingError`."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that holds.

    Attributes:
        path: Where it is.
        head: Its last entry.
        size: Its bytes.
    """

    path: Path
    head: Head
    size: int


def verified_head(path: Path) -> Head:
    """Return the head of a run in which `verify` finds nothing.

    Raises:
        EventSourcingError: It finds something, or there is no run.
    """
    report = verify(path)
    for finding in report.findings:
        raise EventSourcingError(f"{finding.table}: {finding.message}", seq=finding.seq)
    return report.head


def back_up(run: str | os.PathLike[str], target: Path, prove: Prove = verified_head) -> Copy:
    """Copy a run, which may be being written, to the file `target`, with an anchor beside it.

    Raises:
        FileExistsError: Something is at `target`.
        HistoryLostError: An anchor of the run is beyond its end.
        EventSourcingError: There is no run, or it is damaged; nothing is at `target`.
        StorageError: The disk refused; nothing is at `target`.
    """
    copy = copy_run(database_path(run), target, prove)
    _anchor(copy)
    return copy


def restore(backup: Path, folder: Path, prove: Prove = verified_head) -> Copy:
    """Make a run in `folder`, which is made or holds none, from the copy, or run, at `backup`.

    Raises:
        FileExistsError: A run, or what is left of one, is in `folder`.
        EventSourcingError: `backup` is no run, or it is damaged; nothing is in `folder`.
        OSError: `folder` cannot be made.
        StorageError: The disk refused; nothing is in `folder`.
    """
    check_free(folder / FILE_NAME)
    backup = database_path(backup)
    prove(backup)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync(folder.parent)
    copy = copy_run(backup, folder / FILE_NAME, prove, finish=_ready_for_writing)
    _anchor(copy)
    return copy


def copy_run(
    source: Path, target: Path, prove: Prove, *, finish: Callable[[Path], None] = sync
) -> Copy:
    """Copy the run at `source` to `target`, and prove the copy before it gets that name.

    Args:
        source: A database; it is only read.
        target: Where nothing is.
        prove: What the copy has to withstand.
        finish: Called with the proven copy before it gets its name.

    Raises:
        FileExistsError, EventSourcingError, StorageError: As for `back_up`.
    """
    check_free(target)
    anchors = read_anchors(anchors_path(source)) or []  # First: the copy must be at least as long.
    try:
        with appearing(target) as building:
            _vacuum(source, building)
            sync(building)
            with copied_bars(source, building, target):  # At least those that the copy has settled.
                head = prove(building)
                with open_run(building) as copy:
                    check_anchors(anchors, head, lambda seq: _hash_at(copy, seq))
                finish(building)
                size = building.stat().st_size
    except FileExistsError:
        raise
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"cannot write {str(target)!r}: {error}", definite=True) from error
    return Copy(target, head, size)


def _vacuum(source: Path, target: Path) -> None:
    """Write one moment of `source` into the empty file `target`, without its free pages."""
    with closing(connect_reader(source)) as connection:
        connection.execute("PRAGMA query_only = OFF")  # It is `mode=ro`: only `target` is written.
        try:
            connection.execute("VACUUM INTO ?", (str(target),))
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in _DAMAGED:
                raise EventSourcingError(f"{str(source)!r} cannot be read: {error}") from error
            raise


def _hash_at(run: JournalReader, seq: int) -> str | None:
    if not seq:
        return run.meta()["genesis"]
    return next((entry.hash for entry in run.entries(seq - 1, 1)), None)


def _ready_for_writing(building: Path) -> None:
    """Put the copy into the mode in which runs are written; backups can do without its files."""
    with closing(sqlite3.connect(building, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _anchor(copy: Copy) -> None:
    """Say beside the copy where it ends: its hash covers everything before."""
    Anchors(anchors_path(copy.path), copy.head).close(copy.head)
