"""Branches: a run that begins as another one did, entry by entry, and goes its own way from there.

What is copied is to the byte what the parent has: events with their hashes, what they moved and
traded, what was answered, and where a resumed run may begin.  The parent is only read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from actors.journal.bars import copy_bars
from actors.journal.chain import Entry
from actors.journal.codec import canonical
from actors.journal.files import RESERVED, check_free, create_database
from actors.journal.reader import JournalReader
from actors.journal.schema import schema_version
from arena.words import Scalar

_TABLES = {
    "SELECT * FROM events WHERE seq <= ? ORDER BY seq": "events",
    "SELECT * FROM capital_ledger WHERE event_seq <= ? ORDER BY event_seq, line": "capital_ledger",
    "SELECT * FROM trades WHERE seq <= ? ORDER BY seq, line": "trades",
}
_LATER_TABLES = {
    "SELECT * FROM commands WHERE last_seq <= ? ORDER BY command_id": "commands",
    "SELECT * FROM snapshots WHERE seq <= ? ORDER BY seq": "snapshots",
}
_IN_PLACE = """
    SELECT first_seq FROM commands
    WHERE command_id >= 'reload/' AND command_id < 'reload0' AND first_seq IS NOT NULL
    ORDER BY first_seq
"""
_SINCE = 3
"""The schema since which a run has these."""

_TICK_END = """
    SELECT entry.seq FROM events AS entry
    LEFT JOIN events AS later ON later.seq = entry.seq + 1
    WHERE entry.seq <= ? AND (
        later.timestamp > entry.timestamp
        OR later.seq IS NULL AND EXISTS (SELECT 1 FROM snapshots WHERE seq = entry.seq)
    )
    ORDER BY entry.seq DESC LIMIT 1
"""
_FIRST_TICK_END = """
    SELECT entry.seq FROM events AS entry
    INNER JOIN events AS later ON later.seq = entry.seq + 1
    WHERE later.timestamp > entry.timestamp
        AND entry.seq >= (SELECT min(seq) FROM events WHERE event_type = 'TickSettled')
    ORDER BY entry.seq LIMIT 1
"""


def in_place_name(seq: int) -> str:
    """Return the id of the command that forks a run in place after the entry `seq`.

    No id that a request can have is one of these.
    """
    return f"reload/{seq}"


def forks_in_place(run: JournalReader) -> list[Entry]:
    """Return what is on record of the forks in place that the run went through, oldest first."""
    if schema_version(run.connection) < _SINCE:
        return []
    seqs = [int(row[0]) for row in run.connection.execute(_IN_PLACE)]
    return [entry for seq in seqs for entry in run.entries(seq - 1, limit=1)]


def tick_end(run: JournalReader, upto: int) -> int | None:
    """Return the last entry up to `upto` that completes a tick; None where there is none.

    After it simulated time goes on; or it is the head, where the run was stopped between two ticks.
    What came before the first tick counts as one.
    """
    sql = _TICK_END
    if schema_version(run.connection) < _SINCE:
        sql = sql.replace("SELECT 1 FROM snapshots WHERE seq = entry.seq", "SELECT 1 WHERE 0")
    found = run.connection.execute(sql, (upto,)).fetchone()
    return None if found is None else int(found[0])


def first_tick_end(run: JournalReader) -> int | None:
    """Return the entry that completes the first tick; None where the second has not begun."""
    found = run.connection.execute(_FIRST_TICK_END).fetchone()
    return None if found is None else int(found[0])


def last_until(run: JournalReader, timestamp: str) -> int:
    """Return the last entry that is not later than `timestamp`, in simulated time; 0 for none."""
    sql = "SELECT seq FROM events WHERE timestamp <= ? ORDER BY seq DESC LIMIT 1"
    found = run.connection.execute(sql, (timestamp,)).fetchone()
    return 0 if found is None else int(found[0])


def create_branch(
    path: Path,
    parent: JournalReader,
    upto: int,
    meta: Mapping[str, str],
    word: tuple[str, Mapping[str, Scalar]],
) -> None:
    """Make the database of a run that shares the entries up to `upto` with `parent`.

    Args:
        path: Where; its folder exists.
        parent: Its chain was checked up to there.
        upto: The last entry that they share.
        meta: What of the parent's `meta` is another value, or new.
        word: Kind and data of what the process's log says first.

    Raises:
        FileExistsError: Something is at `path`.
        StorageError: The folder takes no file.
        OSError: The disk refused the bars of a live run.
    """
    own = parent.meta()
    kept = {key: value for key, value in own.items() if key not in RESERVED}

    def fill(connection: sqlite3.Connection) -> None:
        _copy(parent.connection, connection, upto)
        known_from = min(int(own.get("commands_from", upto + 1)), upto + 1)
        connection.execute(
            "UPDATE meta SET value = ? WHERE key = 'commands_from'", (str(known_from),)
        )
        kind, data = word
        connection.execute(
            "INSERT INTO process_log (kind, data) VALUES (?, ?)", (kind, canonical(data))
        )

    check_free(path)
    copy_bars(parent.path, path)
    create_database(path, own["run_id"], own["manifest"], {**kept, **meta}, fill=fill)


def _copy(parent: sqlite3.Connection, child: sqlite3.Connection, upto: int) -> None:
    tables = _TABLES if schema_version(parent) < _SINCE else _TABLES | _LATER_TABLES
    for sql, table in tables.items():
        rows = parent.execute(sql, (upto,))
        names = [column[0] for column in rows.description]
        marks = ", ".join("?" * len(names))
        into = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our names
        child.executemany(into, rows)
