"""Pages: bounded pieces of a run's history, for who reads along while it is written.

The rule: whatever is asked for, one page looks at no more than `SCAN` entries and holds no more
than `BYTES` of data, so that no question keeps a read transaction open, or fills the memory.  A
page may therefore be shorter than its limit, and even empty; `next` says whether there is more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

from actors.journal.chain import Entry, entry_hash
from actors.journal.port import Snapshot
from actors.journal.reader import JournalReader
from actors.journal.rows import LedgerRow
from actors.journal.schema import DAMAGE
from arena.exceptions import EventSourcingError

SCAN = 50_000
"""Entries, or rows of the ledger, that one page looks at."""

BYTES = 4 << 20
"""Data of one page; the entry that goes beyond it is the page's last."""

_ENTRIES = """
    SELECT seq, event_id, event_type, type_version, agent_id, timestamp, data, caused_by,
           command_id, prev_hash, hash
    FROM events
    WHERE seq > :low AND seq < :high AND (:event_type IS NULL OR event_type = :event_type)
        AND (:agent_id IS NULL OR agent_id = :agent_id)
    ORDER BY seq {way} LIMIT :limit
"""
_LEDGER_END = """
    SELECT event_seq, line FROM capital_ledger WHERE (event_seq, line) > (:seq, :line)
    ORDER BY event_seq, line LIMIT 1 OFFSET :scan
"""
_LEDGER = """
    SELECT event_seq, line, book, debit_account, credit_account, amount, reason
    FROM capital_ledger
    WHERE (event_seq, line) > (:seq, :line) AND (event_seq, line) <= (:end_seq, :end_line)
        AND (:account IS NULL OR debit_account = :account OR credit_account = :account)
    ORDER BY event_seq, line LIMIT :limit
"""
_TALLY = """
    SELECT event_type, CASE event_type
        WHEN 'AgentKilled' THEN json_extract(data, '$.rule')
        WHEN 'AgentGraduated' THEN json_extract(data, '$.to_layer')
        WHEN 'AgentFailed' THEN json_extract(data, '$.kind')
        WHEN 'StrategyChecked' THEN json_extract(data, '$.checks') END AS detail, count(*)
    FROM events WHERE seq > :low AND seq <= :high
    GROUP BY event_type, detail ORDER BY event_type, detail
"""
_NTH = "SELECT seq FROM events WHERE event_type = :event_type ORDER BY seq LIMIT 1 OFFSET :before"
_SEQS = """
    SELECT seq FROM events WHERE event_type = :event_type AND seq > :low AND seq <= :high
    ORDER BY seq
"""
_ABOUT = "SELECT seq, event_type FROM events WHERE agent_id = :agent_id ORDER BY seq"
_HAS_SNAPSHOTS = "SELECT 1 FROM sqlite_schema WHERE name = 'snapshots'"
_SNAPSHOT_SEQS = "SELECT seq FROM snapshots ORDER BY seq DESC"
_SNAPSHOT = """
    SELECT seq, tick, version, state, event_hash, state_hash FROM snapshots WHERE seq = :seq
"""
_SEQ_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries a page may hold.

    Attributes:
        after_seq: Only later ones.
        before_seq: Only earlier ones; None for no such bound.
        limit: How many at most.
        event_type: Of one type; None for all.
        agent_id: About one agent; None for all.
        newest_first: The last ones, the newest first.
    """

    after_seq: int = 0
    before_seq: int | None = None
    limit: int = 100
    event_type: str | None = None
    agent_id: str | None = None
    newest_first: bool = False


class EntryPage(NamedTuple):
    """Entries, and how far was looked.

    Attributes:
        entries: In the order that was asked for.
        next: Where the next page begins: `after_seq`, or `before_seq` if newest first; None where
            nothing is left of what was on record as the page was read.
        seen: The last entry that was looked at, whether it is on the page or not.
    """

    entries: list[Entry]
    next: int | None
    seen: int


class LedgerPage(NamedTuple):
    """Rows of the ledger, and the (seq, line) after which the next page begins; None at the end."""

    rows: list[LedgerRow]
    next: tuple[int, int] | None


def entry_page(run: JournalReader, wanted: Wanted, *, bytes_max: int = BYTES) -> EntryPage:
    """Return a page of the journal.

    Raises:
        EventSourcingError: It is damaged.
    """
    head = run.head().seq
    low = wanted.after_seq
    high = min(head + 1, head + 1 if wanted.before_seq is None else wanted.before_seq)
    if low + 1 >= high:
        return EntryPage([], None, low)
    down = wanted.newest_first
    first, last = (max(low, high - 1 - SCAN), high) if down else (low, min(high, low + SCAN + 1))
    found, full = _bounded(run, wanted, (first, last), bytes_max)
    rest = first + 1 if down else last - 1
    at = found[-1].seq if full else rest
    ends = at <= low + 1 if down else at + 1 >= high
    return EntryPage(found, None if ends else at, at)


def _bounded(
    run: JournalReader, wanted: Wanted, between: tuple[int, int], bytes_max: int
) -> tuple[list[Entry], bool]:
    """Return the entries, and whether the limit or the bytes ended them."""
    where = {
        "low": between[0],
        "high": between[1],
        "event_type": wanted.event_type,
        "agent_id": wanted.agent_id,
        "limit": wanted.limit,
    }
    found: list[Entry] = []
    size = 0
    for row in _rows(run, _ENTRIES.format(way="DESC" if wanted.newest_first else "ASC"), where):
        found.append(Entry(*row))
        size += len(found[-1].data)
        if size >= bytes_max:
            return found, True
    return found, len(found) == wanted.limit


def ledger_page(
    run: JournalReader,
    after: tuple[int, int],
    limit: int,
    *,
    upto: int,
    account: str | None = None,
) -> LedgerPage:
    """Return a page of the ledger: rows after (seq, line), of one account or of all.

    Args:
        run: What is on record.
        after: (seq, line) of the last row that is known.
        limit: How many rows at most.
        upto: The last entry whose rows are looked at.
        account: Only what left or reached it; None for all.

    Raises:
        EventSourcingError: It is damaged.
    """
    seq, line = after
    where: dict[str, Any] = {"seq": seq, "line": line, "account": account, "limit": limit}
    ends = [*_rows(run, _LEDGER_END, {**where, "scan": SCAN - 1})]
    last = (upto, _SEQ_MAX)
    end = min(ends[0], last) if ends else last
    bounds = {"end_seq": end[0], "end_line": end[1]}
    rows = [LedgerRow(*row) for row in _rows(run, _LEDGER, {**where, **bounds})]
    if len(rows) == limit:
        return LedgerPage(rows, (rows[-1].event_seq, rows[-1].line))
    return LedgerPage(rows, None if end == last else (end[0], end[1]))


def tally(run: JournalReader, low: int, high: int) -> list[tuple[str, str | None, int]]:
    """Return how many entries after `low` and up to `high` are of each type, and of each detail.

    The detail is the rule that killed, the layer risen to, the kind of failure, or the checks of a
    strategy as JSON; None of all other types.

    Raises:
        EventSourcingError: The journal is damaged.
    """
    rows = _rows(run, _TALLY, {"low": low, "high": high})
    return [(kind, what, n) for kind, what, n in rows]


def entry_at(run: JournalReader, seq: int) -> Entry:
    """Return the entry at `seq`, as it was written.

    Raises:
        EventSourcingError: It is not there, or does not have its hash.
    """
    entry = next(run.entries(seq - 1, 1), None)
    if entry is None or entry.seq != seq:
        raise EventSourcingError("the event is missing", seq=seq)
    return sound(entry)


def sound(entry: Entry) -> Entry:
    """Return the same, so that nothing of a damaged one is passed on.

    Raises:
        EventSourcingError: Its content does not have its hash.
    """
    if entry_hash(entry) != entry.hash:
        raise EventSourcingError("its content does not have its hash", seq=entry.seq)
    return entry


def nth_entry(run: JournalReader, event_type: str, n: int) -> Entry | None:
    """Return the entry that is the `n`-th of its type, from 1; None where there are fewer.

    Raises:
        EventSourcingError: The journal is damaged.
    """
    found = [*_rows(run, _NTH, {"event_type": event_type, "before": n - 1})]
    return entry_at(run, found[0][0]) if found else None


def seqs_of(run: JournalReader, event_type: str, low: int, high: int) -> list[int]:
    """Return where the entries of a type stand, after `low` and up to `high`, in order.

    Raises:
        EventSourcingError: The journal is damaged.
    """
    where = {"event_type": event_type, "low": low, "high": high}
    return [seq for (seq,) in _rows(run, _SEQS, where)]


def moments_of(run: JournalReader, agent_id: str) -> list[tuple[int, str]]:
    """Return the seq and the type of each entry about an agent, in order.

    Raises:
        EventSourcingError: The journal is damaged.
    """
    return [(seq, kind) for seq, kind in _rows(run, _ABOUT, {"agent_id": agent_id})]


def sound_snapshots(run: JournalReader) -> Iterator[Snapshot]:
    """Yield the snapshots that are as they were written, the newest first.

    Raises:
        EventSourcingError: The journal is damaged.
    """
    if not [*_rows(run, _HAS_SNAPSHOTS, {})]:
        return
    for (seq,) in [*_rows(run, _SNAPSHOT_SEQS, {})]:
        for *facts, state_hash in [*_rows(run, _SNAPSHOT, {"seq": seq})]:  # Holding nothing open.
            snapshot = Snapshot(*facts)
            if snapshot.state_hash == state_hash:
                yield snapshot


def checks_failed(checks: str) -> list[str]:
    """Return which checks did not pass, of those that `tally` gives as JSON.

    Raises:
        EventSourcingError: They are damaged.
    """
    try:
        return [name for name, passed in json.loads(checks).items() if not passed]
    except (ValueError, AttributeError) as error:
        raise EventSourcingError(f"what a strategy's checks came to is damaged: {error}") from error


def _rows(run: JournalReader, sql: str, where: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield rows one by one; the transaction ends with the last one that is taken."""
    try:
        with closing(run.connection.execute(sql, where)) as cursor:
            yield from cursor
    except DAMAGE as error:
        raise EventSourcingError(f"{str(run.path)!r} is damaged: {error}") from error
