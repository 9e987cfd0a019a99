"""What stands beside the events and must agree with them: answers, snapshots, and memories of it.

An answer that is on record is bound to the chain by its digest, a snapshot by the hash of its
entry.  Anchors and receipts are what others remember of the run: each names an entry that was in
it, so a tail that was cut off is missed.  The bars of a live run have a chain of their own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from hashlib import sha256

from actors.journal.bars import read_bars
from actors.journal.bodies import body_column
from actors.journal.chain import Head
from actors.journal.findings import Findings, Row, fetch
from actors.journal.port import CommandRow
from actors.journal.reader import JournalReader
from actors.journal.rows import command_digest
from actors.journal.schema import DAMAGE
from arena.exceptions import EventSourcingError
from arena.experiment import LIVE

SINCE_VERSION = 3
"""The schema's version from which on there are answers and snapshots."""

_FROM = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'commands_from'"
_HEAD = "SELECT coalesce(max(seq), 0) FROM events"
_END = "SELECT seq, command_id FROM events ORDER BY seq DESC LIMIT 1"
_UNANSWERED = """
    SELECT events.seq, events.command_id
    FROM events LEFT JOIN commands ON commands.command_id = events.command_id
    WHERE events.seq >= ? AND events.command_id IS NOT NULL AND (
        commands.first_seq IS NULL
        OR events.seq NOT BETWEEN commands.first_seq AND commands.last_seq
    )
    ORDER BY events.seq
"""
_ANSWERS = """
    SELECT commands.command_id, commands.body_hash, commands.first_seq, commands.last_seq,
           {body}, commands.digest, first.command_id, last.command_id,
           coalesce(last.hash, genesis.value)
    FROM commands
    LEFT JOIN events AS first ON first.seq = commands.first_seq
    LEFT JOIN events AS last ON last.seq = commands.last_seq
    LEFT JOIN meta AS genesis ON genesis.key = 'genesis' AND commands.last_seq = 0
"""
_CAUSED = "SELECT max(seq) FROM events WHERE command_id = ?"
_SNAPSHOTS = """
    SELECT snapshots.seq, snapshots.state, snapshots.state_hash, snapshots.event_hash, events.hash
    FROM snapshots LEFT JOIN events ON events.seq = snapshots.seq ORDER BY snapshots.seq
"""
_HASH = """
    SELECT hash FROM events WHERE seq = :seq
    UNION ALL SELECT value FROM meta WHERE key = 'genesis' AND :seq = 0
"""


def check_answers(connection: sqlite3.Connection, findings: Findings) -> None:
    """Check that every command that caused something has its row, and every row its reason.

    Raises:
        sqlite3.DatabaseError, UnicodeDecodeError: SQLite cannot read them (`DAMAGE`).
    """
    since = connection.execute(_FROM).fetchone()
    if since is None:
        findings.add(None, "meta", "commands_from is missing")
        return
    for seq, command_id in fetch(connection, _UNANSWERED, since):
        findings.add(seq, "commands", f"there is no answer to {command_id!r}, which caused it")
    end = connection.execute(_END).fetchone() or (0, None)
    for row in connection.execute(_ANSWERS.format(body=body_column(connection))):
        found = _fault(row, end)
        if found is not None:
            seq, message = found
            if seq is None:  # The row is wrong: the events know where it belongs.
                (seq,) = connection.execute(_CAUSED, row[:1]).fetchone()
            findings.add(seq, "commands", f"{row[0]!r}: {message}")


def _fault(row: Row, end: Row) -> tuple[int | None, str] | None:
    answer, (digest, first_id, last_id, last_hash) = CommandRow(*row[:5]), row[5:]
    own, first, last, (head, end_id) = answer.command_id, answer.first_seq, answer.last_seq, end
    if last_hash is None and last <= head:
        return last, "there is no such entry, with which its answer ends"
    if last_hash is None and first_id == own != end_id:  # Others came after it.
        return None, f"it did not cause seq {last}"
    if last_hash is None:
        return head + 1, f"it was answered at seq {last}: history lost after seq {head}"
    if first is not None and not first_id == own == last_id:
        return None, f"it did not cause seq {first} to {last}"
    if command_digest(answer, last_hash) != digest:
        return last, "its answer does not have its digest"
    if answer.body is not None and sha256(answer.body.encode()).hexdigest() != answer.body_hash:
        return last, "its body does not have its hash"
    return None


def check_snapshots(connection: sqlite3.Connection, findings: Findings) -> None:
    """Check that each snapshot is what was written, and stands after an entry of this history.

    Raises:
        sqlite3.DatabaseError, UnicodeDecodeError: SQLite cannot read them (`DAMAGE`).
    """
    for seq, state, state_hash, event_hash, own in fetch(connection, _SNAPSHOTS):
        if own is None:
            findings.add(seq, "snapshots", "there is no such entry: history was lost before it")
        elif event_hash != own:
            findings.add(seq, "snapshots", "it was taken after another entry")
        if sha256(str(state).encode()).hexdigest() != state_hash:
            findings.add(seq, "snapshots", "its state does not have its hash")


def check_known(
    connection: sqlite3.Connection, known: Iterable[Head], source: str, findings: Findings
) -> None:
    """Check that every entry that is `known` is there: from `anchors`, or from `receipts`."""
    try:
        (head,) = connection.execute(_HEAD).fetchone()
        for seq, own in dict.fromkeys(known):
            found = connection.execute(_HASH, {"seq": seq}).fetchone()
            if seq > head:
                message = f"history lost after seq {head}: one of them names seq {seq}"
                findings.add(head + 1, source, message)
                return  # What comes after it is as far beyond the head.
            if found is None or found[0] != own:
                findings.add(seq, source, "it is not the entry that was there")
    except DAMAGE as error:
        findings.add(None, source, f"SQLite cannot read on: {error}")


def check_bars(run: JournalReader, findings: Findings) -> None:
    """Check that the bars of a live run are there, and what was recorded."""
    try:
        is_live = json.loads(run.manifest())["market"]["source"] == LIVE
    except (EventSourcingError, LookupError, TypeError, ValueError, *DAMAGE):
        return  # Of which others tell.
    try:
        if is_live and read_bars(run.path).run_id != run.meta().get("run_id"):
            findings.add(None, "bars", "they are of another run")
    except (EventSourcingError, OSError) as error:
        findings.add(None, "bars", str(error))
