"""The condition of a run, at a glance: what can be said of it without reading all of it.

The rule: nothing is changed and nobody is kept waiting.  It does not replace `verify`, which reads
every byte; it finds what would keep a writer from beginning.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from actors.journal.anchors import anchors_path, check_anchors, is_torn, read_anchors
from actors.journal.chain import genesis_hash
from actors.journal.marker import marker_path
from actors.journal.reader import open_run
from actors.journal.schema import migrations, schema_version

SOUND_FROM = (3, 51, 3)
"""The first SQLite in which two connections that reset a write-ahead log cannot spoil it."""


LOCKS = Path("/proc/locks")
"""Where Linux says who holds which lock."""


def sqlite_version() -> tuple[int, int, int]:
    """Return the version of the SQLite that this Python uses."""
    return sqlite3.sqlite_version_info


def check_quickly(path: Path) -> int:
    """Check that `path` is a run of ours that ends where its anchors say; return its last `seq`.

    Raises:
        NotARunError: There is no run.
        NewerRunError: It was written by a newer version.
        EventSourcingError: It cannot be read, or has lost what it once had.
    """
    with open_run(path) as run:
        anchors = read_anchors(anchors_path(run.path)) or []
        head = run.head()

        def hash_at(seq: int) -> str | None:
            if not seq:
                return genesis_hash(run.manifest())
            found = run.head_at(seq)
            return None if found is None else found.hash

        check_anchors(anchors, head, hash_at)
        return head.seq


def schema_of(path: Path) -> tuple[int, int]:
    """Return the schema version of the run at `path`, and that of one that is begun today."""
    with open_run(path) as run:
        return schema_version(run.connection), len(migrations())


def oddities(database: Path) -> Iterator[str]:
    """Yield what lies beside a run and should not, each in a few words."""
    if marker_path(database).exists():
        yield "its last writer ended in an I/O error: look after the disk, then --after-io-error"
    anchors = anchors_path(database)
    if not anchors.exists():
        yield "it has no anchors: a tail that was cut off could go unnoticed"
    elif is_torn(anchors):
        yield "its last anchor is torn: a tail cut off after the one before could be missed"


def writer_of(database: Path) -> int | None:
    """Return the process that holds the lock of a run; None where there is none, or none is seen.

    The lock is not touched: whoever begins to write at this moment must not find it taken.
    """
    try:
        inode = database.with_suffix(".lock").stat().st_ino
        lines = LOCKS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        words = line.split()
        if len(words) > 5 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(inode):
            return int(words[4]) if words[4].isdecimal() else None
    return None
