"""`arena run --resume`: what it says, and what it says of runs that it refuses."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from actors.app.experiment import prepare, run_experiment
from actors.journal.anchors import anchors_path
from actors.journal.lock import WriterLock
from actors.journal.port import StorageError
from actors.journal.store import Store
from tests.worlds import NOW


@pytest.fixture
def stopped(small, tmp_path):
    """The folder of the small run, stopped before its first day."""
    prepared = prepare(small, (), now=NOW)
    asyncio.run(run_experiment(prepared, tmp_path, stopped=lambda: True))
    return tmp_path


def test_a_run_that_is_being_written_is_not_said_to_have_stopped(arena, stopped):
    lock = WriterLock(stopped / "run.db")
    try:
        answer = arena("run", "--resume", stopped)
    finally:
        lock.release()

    assert answer.code == 5
    (line,) = answer.err.splitlines()
    assert "is being written by process" in line


@pytest.mark.parametrize("content", [b"", b"not a database"])
def test_what_is_no_run_is_not_said_to_have_stopped(arena, tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    Path("junk.db").write_bytes(content)

    answer = arena("run", "--resume", "junk.db")

    assert answer.code == 4
    (line,) = answer.err.splitlines()
    assert line.startswith("arena: 'junk.db' is ")


def test_a_finished_run_says_its_result_again_to_whoever_cannot_write(arena, copied):
    lock = WriterLock(copied / "run.db")
    try:
        answer = arena("run", "--resume", copied)
    finally:
        lock.release()

    assert answer.code == 0
    assert "ledger: balanced" in answer.out


def test_a_damaged_run_is_sent_to_whoever_shows_more(arena, stopped):
    with contextlib.closing(sqlite3.connect(stopped / "run.db", isolation_level=None)) as db:
        db.execute("DROP TRIGGER events_update")
        db.execute("UPDATE events SET data = replace(data, '10000', '10001') WHERE seq = 3")

    answer = arena("run", "--resume", stopped)

    assert answer.code == 3
    assert "the journal is damaged at seq 3" in answer.err
    assert "verify" in answer.err


def test_places_are_named_as_they_were_given(arena, copied, monkeypatch):
    monkeypatch.chdir(copied.parent)

    ended = arena("run", "--resume", "copied")
    forked = arena("fork", "copied", "--at", 100)

    assert (ended.code, forked.code) == (0, 0)
    assert "journal: copied/run.db\n" in ended.out
    assert "forked from copied/run.db after" in forked.out
    assert "journal: copied-fork-1/run.db\n" in forked.out


def test_a_folder_whose_database_is_gone_is_said_to_be_the_rest_of_a_run(arena, small, copied):
    for each in copied.glob("run.db*"):
        each.unlink()

    lost, refused = arena("run", "--resume", copied), arena("run", small, "--out", copied)

    assert (lost.code, refused.code) == (4, 2)
    assert "run.anchors.jsonl is left of one: its run.db is gone" in lost.err
    assert f"{str(anchors_path(copied / 'run.db'))!r} exists" in refused.err


def test_a_full_disk_is_answered_with_how_to_go_on(arena, small, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise StorageError("nothing was written", definite=True)

    monkeypatch.setattr(Store, "append", full)

    answer = arena("run", small, "--out", tmp_path / "run")

    assert answer.code == 74
    assert f"run --resume {tmp_path / 'run'}\n" in answer.err


def test_an_io_error_can_only_be_passed_over_by_resuming(arena, small):
    answer = arena("run", small, "--after-io-error")

    assert answer.code == 2
    assert "--after-io-error is for --resume" in answer.err
