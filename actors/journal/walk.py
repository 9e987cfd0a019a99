"""The walk along the chain: every entry against its own bytes and against the one before it.

A page of entries is looked at column by column, in a handful of operations over the whole page.
Only a page in which something is wrong is looked at again, entry by entry, to say what and where.
Values are taken as the bytes that are stored, in whatever shape they are.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from operator import le
from typing import Any

from actors.journal.chain import HASHED, Head, digest, digests
from actors.journal.findings import Findings, Row
from actors.journal.schema import DAMAGE
from arena.exceptions import EventSourcingError
from arena.ids import RunId, event_id

PAGE = 500

_ENTRIES = """
    SELECT seq, hash, prev_hash, seq, event_id, event_type, type_version, agent_id, timestamp,
           command_id, caused_by, data
    FROM events WHERE seq > ? AND seq <= ? ORDER BY seq
"""
"""`seq`, the hash, and then the `HASHED` fields in order."""

_SEQ_MAX = 2**63 - 1
_PREV, _EVENT_ID, _VERSION, _TIMESTAMP, _CAUSE = (
    HASHED.index(name)
    for name in ("prev_hash", "event_id", "type_version", "timestamp", "caused_by")
)


def check_chain(connection: sqlite3.Connection, after: Head, upto: int | None = None) -> Head:
    """Return the last entry up to `upto`, checked to follow `after` link by link.

    Args:
        connection: Of a run.
        after: A place that is known to be good; seq 0 and the manifest's hash for all of it.
        upto: The last `seq` to look at; None for the head.

    Raises:
        EventSourcingError: An entry is missing, or not what was written; its `seq` is named.
    """
    findings = Findings()
    walk = Walk(connection, findings, after=after, run_id=_run_id(connection))
    walk.run(upto)
    if findings.found:
        first = findings.found[0]
        raise EventSourcingError(first.message, seq=first.seq)
    if upto is not None and walk.head.seq < upto:
        raise EventSourcingError(f"history lost after seq {walk.head.seq}", seq=walk.head.seq + 1)
    return walk.head


def _run_id(connection: sqlite3.Connection) -> RunId:
    try:
        (found,) = connection.execute("SELECT value FROM meta WHERE key = 'run_id'").fetchone()
    except (*DAMAGE, TypeError) as error:
        raise EventSourcingError(f"the run has no name: {error}") from error
    return RunId(found)


class Walk:
    """One pass over the entries, in their order.

    Attributes:
        events: How many were seen.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        findings: Findings,
        *,
        after: Head | None,
        run_id: RunId | None,
    ) -> None:
        """Begin after `after`; where that is None, or `run_id`, nothing is expected of them."""
        self.events = 0
        self._db = connection
        self._findings = findings
        self._seq = after.seq if after else 0
        self._hash = after.hash.encode() if after else None
        self._run_id = run_id
        self._timestamp = b""

    @property
    def head(self) -> Head:
        """The last entry that was seen."""
        return Head(self._seq, (self._hash or b"").decode(errors="replace"))

    def run(self, upto: int | None = None) -> None:
        """Walk to `upto`, or to the end."""
        try:
            with uncollected():
                for page in pages(self._db, _ENTRIES, self._seq, upto):
                    self._take(page)
        except DAMAGE as error:
            self._findings.add(None, "events", f"SQLite cannot read on: {error}")

    def _take(self, page: list[Row]) -> None:
        if not self._is_sound(page):
            for row in page:
                self._check(row)
                self._pass(row)
        self._pass(page[-1])
        self.events += len(page)

    def _pass(self, row: Row) -> None:
        self._seq, self._hash, self._timestamp = row[0], row[1], row[2 + _TIMESTAMP]

    def _is_sound(self, page: list[Row]) -> bool:
        """Say whether `_check` would find nothing in any row of `page`."""
        if self._hash is None or self._run_id is None:
            return False
        seqs, own, *fields = zip(*page, strict=True)
        times = (self._timestamp, *fields[_TIMESTAMP])
        try:
            return (
                seqs == tuple(range(self._seq + 1, self._seq + 1 + len(page)))
                and fields[_PREV] == (self._hash, *own[:-1])
                and fields[_EVENT_ID]
                == tuple([event_id(self._run_id, seq).encode() for seq in seqs])
                and all(map(le, times, times[1:]))
                and all(map(_is_earlier, fields[_CAUSE], seqs))
                and digests([_column(values) for values in fields]) == [*map(bytes.decode, own)]
            )
        except (
            TypeError,
            UnicodeDecodeError,
        ):  # A value of another type, or bytes that are rotten.
            return False

    def _check(self, row: Row) -> None:
        """Look at one entry against its own bytes and its predecessor's."""
        seq, own, *values = row
        fields = [_stored(value) for value in values]
        add = self._findings.add
        if seq != self._seq + 1:
            add(self._seq + 1, "events", f"missing: the next entry is seq {seq}")
        elif self._hash is not None and fields[_PREV] != self._hash:
            add(seq, "events", f"prev_hash is not the hash of seq {self._seq}")
        if digest(fields).encode() != _stored(own):
            add(seq, "events", "its content does not have its hash: one of them was changed")
        if self._run_id is not None and fields[_EVENT_ID] != event_id(self._run_id, seq).encode():
            add(seq, "events", "event_id is not the one of this run and seq")
        if (fields[_TIMESTAMP] or b"") < (_stored(self._timestamp) or b""):
            add(seq, "events", "timestamp is before that of the entry before")
        cause = fields[_CAUSE]
        if cause is not None and not (cause.isdigit() and 0 < int(cause) < seq):
            add(seq, "events", f"caused_by {cause!r} is not an earlier entry")


def pages(
    connection: sqlite3.Connection, sql: str, after: int, upto: int | None
) -> Iterator[list[Row]]:
    """Yield rows in pages; text comes as bytes, because it may be damaged.

    Args:
        connection: Of a run.
        sql: The query: it takes the `seq` after which to begin, and the last one.
        after: The `seq` after which to begin.
        upto: The last one; None for all.
    """
    with closing(connection.execute(sql, (after, _SEQ_MAX if upto is None else upto))) as cursor:
        while page := _fetch(cursor):
            yield page


def _fetch(cursor: sqlite3.Cursor) -> list[Row]:
    text_factory, cursor.connection.text_factory = cursor.connection.text_factory, bytes
    try:
        return cursor.fetchmany(PAGE)
    finally:
        cursor.connection.text_factory = text_factory


def _is_earlier(cause: int | None, seq: int) -> bool:
    return cause is None or 0 < cause < seq


def _column(values: Sequence[Any]) -> Sequence[bytes | None]:
    """Return what `_stored` makes of each of `values`."""
    kinds = set(map(type, values))
    if kinds == {bytes}:
        return values
    if kinds == {int}:
        return [b"%d" % value for value in values]
    return [_stored(value) for value in values]


def _stored(value: Any) -> bytes | None:
    """Return the bytes of a value as they are hashed; numbers are hashed as text."""
    return value if value is None or isinstance(value, bytes) else str(value).encode()


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the garbage collector rest: a walk makes millions of values and not one cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
