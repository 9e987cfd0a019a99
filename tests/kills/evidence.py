"""Evidence: what is on the disk in the end, held against what the client was told.

The rows are read with SQL of their own and judged by the oracle, which shares no code with what
wrote them; then the journal's own verification and fold have to agree.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from actors.app.folding import fold_run
from actors.journal.reader import open_run
from actors.journal.verify import verify
from actors.simulator.oracle import Evidence, judge
from tests.kills.client import Client
from tests.kills.tally import Tally

_EVENTS = "SELECT * FROM events ORDER BY seq"
_LEDGER = """
    SELECT event_seq, line, book, debit_account, credit_account, amount, reason FROM capital_ledger
"""
_COMMANDS = "SELECT command_id, body_hash, first_seq, last_seq FROM commands"
_GENESIS = "SELECT value FROM meta WHERE key = 'genesis'"
_GAPS = "SELECT count(*) <> max(seq) OR count(*) <> count(DISTINCT event_id) FROM events"
_MONEY = """
    SELECT book, account, sum(delta) FROM capital_ledger_legs GROUP BY book, account
    HAVING sum(delta) <> 0
"""
_SOURCES = {"endowment", "market", "bank"}


def check_record(client: Client, run: Path, tally: Tally, endowed: int) -> None:
    """Hold the record in `run` against what `client` was told, and add to `tally`."""
    with closing(sqlite3.connect(f"{(run / 'run.db').as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        evidence = _evidence(client, connection, endowed)
        gaps, money = connection.execute(_GAPS).fetchone()[0], connection.execute(_MONEY).fetchall()
    tally.acked += len(client.told)
    tally.lost += _lost(client, evidence)
    tally.duplicates += _twice(client, evidence)
    tally.note("repeats", tally.notes.get("repeats", 0) + client.repeats)
    problems = [*client.problems, *judge(evidence)]
    if gaps:
        problems.append("a seq is missing, or an event is there twice")
    problems += _wrong_sums(money)
    problems += [str(finding) for finding in verify(run).findings]
    with open_run(run) as reader:
        if fold_run(reader).state_hash() != client.state.get("state_hash"):
            problems.append("the fold of the record is not the state of the server")
    for problem in problems:
        tally.found(f"{run.name}: {problem}")


def _evidence(client: Client, connection: sqlite3.Connection, endowed: int) -> Evidence:
    entries = [dict(row) for row in connection.execute(_EVENTS)]
    return Evidence(
        genesis=connection.execute(_GENESIS).fetchone()[0],
        entries=entries,
        ledger=[tuple(row) for row in connection.execute(_LEDGER)],
        commands=[tuple(row) for row in connection.execute(_COMMANDS)],
        deliveries=client.deliveries,
        books=client.state.get("books"),
        endowed=endowed,
    )


def _lost(client: Client, evidence: Evidence) -> int:
    """Return how many answers name an entry that is not there, to the hash."""
    known = {entry["seq"]: entry["hash"] for entry in evidence.entries}
    return sum(known.get(told["seq"]) != told["hash"] for told in client.told.values())


def _twice(client: Client, evidence: Evidence) -> int:
    """Return how many commands caused another number of events than their sender was told."""
    caused = Counter(entry["command_id"] for entry in evidence.entries)
    return sum(caused[name] != len(told["events"]) for name, told in client.told.items())


def _wrong_sums(money: list[Any]) -> list[str]:
    """Return which book does not sum to nothing, and who owes what nobody may owe."""
    found, sums = [], Counter[str]()
    for book, account, balance in money:
        sums[book] += balance
        if balance < 0 and account not in _SOURCES:
            found.append(f"{account} is overdrawn by {-balance}")
    return found + [f"the {book} book sums to {total}" for book, total in sums.items() if total]
