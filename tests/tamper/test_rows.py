"""Whoever changes anything in a run is found out, and the entry at fault is named.

Bytes of every row are changed, one at a time: every third one in the large tables, all in the small
ones (and all in all by `python -m tests.tamper`).  Rows are taken out, put in and exchanged; tails
are cut off at every entry, together with everything derived from them.
"""

from __future__ import annotations

import pytest

from actors.journal.findings import Finding
from tests.tamper.flips import Tampering, verified_after
from tests.tamper.life import Life

TABLES = {
    "events": range(0, 12, 3),
    "capital_ledger": range(1),
    "trades": range(1),
    "commands": range(0, 6, 3),
    "snapshots": range(1),
    "arena_state": range(1),
}
"""Which parts of a table's bytes are flipped, each in a test, of as many as the range ends at."""

PLACES = {
    "capital_ledger": "event_seq",
    "trades": "seq",
    "commands": "last_seq",
    "snapshots": "seq",
    "arena_state": "as_of_seq",
    "events": "seq",
}
"""Where each table has the entry that a row belongs to."""

EVENTS_MIN = 200


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return Life.lived(tmp_path_factory.mktemp("life"))


@pytest.fixture(scope="module")
def tampering(life: Life) -> Tampering:
    return Tampering(life)


def first_of(found: list[Finding]) -> int | None:
    return min((each.seq for each in found if each.seq is not None), default=None)


def test_the_run_is_long_enough_and_untouched(life: Life, tampering: Tampering) -> None:
    assert len(life.heads) > EVENTS_MIN
    assert verified_after(life).ok
    assert all(tampering.rows(table) for table in TABLES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "part", "parts"),
    [(table, part, parts.stop) for table, parts in TABLES.items() for part in parts],
)
def test_no_byte_of_any_row_can_change(
    tampering: Tampering, table: str, part: int, parts: int
) -> None:
    outcome = tampering.flip_all(table, part, parts)

    assert outcome.flips[table] > 0
    assert outcome.missed == []
    assert outcome.misplaced == []


@pytest.mark.slow
def test_the_whole_of_verify_says_the_same(life: Life) -> None:
    """The judges above see a row; this is a sample of such changes, seen by all of them."""
    change = "UPDATE events SET data = replace(data, ':', ';') WHERE seq = ?"
    for seq in range(3, len(life.heads), 23):
        assert verified_after(life, (change, seq)).first_bad_seq == seq


@pytest.mark.slow
def test_no_entry_can_be_taken_out(life: Life) -> None:
    for seq in range(1, len(life.heads)):
        assert verified_after(life, ("DELETE FROM events WHERE seq = ?", seq)).first_bad_seq == seq


@pytest.mark.parametrize(("table", "seq"), [("capital_ledger", "event_seq"), ("trades", "seq")])
def test_no_row_of_money_can_be_taken_out(tampering: Tampering, table: str, seq: str) -> None:
    for row in tampering.rows(table):
        where = f"{seq} = {row[seq]} AND line = {row['line']}"
        with tampering.changed(f"DELETE FROM {table} WHERE {where}"):
            assert first_of(tampering.judges[table](row, "")) == row[seq]


def test_no_answer_can_be_taken_out(tampering: Tampering) -> None:
    for row in tampering.rows("commands"):
        name = row["command_id"]
        with tampering.changed("DELETE FROM commands WHERE command_id = ?", (name,)):
            assert first_of(tampering.judge_answer(row, "command_id")) == row["first_seq"]


def test_no_answer_can_be_put_in(tampering: Tampering) -> None:
    for row in tampering.rows("commands"):
        copied = "SELECT 'x', body_hash, first_seq, last_seq, digest, body FROM commands"
        change = f"INSERT INTO commands {copied} WHERE command_id = ?"
        with tampering.changed(change, (row["command_id"],)):
            found = tampering.judge_answer(row, "command_id")
            assert [str(each) for each in found] == [
                f"commands: 'x': it did not cause seq {row['first_seq']} to {row['last_seq']}"
            ]


@pytest.mark.slow
def test_no_two_entries_can_change_places(life: Life) -> None:
    move = "UPDATE events SET seq = ? WHERE seq = ?"
    for seq in range(1, len(life.heads) - 1):
        moves = [(move, -1, seq), (move, seq, seq + 1), (move, seq + 1, -1)]
        assert verified_after(life, *moves).first_bad_seq == seq


@pytest.mark.slow
def test_no_entry_can_be_put_in(life: Life) -> None:
    put_in = (
        "INSERT INTO events SELECT ?, 'x', event_type, type_version, agent_id, timestamp, data,"
        " caused_by, command_id, prev_hash, hash, recorded_at FROM events WHERE seq = ?"
    )
    for seq in range(1, len(life.heads), 5):
        room = [
            ("UPDATE events SET seq = -seq WHERE seq >= ?", seq),
            ("UPDATE events SET seq = 1 - seq WHERE seq < 0",),
        ]
        assert verified_after(life, *room, (put_in, seq, seq + 1)).first_bad_seq == seq


@pytest.mark.slow
def test_no_row_of_money_can_be_put_in(life: Life) -> None:
    change = "INSERT INTO capital_ledger VALUES (?, 9999, 'real', 'market', 'reserve', 1, 'x')"
    for seq in range(1, len(life.heads), 7):
        assert verified_after(life, (change, seq)).first_bad_seq == seq


def cut(seq: int) -> list[tuple[object, ...]]:
    """Return what takes everything away after `seq`, so that the rest is as it once was."""
    return [(f"DELETE FROM {table} WHERE {column} > ?", seq) for table, column in PLACES.items()]


@pytest.mark.slow
def test_a_tail_cut_off_with_all_its_traces_is_missed_by_the_anchors(life: Life) -> None:
    for seq in range(len(life.heads) - 1):
        found = [str(each) for each in verified_after(life, *cut(seq)).findings]
        lost = f"seq {seq + 1}: anchors: history lost after seq {seq}"
        assert any(each.startswith(lost) for each in found)


@pytest.mark.slow
def test_a_receipt_misses_it_where_there_are_no_anchors(life: Life) -> None:
    bare = Life(life.path.with_name("elsewhere.db"), life.image)
    for seq in range(len(life.heads) - 1):
        receipt = life.heads[seq + 1]
        report = verified_after(bare, *cut(seq), receipts=(receipt,))
        found = {str(each) for each in report.findings}
        named = f"one of them names seq {seq + 1}"
        assert f"seq {seq + 1}: receipts: history lost after seq {seq}: {named}" in found
        assert report.notes == ("it has no anchors: a tail that was cut off could go unnoticed",)
