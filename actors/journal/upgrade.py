"""Upgrades: a run that an older arena wrote is made one of today's, or stays what it was.

Reading never changes a run.  Who is going to write it first keeps a proven copy beside it, as
`run.db.schema-2`, and then carries out the migrations, each in a transaction of its own: whenever
that is interrupted, the run is of the one schema or of the other.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

from actors.journal.backup import Prove, copy_run, verified_head
from actors.journal.chain import Head
from actors.journal.files import connect_writer
from actors.journal.port import StorageError
from actors.journal.reader import open_run
from actors.journal.schema import check_schema, migrate, migrations, schema_version
from arena.exceptions import EventSourcingError

log = structlog.wrap_logger(logging.getLogger(__name__))


def prepare_for_writing(path: Path, prove: Prove = verified_head) -> None:
    """Bring the run at `path` to the newest schema; one that has it is not touched.

    Whoever calls this holds the run's lock.

    Args:
        path: The database.
        prove: What the copy has to withstand before anything is changed.

    Raises:
        NewerRunError: It was written by a newer version.
        EventSourcingError: It is no run, or it is damaged, and was not touched; or the schema is
            not what the migrations should have made.
        StorageError: The disk refused; the run is of its old schema, or of a newer one.
    """
    with open_run(path) as run:
        version, head = schema_version(run.connection), run.head()
    if version == len(migrations()):
        return
    kept = _keep(path, f"{path.name}.schema-{version}", head, prove)
    with closing(connect_writer(path)) as connection:
        try:
            migrate(connection)
            damage = check_schema(connection)
        except sqlite3.Error as error:
            raise StorageError(f"cannot upgrade {str(path)!r}: {error}", definite=True) from error
    if damage:
        raise EventSourcingError(f"the upgrade failed: {damage[0]}; {str(kept)!r} is as it was")
    log.info("upgraded", from_schema=version, to_schema=len(migrations()), copy=str(kept))


def _keep(path: Path, name: str, head: Head, prove: Prove) -> Path:
    """Copy the run to `name`, or to `name-2` and so on where older copies are; return where."""
    kept, number = path.with_name(name), 1
    while kept.exists():
        with open_run(kept) as left:
            if left.head() == head:  # Of an upgrade that was interrupted: it had been proven.
                return kept
        number += 1
        kept = path.with_name(f"{name}-{number}")
    return copy_run(path, kept, prove).path
