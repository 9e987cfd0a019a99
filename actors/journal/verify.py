"""`verify`: does this file still tell the history that was written?

Everything is computed anew: each hash from the stored bytes, each event from its data, each row of
the ledger and of the trades from its event.  So every byte of money is hashed or can be derived.
A tail that was cut off is missed by the anchors beside the file, and by receipts.  The walk goes on
after what it finds, and reports damage without ever raising it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from actors.journal.anchors import anchors_path, is_torn, read_anchors
from actors.journal.audit import Audit, Watch
from actors.journal.beside import check_bars, check_known
from actors.journal.chain import Head
from actors.journal.findings import Finding, Findings, VerifyReport
from actors.journal.history import History, elsewhere, look_at_history
from actors.journal.marker import marker_path
from actors.journal.reader import JournalReader, open_run
from actors.journal.schema import DAMAGE, NewerRunError, NotARunError
from arena.exceptions import EventSourcingError

__all__ = ["Finding", "VerifyReport", "verify", "verify_run"]

LONG = 50_000
"""Events from which on a second process pays for its start."""

_HEAD = "SELECT coalesce(max(seq), 0) FROM events"


def verify(path: str | os.PathLike[str]) -> VerifyReport:
    """Check the run in the folder, or the `run.db`, that `path` names.

    Raises:
        NotARunError: There is no run, so there is nothing to verify.
        NewerRunError: It was written by a newer version of arena.
    """
    try:
        with open_run(path) as run:
            return verify_run(run)
    except (NotARunError, NewerRunError):
        raise
    except EventSourcingError as error:
        return VerifyReport(0, Head(0, ""), (Finding(None, "file", str(error)),))


def verify_run(
    run: JournalReader,
    watch: Watch | None = None,
    *,
    receipts: Sequence[Head] = (),
    deep: bool = False,
) -> VerifyReport:
    """Check `run` as it is at this moment, whoever is writing.

    Args:
        run: Left in a transaction: what is read of it afterwards is of the same moment.
        watch: Told of every event.
        receipts: Entries that somebody knows to be in it.
        deep: Write every event anew, too, and compare its bytes.

    Raises:
        NewerRunError: It holds events that a newer version of arena wrote.
    """
    findings, notes = Findings(), []
    if marker_path(run.path).exists():
        notes.append("its last writer ended in an I/O error")
    anchors = _read_anchors(run.path, findings)  # First: the run grows, and they must not be ahead.
    if not anchors:
        notes.append("it has no anchors: a tail that was cut off could go unnoticed")
    elif is_torn(anchors_path(run.path)):
        notes.append("its last anchor is torn: a tail cut off after the one before could be missed")
    audit = Audit(run.connection, findings, watch, deep=deep)
    upto = 0
    try:
        run.connection.execute("BEGIN")
        (upto,) = run.connection.execute(_HEAD).fetchone()
    except DAMAGE as error:
        findings.add(None, "events", f"SQLite cannot read on: {error}")
    check_known(run.connection, anchors or (), "anchors", findings)
    check_known(run.connection, receipts, "receipts", findings)
    check_bars(run, findings)
    history = _look_at_both(run, audit, upto, findings)
    if audit.newer and not history.findings:  # All hashes are right: it is no damage.
        raise audit.newer
    return VerifyReport(
        history.events,
        history.head,
        (*history.findings, *findings.found),
        history.omitted + findings.omitted,
        tuple(notes),
        audit.balances,
    )


def _look_at_both(run: JournalReader, audit: Audit, upto: int, findings: Findings) -> History:
    """Do the audit, and look at the history: of a long one, elsewhere and meanwhile."""
    parallel = upto >= LONG and (os.cpu_count() or 1) > 1
    with elsewhere(run.path, upto) if parallel else nullcontext() as other:
        try:
            audit.run(upto)
        except DAMAGE as error:
            findings.add(None, "events", f"SQLite cannot read on: {error}")
        return (other and other.result()) or look_at_history(run.connection, upto)


def _read_anchors(database: Path, findings: Findings) -> list[Head] | None:
    try:
        return read_anchors(anchors_path(database))
    except (EventSourcingError, OSError) as error:
        findings.add(None, "anchors", str(error))
        return []
