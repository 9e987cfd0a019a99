"""Whatever is changed in a run is found, and the first entry at fault is named."""

from __future__ import annotations

import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from actors.journal.files import create_database
from actors.journal.findings import FINDINGS_MAX, Findings
from actors.journal.history import elsewhere
from actors.journal.reader import open_run
from actors.journal.store import Store
from actors.journal.verify import verify, verify_run
from actors.testing.examples import (
    GENESIS,
    LIFE,
    MANIFEST,
    META,
    RUN,
    a_batch,
    an_allocation,
)
from tests.actors.journal.conftest import Tamperer

LAST = len(LIFE)


def test_an_untouched_run_has_no_findings(database: Path) -> None:
    report = verify(database.parent)

    assert report.ok
    assert report.findings == ()
    assert report.events == LAST
    assert report.head.hash == a_batch(GENESIS, LIFE).entries[-1].hash


@pytest.mark.parametrize("seq", range(1, LAST + 1))
def test_one_character_of_any_event_is_missed(tamperer: Tamperer, seq: int) -> None:
    middle = f"(SELECT length(data) / 2 FROM events WHERE seq = {seq})"
    tamperer.execute(
        f"UPDATE events SET data = substr(data, 1, {middle}) || '#' || substr(data, {middle} + 2)"
        f" WHERE seq = {seq}"
    )

    report = verify(tamperer.database)

    assert report.first_bad_seq == seq
    assert {finding.seq for finding in report.findings} == {seq}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event_id", "'x'"),
        ("event_type", "'RunCompleted'"),
        ("type_version", "2"),
        ("agent_id", "'x'"),
        ("agent_id", "NULL"),
        ("timestamp", "'2020-04-12T00:00:00.000000Z'"),
        ("command_id", "''"),
        ("command_id", "NULL"),
        ("caused_by", "1"),
        ("caused_by", "NULL"),
        ("prev_hash", "'x'"),
        ("hash", "'x'"),
        ("data", "CAST(x'ff' AS TEXT)"),
    ],
)
def test_any_column_of_an_event_is_guarded(tamperer: Tamperer, column: str, value: str) -> None:
    tamperer.execute(f"UPDATE events SET {column} = {value} WHERE seq = 5")

    assert verify(tamperer.database).first_bad_seq == 5


@pytest.mark.parametrize("seq", range(1, LAST))
def test_a_deleted_entry_is_missed(tamperer: Tamperer, seq: int) -> None:
    tamperer.execute(f"DELETE FROM events WHERE seq = {seq}")

    report = verify(tamperer.database)

    assert report.first_bad_seq == seq
    assert f"seq {seq}: events: missing: the next entry is seq {seq + 1}" in map(
        str, report.findings
    )


def test_two_entries_that_changed_places_are_found(tamperer: Tamperer) -> None:
    tamperer.execute(
        "UPDATE events SET seq = 99 WHERE seq = 4",
        "UPDATE events SET seq = 4 WHERE seq = 9",
        "UPDATE events SET seq = 9 WHERE seq = 99",
    )

    assert verify(tamperer.database).first_bad_seq == 4


def test_an_entry_that_was_slipped_in_is_found(tamperer: Tamperer) -> None:
    tamperer.execute(
        "UPDATE events SET seq = -seq WHERE seq > 10",
        "UPDATE events SET seq = 1 - seq WHERE seq < 0",
        "INSERT INTO events SELECT 11, 'x', event_type, type_version, agent_id, timestamp, data,"
        " caused_by, command_id, prev_hash, hash, recorded_at FROM events WHERE seq = 10",
    )

    assert verify(tamperer.database).first_bad_seq == 11


def test_an_entry_hashed_anew_is_found_by_its_successor(tamperer: Tamperer) -> None:
    forged = a_batch(GENESIS, LIFE[:5]).entries[4]
    tamperer.execute(
        f"UPDATE events SET hash = '{forged.hash[::-1]}' WHERE seq = 5",
    )

    chain = [each for each in verify(tamperer.database).findings if each.table == "events"]
    assert [finding.seq for finding in chain] == [5, 6]


def test_another_manifest_is_another_history(tamperer: Tamperer) -> None:
    tamperer.execute("""UPDATE meta SET value = '{"seed":2}' WHERE key = 'manifest'""")

    report = verify(tamperer.database)

    assert [str(finding) for finding in report.findings] == [
        "meta: genesis is not the hash of the manifest",
        "seq 1: events: prev_hash is not the hash of seq 0",
    ]


@pytest.mark.parametrize("key", ["manifest", "genesis", "run_id"])
def test_a_missing_line_of_meta_is_missed(tamperer: Tamperer, key: str) -> None:
    tamperer.execute(f"DELETE FROM meta WHERE key = '{key}'")

    assert str(verify(tamperer.database).findings[0]) == f"meta: {key} is missing"


def test_times_that_run_backwards_are_found(tamperer: Tamperer) -> None:
    tamperer.execute("UPDATE events SET timestamp = '2019-01-01T00:00:00.000000Z' WHERE seq = 3")

    messages = [str(finding) for finding in verify(tamperer.database).findings]

    assert "seq 3: events: timestamp is before that of the entry before" in messages


