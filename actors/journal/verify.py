"""`verify`: does this file still tell the history that was written?

Everything is computed anew: each hash from the stored bytes, each event from its data, each row of
the ledger and of the trades from its event.  So every byte of money is hashed or can be derived.
The walk goes on after what it finds, and reports damage without ever raising it.
"""

from __future__ import annotations

import os
from contextlib import nullcontext

from actors.journal.audit import Audit, Watch
from actors.journal.chain import Head
from actors.journal.findings import Finding, Findings, VerifyReport
from actors.journal.history import elsewhere, look_at_history
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


def verify_run(run: JournalReader, watch: Watch | None = None) -> VerifyReport:
    """Check `run` as it is at this moment, whoever is writing.

    Args:
        run: Left in a transaction: what is read of it afterwards is of the same moment.
        watch: Told of every event.

    Raises:
        NewerRunError: It holds events that a newer version of arena wrote.
    """
    findings = Findings()
    audit = Audit(run.connection, findings, watch)
    upto = 0
    try:
        run.connection.execute("BEGIN")
        (upto,) = run.connection.execute(_HEAD).fetchone()
    except DAMAGE as error:
        findings.add(None, "events", f"SQLite cannot read on: {error}")
    parallel = upto >= LONG and (os.cpu_count() or 1) > 1
    with elsewhere(run.path, upto) if parallel else nullcontext() as other:
        try:
            audit.run(upto)
        except DAMAGE as error:
            findings.add(None, "events", f"SQLite cannot read on: {error}")
        history = (other and other.result()) or look_at_history(run.connection, upto)
    if audit.newer and not history.findings:  # All hashes are right: it is no damage.
        raise audit.newer
    return VerifyReport(
        history.events,
        history.head,
        (*history.findings, *findings.found),
        history.omitted + findings.omitted,
        balances=audit.balances,
    )
