"""`arena verify` and `arena replay` find what was changed, and say where."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

CSV = "date,open,close\n" + "".join(
    f"2020-01-{day:02d},{100 + day},{100 + (day * 7) % 5 + day}\n" for day in range(1, 21)
)
CSV_CONFIG = """
[run]
name = "files"
[market]
source = "csv"
start = 2020-01-05
end = 2020-01-20
warmup_days = 4
[[market.sources]]
path = "prices.csv"
time_column = "date"
time_zone = "UTC"
series = { "BTC.open" = "open", "BTC.close" = "close" }
[[instruments]]
name = "BTC"
kind = "spot"
[population]
agents = 4
mix = { random = 1 }
baselines = ["cash"]
"""


def change(folder: Path, *statements: str) -> None:
    """Be somebody with a shell, who knows about the triggers."""
    with closing(sqlite3.connect(folder / "run.db", isolation_level=None)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


def change_tick(folder: Path, tick: int) -> int:
    """Change one number in the event that settled `tick`; return its seq."""
    where = f"event_type = 'TickSettled' AND json_extract(data, '$.tick') = {tick}"
    change(
        folder,
        "UPDATE events SET data = json_set(data, '$.fund_nav', 1.5) WHERE " + where,
    )
    with closing(sqlite3.connect(folder / "run.db")) as connection:
        (seq,) = connection.execute(f"SELECT seq FROM events WHERE {where}").fetchone()
    return int(seq)


@pytest.fixture
def files(arena, tmp_path) -> tuple[Path, Path]:
    """A run on a market that was read from a file: (its folder, the file)."""
    prices, config = tmp_path / "prices.csv", tmp_path / "files.toml"
    prices.write_text(CSV)
    config.write_text(CSV_CONFIG)
    answer = arena("run", config, "--out", tmp_path / "run")
    assert answer.code == 0, answer.err
    return tmp_path / "run", prices


@pytest.mark.parametrize("name", ["", "run.db"])
def test_a_finished_run_verifies(arena, finished, name):
    answer = arena("verify", finished / name)

    assert answer.code == 0
    assert answer.out.startswith("verified: ")
    assert "ledger: balanced" in answer.out.splitlines()


def test_verify_answers_in_json(arena, finished):
    data = arena("verify", finished, "--json").data

    assert data["ok"] is True
    assert data["findings"] == []
    assert data["ledger"] == {"real_sum": 0, "virtual_sum": 0}


def test_the_printed_head_is_a_receipt(arena, finished):
    (line,) = [
        line for line in arena("verify", finished).out.splitlines() if line.startswith("head: ")
    ]
    receipt = line.removeprefix("head: ")

    answer = arena("verify", finished, "--deep", "--receipt", receipt)

    assert answer.code == 0
    assert f"on the record: {receipt}" in answer.out.splitlines()
    assert arena("verify", finished, "--json").data["receipt"] == receipt


def test_a_receipt_for_what_is_gone_is_history_lost(arena, finished):
    events = arena("verify", finished, "--json").data["events"]
    beyond = f"{events + 1}:{'0' * 64}"

    answer = arena("verify", finished, "--receipt", beyond)

    assert answer.code == 3
    assert answer.out.splitlines()[0].startswith(
        f"seq {events + 1}: receipts: history lost after seq {events}"
    )


def test_a_receipt_for_something_else_is_a_finding(arena, finished):
    answer = arena("verify", finished, "--receipt", f"7:{'0' * 64}", "--json")

    assert answer.code == 3
    assert answer.data["first_bad_seq"] == 7


@pytest.mark.parametrize("text", ["", "7", "7:", ":" + "0" * 64, "7:" + "g" * 64, "-7:" + "0" * 64])
def test_what_is_no_receipt_is_refused(arena, finished, text):
    answer = arena("verify", finished, "--receipt", text)

    assert answer.code == 2
    assert "receipt" in answer.err


def test_a_run_without_anchors_verifies_with_a_note(arena, copied):
    (copied / "run.anchors.jsonl").unlink(missing_ok=True)

    answer = arena("verify", copied)

    assert answer.code == 0
    assert "note: it has no anchors" in answer.err


def test_a_changed_event_is_named_on_the_first_line(arena, copied):
    seq = change_tick(copied, 20)

    answer = arena("verify", copied)

    assert answer.code == 3
    assert answer.out.startswith(f"seq {seq}: ")
    assert arena("verify", copied, "--json").data["first_bad_seq"] == seq


def test_schema_damage_is_reported_and_the_chain_still_walked(arena, copied):
    change(copied)

    data = arena("verify", copied, "--json").data

    assert data["first_bad_seq"] is None
    assert {each["table"] for each in data["findings"]} == {"schema"}
    assert data["events"] > 0


@pytest.mark.parametrize("key", ["state_hash", "tick", "cycle"])
def test_a_stored_state_that_the_events_do_not_make_is_found(arena, copied, key):
    change(copied, f"UPDATE arena_state SET value = '3' WHERE key = '{key}'")

    findings = arena("verify", copied, "--json").data["findings"]

    assert "arena_state" in {each["table"] for each in findings}


def test_the_derived_state_may_be_deleted(arena, copied):
    change(copied, "DELETE FROM arena_state")

    findings = arena("verify", copied, "--json").data["findings"]

    assert {each["table"] for each in findings} == {"schema"}


@pytest.mark.parametrize("lost", [1, 5])
def test_a_tail_that_was_cut_is_missed_by_the_state_beside_it(arena, copied, lost):
    with closing(sqlite3.connect(copied / "run.db")) as connection:
        (head,) = connection.execute("SELECT max(seq) FROM events").fetchone()
    kept = head - lost
    change(
        copied,
        f"DELETE FROM trades WHERE seq > {kept}",
        f"DELETE FROM capital_ledger WHERE event_seq > {kept}",
        f"DELETE FROM events WHERE seq > {kept}",
    )

    answer = arena("verify", copied)

    assert answer.code == 3
    assert f"history lost after seq {kept}" in answer.out.splitlines()[0]


def test_an_event_that_cannot_be_folded_is_a_finding(arena, copied):
    change(copied, "UPDATE events SET data = '{}' WHERE seq = 2")

    answer = arena("verify", copied)

    assert answer.code == 3
    assert answer.out.startswith("seq 2: ")


def test_a_replay_rebuilds_the_stored_state(arena, finished):
    answer = arena("replay", finished)
    data = arena("replay", finished, "--json").data

    assert answer.code == 0
    assert "equal" in answer.out
    assert data["match"] is True
    assert data["state_hash"] == data["stored_state_hash"]


def test_a_replay_of_changed_events_does_not_match(arena, copied):
    change_tick(copied, 20)

    answer = arena("replay", copied)

    assert answer.code == 3
    assert "DIFFERENT" in answer.out


def test_re_executing_gives_the_same_events(arena, finished):
    answer = arena("replay", finished, "--re-execute")
    data = arena("replay", finished, "--re-execute", "--json").data

    assert answer.code == 0
    assert "events are the same" in answer.out
    assert data["divergence"] is None
    assert data["compared"] == data["events"]


def test_re_executing_names_the_first_event_that_differs_and_shows_both(arena, copied):
    seq = change_tick(copied, 20)

    answer = arena("replay", copied, "--re-execute")
    divergence = arena("replay", copied, "--re-execute", "--json").data["divergence"]

    assert answer.code == 3
    assert f"seq {seq} differs first, in data.fund_nav" in answer.out
    assert "stored: TickSettled: 1.5" in answer.out
    assert divergence["seq"] == seq
    assert divergence["values"]["stored"] == 1.5
    assert divergence["stored"]["type"] == divergence["again"]["type"] == "TickSettled"


def test_a_market_from_files_is_read_again(arena, files):
    folder, _ = files

    answer = arena("replay", folder, "--re-execute")

    assert answer.code == 0, answer.err


def test_changed_data_is_no_market_for_a_re_execution(arena, files):
    folder, prices = files
    prices.write_text(CSV.replace("2020-01-12,112", "2020-01-12,113"))

    answer = arena("replay", folder, "--re-execute")

    assert answer.code == 4
    assert "prices.csv" in answer.err
    assert "SHA-256" in answer.err


def test_missing_data_is_named(arena, files):
    folder, prices = files
    prices.unlink()

    answer = arena("replay", folder, "--re-execute")

    assert answer.code == 4
    assert "prices.csv" in answer.err


def test_a_run_without_settings_cannot_be_run_again(arena, copied):
    change(copied, "DELETE FROM meta WHERE key = 'settings'")

    answer = arena("replay", copied, "--re-execute")

    assert answer.code == 4
    assert "no settings" in answer.err


def test_another_version_is_named(arena, copied):
    with closing(sqlite3.connect(copied / "run.db")) as connection:
        (text,) = connection.execute("SELECT value FROM meta WHERE key = 'manifest'").fetchone()
    facts = json.loads(text)
    facts["versions"]["numpy"] = "1.0.0"
    manifest = json.dumps(facts, sort_keys=True, separators=(",", ":")).replace("'", "''")
    change(copied, f"UPDATE meta SET value = '{manifest}' WHERE key = 'manifest'")

    answer = arena("replay", copied, "--re-execute")

    assert answer.code == 0, answer.err
    assert "numpy 1.0.0" in answer.err