@pytest.mark.parametrize(
    ("statement", "seq", "message"),
    [
        ("UPDATE capital_ledger SET amount = amount + 1 WHERE event_seq = 6", 6, "was changed"),
        ("UPDATE capital_ledger SET book = 'virtual' WHERE event_seq = 6", 6, "was changed"),
        ("UPDATE capital_ledger SET reason = 'x' WHERE event_seq = 6", 6, "was changed"),
        ("DELETE FROM capital_ledger WHERE event_seq = 7 AND line = 2", 7, "is missing"),
        ("INSERT INTO capital_ledger VALUES (5, 1, 'real', 'a', 'b', 1, 'r')", 5, "no event"),
        ("INSERT INTO capital_ledger VALUES (99, 1, 'real', 'a', 'b', 1, 'r')", 99, "no event"),
        ("UPDATE trades SET quantity = quantity * 2 WHERE seq = 7 AND line = 1", 7, "was changed"),
        ("UPDATE trades SET status = 'success' WHERE status = 'failed'", 7, "was changed"),
        ("DELETE FROM trades WHERE seq = 8", 8, "is missing"),
        ("UPDATE trades SET seq = 9 WHERE seq = 8", 8, "no event"),
    ],
)
def test_a_changed_derived_row_is_found(
    tamperer: Tamperer, statement: str, seq: int, message: str
) -> None:
    tamperer.execute(statement)

    report = verify(tamperer.database)

    assert report.first_bad_seq == seq
    assert any(message in finding.message for finding in report.findings)


def test_an_overdrawn_account_is_found_once(tamperer: Tamperer) -> None:
    tamperer.execute(
        "UPDATE capital_ledger SET debit_account = 'reserve'"
        " WHERE debit_account = 'endowment' AND credit_account = 'pool:arena'"
    )

    overdrawn = [f for f in verify(tamperer.database).findings if "overdrawn" in f.message]

    assert [(finding.seq, finding.table) for finding in overdrawn] == [(1, "capital_ledger")]


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("DROP TRIGGER events_delete", "schema: trigger events_delete is missing"),
        ("DROP VIEW capital_ledger_legs", "schema: view capital_ledger_legs is missing"),
        ("DROP TABLE arena_state", "schema: table arena_state is missing"),
        ("CREATE INDEX more ON events (hash)", "schema: index more does not belong here"),
        (
            "ALTER TABLE process_log ADD COLUMN x TEXT",
            "schema: table process_log is not as it was made",
        ),
    ],
)
def test_damage_to_the_schema_is_named_and_the_walk_goes_on(
    database: Path, statement: str, line: str
) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(statement)

    report = verify(database)

    assert [str(finding) for finding in report.findings] == [line]
    assert report.events == LAST


@pytest.mark.parametrize("table", ["events", "capital_ledger", "trades", "meta"])
def test_a_table_that_is_gone_is_a_finding(tamperer: Tamperer, table: str) -> None:
    with closing(sqlite3.connect(tamperer.database)) as connection:
        connection.execute(f"DROP TABLE {table}")

    report = verify(tamperer.database)

    assert f"schema: table {table} is missing" in map(str, report.findings)


@pytest.mark.parametrize("seed", range(40))
def test_rotten_bytes_are_a_finding_and_never_a_traceback(database: Path, seed: int) -> None:
    raw, dice = bytearray(database.read_bytes()), random.Random(seed)
    before = bytes(raw)
    start = dice.randrange(100, len(raw) - 300)  # Beyond the header, which says whose file it is.
    raw[start : start + 200] = dice.randbytes(200)
    database.write_bytes(raw)

    report = verify(database)

    assert not report.ok or raw == before or report.head == _head_of(before, database)


def _head_of(raw: bytes, database: Path) -> object:
    """Bytes that hold nothing may change: then the history must be what it was."""
    database.write_bytes(raw)
    return verify(database).head


def test_findings_cannot_grow_without_end(tamperer: Tamperer) -> None:
    findings = Findings()
    for seq in range(FINDINGS_MAX + 5):
        findings.add(seq, "events", "x")

    assert (len(findings.found), findings.omitted) == (FINDINGS_MAX, 5)


@pytest.mark.parametrize(
    "statement", ["SELECT 1", "UPDATE events SET data = '{}' WHERE seq = 5", "DELETE FROM commands"]
)
def test_a_second_process_sees_what_one_alone_would(
    tamperer: Tamperer, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    tamperer.execute(statement)
    alone = verify(tamperer.database)
    monkeypatch.setattr("actors.journal.verify.LONG", 1)

    assert verify(tamperer.database) == alone
    with elsewhere(tamperer.database, LAST) as other:
        assert other.result() is not None


def test_a_second_process_that_dies_is_done_without(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = verify(database)
    monkeypatch.setattr("actors.journal.verify.LONG", 1)
    monkeypatch.setattr(sys, "executable", "false")

    assert verify(database) == alone


def test_a_run_that_is_being_written_is_seen_at_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.journal.verify.LONG", 1)
    create_database(tmp_path / "run.db", RUN, MANIFEST, META)
    store = Store(tmp_path / "run.db")
    store.append(a_batch(GENESIS, LIFE))

    with open_run(tmp_path) as run:
        seen = []

        def go_on(seq: int, _: object) -> None:
            seen.append(seq)
            store.append(a_batch(store.head(), [an_allocation()]))

        report = verify_run(run, go_on)

    assert report.findings == ()
    assert report.events == LAST
    assert seen == [*range(1, LAST + 1)]
    store.connection.close()
    store.release()
