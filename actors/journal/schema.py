"""The schema: numbered migrations make it, two numbers in the file's header name it.

Released migrations are never edited, so what they make can be made again in memory and compared
with what a file has: that finds a dropped trigger as surely as a missing table.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from arena.exceptions import EventSourcingError

APPLICATION_ID = 0x41524E41
"""`ARNA`, in bytes 68 to 71 of the file."""

DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""How a damaged file shows itself; the second, where SQLite quotes the damage in its message."""

_COMMENT = re.compile(r"--.*")
_NUMBERED = re.compile(r"(\d{3})_[a-z0-9_]+\.sql")


class NotARunError(EventSourcingError):
    """What stands there is no arena run: nothing, something empty, or somebody else's file."""


class NewerRunError(EventSourcingError):
    """The run was written by a newer version of arena, which this one cannot read."""


def migrations_dir() -> Path:
    """Return the folder of the numbered SQL files: inside a wheel, or at the top of a checkout."""
    here = Path(__file__).resolve()
    installed = here.parent / "migrations"
    return installed if installed.is_dir() else here.parents[2] / "migrations"


@cache
def migrations() -> tuple[str, ...]:
    """Return the text of every migration, from 001 on.

    Raises:
        EventSourcingError: There are none, or a number is missing: the installation is broken.
    """
    folder = migrations_dir()
    files = sorted(path for path in folder.glob("*.sql") if _NUMBERED.fullmatch(path.name))
    numbers = [int(path.name[:3]) for path in files]
    if not files or numbers != list(range(1, len(files) + 1)):
        raise EventSourcingError(f"the migrations in {str(folder)!r} are not 001, 002, ...")
    return tuple(path.read_text(encoding="utf-8") for path in files)


def migrate(connection: sqlite3.Connection, upto: int | None = None) -> None:
    """Bring the database to migration `upto`, or to the last: one transaction for each.

    Args:
        connection: In autocommit mode (`isolation_level=None`).
        upto: How many migrations the database shall have in the end.
    """
    scripts = migrations()[:upto]
    while schema_version(connection) < len(scripts):
        _migrate_once(connection, scripts)


def _migrate_once(connection: sqlite3.Connection, scripts: Sequence[str]) -> None:
    """Carry out the next migration as a whole, or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = schema_version(connection)  # Asked again where nobody else can change it.
        for script in scripts[done : done + 1]:
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {done + 1}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def schema_version(connection: sqlite3.Connection) -> int:
    """Return how many migrations the database has."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _statements(script: str) -> Iterator[str]:
    """Yield statement by statement: `executescript` would commit the transaction around it.

    Raises:
        EventSourcingError: The last one has no end: the installation is broken.
    """
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if _COMMENT.sub("", statement).strip():
        raise EventSourcingError(f"a migration ends within a statement: {statement.strip()!r:.80}")


def check_identity(connection: sqlite3.Connection, name: str) -> None:
    """Check that the file is a run that this version can read; `name` is only named in the error.

    Raises:
        NotARunError: It is somebody else's, or no database.
        NewerRunError: It has migrations that are unknown here.
    """
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        version = schema_version(connection)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_NOTADB:
            raise NotARunError(f"{name!r} is not an arena database: {error}") from error
        raise
    if application_id != APPLICATION_ID:
        raise NotARunError(f"{name!r} is not an arena database: its application_id is foreign")
    if version > len(migrations()):
        raise NewerRunError(
            f"{name!r} has schema version {version}, and this version of arena knows"
            f" {len(migrations())}; read it with a newer one"
        )


def check_schema(connection: sqlite3.Connection) -> list[str]:
    """Return one line for each table, index, view or trigger that is missing, changed or foreign.

    Raises:
        sqlite3.DatabaseError, UnicodeDecodeError: The schema cannot be read at all (`DAMAGE`).
    """
    expected, found = _reference(schema_version(connection)), _objects(connection)
    damage = [f"{kind} {name} is missing" for kind, name in expected if (kind, name) not in found]
    for (kind, name), sql in found.items():
        if (kind, name) not in expected:
            damage.append(f"{kind} {name} does not belong here")
        elif sql != expected[kind, name]:
            damage.append(f"{kind} {name} is not as it was made")
    return damage


@cache
def _reference(version: int) -> dict[tuple[str, str], str]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection, version)
        return _objects(connection)
    finally:
        connection.close()


def _objects(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    rows = connection.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*' ORDER BY name"
    )
    return {(kind, name): sql for kind, name, sql in rows}
