"""`verify`: does this file still tell the history that was written?

Everything is computed anew: each hash from the stored bytes, each event from its data, each row of
the ledger and of the trades from its event.  So every byte of money is hashed or can be derived.
The walk goes on after what it finds, and reports damage without ever raising it.  What it cannot
see is a tail that was cut off: for that, compare the head with a receipt.
"""

from __future__ import annotations

import os

from actors.journal.audit import Audit
from actors.journal.chain import HASHED, Head, digest, genesis_hash
from actors.journal.codec import decode
from actors.journal.findings import Finding, Findings, Rows, VerifyReport
from actors.journal.reader import JournalReader, open_run
from actors.journal.schema import DAMAGE, NewerRunError, NotARunError, check_schema
from arena.events import Event
from arena.exceptions import EventSourcingError
from arena.ids import RunId, event_id

__all__ = ["Finding", "VerifyReport", "verify"]

_EVENTS = """
    SELECT seq, CAST(hash AS BLOB),
           CAST(prev_hash AS BLOB), CAST(seq AS BLOB), CAST(event_id AS BLOB),
           CAST(event_type AS BLOB), CAST(type_version AS BLOB), CAST(agent_id AS BLOB),
           CAST(timestamp AS BLOB), CAST(command_id AS BLOB), CAST(caused_by AS BLOB),
           CAST(data AS BLOB)
    FROM events ORDER BY seq
"""
"""`seq`, the hash, and then the `HASHED` fields in order: bytes, in whatever shape they are."""

_EVENT_ID, _TYPE, _VERSION, _TIMESTAMP, _CAUSE, _DATA = (
    HASHED.index(name)
    for name in ("event_id", "event_type", "type_version", "timestamp", "caused_by", "data")
)


def verify(path: str | os.PathLike[str]) -> VerifyReport:
    """Check the run in the folder, or the `run.db`, that `path` names.

    Raises:
        NotARunError: There is no run, so there is nothing to verify.
        NewerRunError: It was written by a newer version of arena.
    """
    findings = Findings()
    try:
        with open_run(path) as run:
            walk = _Walk(run, findings)
            walk.run()
            return walk.report()
    except (NotARunError, NewerRunError):
        raise
    except EventSourcingError as error:
        return VerifyReport(0, Head(0, ""), (Finding(None, "file", str(error)),))


class _Walk:
    """One pass over a run, inside one read transaction: a running arena does not disturb it."""

    def __init__(self, run: JournalReader, findings: Findings) -> None:
        self._db = run.connection
        self._findings = findings
        self._events = 0
        self._seq = 0
        self._timestamp = b""
        self._run_id: RunId | None = None
        self._hash: bytes | None = None

    def report(self) -> VerifyReport:
        """Return what was seen."""
        head = Head(self._seq, (self._hash or b"").decode(errors="replace"))
        found = self._findings
        return VerifyReport(self._events, head, tuple(found.found), found.omitted)

    def run(self) -> None:
        """Walk."""
        try:
            self._db.execute("BEGIN")
            for line in check_schema(self._db):
                self._findings.add(None, "schema", line)
            for (line,) in self._db.execute("PRAGMA integrity_check(100)"):
                if line != "ok":
                    self._findings.add(None, "file", line)
        except DAMAGE as error:
            self._findings.add(None, "file", f"SQLite cannot check it: {error}")
        self._check_meta()
        audit = Audit(self._db, self._findings)
        for row in Rows(self._db, "events", _EVENTS, self._findings):
            audit.check(row[0], self._check_entry(row[0], row[1], row[2:]))
        audit.finish()

    def _check_meta(self) -> None:
        sql = "SELECT key, value FROM meta"
        rows = Rows(self._db, "meta", sql, self._findings)
        meta = {key: value for key, value in rows if isinstance(value, str)}
        missing = {"manifest", "genesis", "run_id"} - meta.keys()
        for key in sorted(missing):
            self._findings.add(None, "meta", f"{key} is missing")
        if "manifest" in meta:
            genesis = genesis_hash(meta["manifest"])
            self._hash = genesis.encode()
            if meta.get("genesis", genesis) != genesis:
                self._findings.add(None, "meta", "genesis is not the hash of the manifest")
        if "run_id" in meta:
            self._run_id = RunId(meta["run_id"])

    def _check_entry(
        self, seq: int, own: bytes | None, fields: tuple[bytes | None, ...]
    ) -> Event | None:
        """Check one entry against its own bytes and its predecessor's; return its event."""
        add = self._findings.add
        if seq != self._seq + 1:
            add(self._seq + 1, "events", f"missing: the next entry is seq {seq}")
        elif self._hash is not None and fields[0] != self._hash:
            add(seq, "events", f"prev_hash is not the hash of seq {self._seq}")
        if digest(fields).encode() != own:
            add(seq, "events", "its content does not have its hash: one of them was changed")
        if self._run_id is not None and fields[_EVENT_ID] != event_id(self._run_id, seq).encode():
            add(seq, "events", "event_id is not the one of this run and seq")
        self._check_order(seq, fields[_TIMESTAMP] or b"", fields[_CAUSE])
        self._events, self._seq, self._hash = self._events + 1, seq, own
        return self._read(seq, fields[_TYPE], fields[_VERSION], fields[_DATA])

    def _check_order(self, seq: int, timestamp: bytes, cause: bytes | None) -> None:
        if timestamp < self._timestamp:
            self._findings.add(seq, "events", "timestamp is before that of the entry before")
        self._timestamp = timestamp
        if cause is not None and not (cause.isdigit() and 0 < int(cause) < seq):
            self._findings.add(seq, "events", f"caused_by {cause!r} is not an earlier entry")

    def _read(
        self, seq: int, kind: bytes | None, version: bytes | None, data: bytes | None
    ) -> Event | None:
        if kind is None or version is None or data is None:
            self._findings.add(seq, "events", "event_type, type_version or data is empty")
            return None
        try:
            return decode(kind.decode(), int(version), data)
        except (EventSourcingError, ValueError) as error:
            if isinstance(error, NewerRunError) and not self._findings.found:
                # All hashes are right up to here: it is no damage.
                raise NewerRunError(str(error), seq=seq) from error
            self._findings.add(seq, "events", str(error))
            return None
