"""Whatever goes wrong ends in one message and one exit code, and never in a traceback."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import click
import pytest

from actors.app import experiment, result
from actors.app.cli.failures import explain, wants_json
from actors.app.control.errors import NoAnswerError, NotRunningError, SocketTakenError
from actors.app.exits import ExitCode
from actors.app.log import configure_log
from actors.feeds import DataError
from actors.feeds.problems import Problem
from actors.journal.port import StorageError
from actors.journal.schema import NewerRunError, NotARunError
from actors.runtime import AskTimeout
from arena.exceptions import (
    CapitalConservationError,
    EventSourcingError,
    EvolutionError,
    ValidationError,
)

CASES = [
    (DataError([Problem("a.csv", 3, "close", "NaN", "a price")]), ExitCode.DATA),
    (ValidationError("run.days", found=0, needed="at least 1"), ExitCode.USAGE),
    (StorageError("disk full", definite=True), ExitCode.STORAGE),
    (CapitalConservationError("real book", expected=0, found=1), ExitCode.INVARIANT),
    (NotARunError("it is empty"), ExitCode.DATA),
    (NewerRunError("version 9"), ExitCode.USAGE),
    (EventSourcingError("data is damaged", seq=3), ExitCode.INVARIANT),
    (AskTimeout("desk", taken=True), ExitCode.TIMED_OUT),
    (NoAnswerError("it did not answer", "ops-1"), ExitCode.TIMED_OUT),
    (SocketTakenError("control.sock", 7), ExitCode.LOCKED),
    (NotRunningError("control.sock"), ExitCode.LOCKED),
    (EvolutionError("kill", "broke"), ExitCode.FAILED),
    (OSError(errno.ENOSPC, "No space left on device", "run.db"), ExitCode.STORAGE),
    (PermissionError(errno.EACCES, "Permission denied", "run.db"), ExitCode.DATA),
    (KeyboardInterrupt(), ExitCode.INTERRUPTED),
    (click.Abort(), ExitCode.INTERRUPTED),
    (ZeroDivisionError("division by zero"), ExitCode.FAILED),
]


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda case: type(case).__name__)
def test_every_failure_has_its_exit_code(error, code):
    found, message = explain(error)

    assert found is code
    assert message.startswith("arena: ")


def test_a_data_error_is_no_usage_error_though_it_is_a_validation_error():
    assert issubclass(DataError, ValidationError)
    assert explain(CASES[0][0])[0] is ExitCode.DATA


def test_what_nobody_foresaw_is_one_line_that_says_how_to_see_more(arena, small, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr(experiment, "prepare", broken)

    answer = arena("run", small)

    assert answer.code == 1
    assert answer.out == ""
    assert answer.err == (
        "arena: RuntimeError: first second; this is a bug: with ARENA_DEBUG=1 it shows where\n"
    )


def test_the_traceback_is_there_for_those_who_want_it(monkeypatch):
    monkeypatch.setenv("ARENA_DEBUG", "1")

    try:
        raise RuntimeError("broken")  # noqa: TRY301 - a traceback is what is wanted
    except RuntimeError as error:
        _, message = explain(error)

    assert message.startswith("Traceback")
    assert message.endswith("arena: RuntimeError: broken; this is a bug")


def test_money_that_vanished_is_said_in_place_of_the_proof(arena, small, tmp_path, monkeypatch):
    async def vanish(*_: object, **__: object) -> None:
        raise CapitalConservationError("real book", expected=0, found=-1)

    monkeypatch.setattr(experiment, "run_experiment", vanish)

    answer = arena("run", small, "--out", tmp_path)

    assert answer.code == 3
    assert answer.out.startswith("ledger: NOT balanced: real book")


def test_a_disk_that_refuses_stops_the_run(arena, small, tmp_path, monkeypatch):
    async def refuse(*_: object, **__: object) -> None:
        raise StorageError("disk full", definite=True)

    monkeypatch.setattr(experiment, "run_experiment", refuse)

    assert arena("run", small, "--out", tmp_path).code == 74


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["rnu"], "Did you mean 'run'"),
        (["agents", "lst"], "Did you mean 'list'"),
        (["run", "--sed", "7"], "--seed"),
        (["run"], "CONFIG is missing"),
        (["run", "a.toml", "--resume", "b"], "--resume takes no CONFIG"),
        (["verify"], "Missing argument 'RUN'"),
        (["run", "no-such.toml"], "no-such.toml"),
        (["run", "a.toml", "--seed", "x"], "'x' is not a valid integer"),
    ],
)
def test_a_slip_of_the_hand_is_met_with_a_hint(arena, words, hint):
    answer = arena(*words)

    assert answer.code == 2
    assert hint in answer.err
    assert answer.out == ""


@pytest.mark.parametrize("content", [None, b"", b"not a database", b"\x00" * 4096])
def test_what_is_no_run_cannot_be_read(arena, tmp_path, content):
    path = tmp_path / "run.db"
    if content is not None:
        path.write_bytes(content)

    for command in (("verify",), ("replay",), ("leaderboard",), ("events", "list")):
        answer = arena(*command, path)
        assert (answer.code, answer.out) == (4, "")
        assert answer.err.startswith("arena: ")
    if content is not None:
        assert path.read_bytes() == content


def test_a_run_of_a_newer_version_is_refused_as_such(arena, copied):
    with closing(sqlite3.connect(copied / "run.db")) as connection:
        connection.execute("PRAGMA user_version = 99")

    answer = arena("verify", copied)

    assert answer.code == 2
    assert "newer" in answer.err


def test_a_market_without_its_file_is_unusable_data(arena, small, tmp_path):
    config = tmp_path / "files.toml"
    config.write_text(
        '[market]\nsource = "csv"\nstart = 2020-01-02\nend = 2020-01-03\nwarmup_days = 0\n'
        '[[market.sources]]\npath = "gone.csv"\ntime_column = "date"\ntime_zone = "UTC"\n'
        'series = { "BTC.open" = "open", "BTC.close" = "close" }\n'
        '[[instruments]]\nname = "BTC"\nkind = "spot"\n'
        '[population]\nmix = { random = 1 }\nbaselines = ["cash"]\n'
    )

    answer = arena("run", config, "--out", tmp_path / "run")

    assert answer.code == 4
    assert "gone.csv" in answer.err
    assert not (tmp_path / "run").exists()


def test_a_log_level_that_does_not_exist_is_refused():
    with pytest.raises(ValidationError, match="ARENA_LOG"):
        configure_log("loud")


@pytest.mark.parametrize(
    "words",
    [
        ("rnu",),
        ("run",),
        ("run", "no-such.toml"),
        ("run", "a.toml", "--seed", "x"),
        ("run", "a.toml", "--out", ""),
        ("verify", "no-such-run"),
        ("agents", "show", "no-such-run", "cash"),
        ("capital", "show"),
        ("--no-such-option",),
    ],
)
def test_json_says_in_one_line_what_the_text_says(arena, words):
    answer = arena(*words, "--json")

    error = answer.data["error"]
    assert error.keys() == {"code", "message", "problems"}
    assert error["code"] == answer.code == arena(*words).code
    assert error["message"] in answer.err


def test_json_lists_every_problem_of_a_config(arena, small):
    wrong = ("--set", "run.dayz=3", "--set", "population.agents=0")

    run = arena("run", small, *wrong, "--json").data["error"]
    validated = arena("config", "validate", small, *wrong, "--json").data

    assert [each["key"] for each in run["problems"]] == ["run.dayz", "population.agents"]
    assert validated["error"] == run
    assert validated["problems"] == run["problems"]


def test_json_is_there_for_a_failure_nobody_foresaw(arena, small, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(experiment, "prepare", broken)

    answer = arena("run", small, "--json")

    assert answer.code == answer.data["error"]["code"] == 1


def test_a_word_after_the_options_is_no_option():
    assert wants_json(["run", "--json", "--", "x"])
    assert not wants_json(["run", "--", "--json"])


def test_a_log_level_that_does_not_exist_is_refused_by_every_command(arena, finished, monkeypatch):
    monkeypatch.setenv("ARENA_LOG", "loud")

    for words in (("leaderboard", finished), ("list-strategies",), ("config", "schema")):
        answer = arena(*words)
        assert (answer.code, answer.out) == (2, "")
        assert "ARENA_LOG" in answer.err


def damage(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "run.db", isolation_level=None)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)


READERS = [
    ("replay",),
    ("leaderboard",),
    ("agents list",),
    ("capital show",),
    ("agents show", "g000-001"),
]


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE events SET data = '{}' WHERE seq = 40", " at seq 40 "),
        ("UPDATE events SET data = replace(data, 'g000-003', 'g999-003') WHERE seq = 4", " at seq"),
        ("UPDATE meta SET value = '{}' WHERE key = 'manifest'", " "),
    ],
)
def test_a_damaged_run_is_said_to_be_one(arena, copied, statement, where):
    damage(copied, statement)

    for command, *more in READERS:
        answer = arena(*command.split(), copied, *more)
        assert (answer.code, answer.out) == (3, "")
        assert answer.err.startswith(f"arena: the journal is damaged{where}")
        assert f"run `arena verify {copied}`" in answer.err
        assert "Error" not in answer.err


def test_events_that_are_no_json_are_damage(arena, copied):
    damage(copied, "UPDATE events SET data = 'x' WHERE seq = 3")

    answer = arena("events", "list", copied)

    assert answer.code == 3
    assert "damaged at seq 3" in answer.err


def test_code_that_trips_over_a_damaged_run_is_no_bug(arena, copied, finished, monkeypatch):
    def trip(*_: object, **__: object) -> None:
        raise KeyError("g000-001")

    monkeypatch.setattr(result, "leaderboard", trip)
    sound = arena("leaderboard", finished)
    damage(copied, "UPDATE events SET data = replace(data, 'e', 'E') WHERE seq = 40")
    damaged = arena("leaderboard", copied)

    assert sound.code == 1
    assert "this is a bug" in sound.err
    assert damaged.code == 3
    assert "damaged at seq 40" in damaged.err
    assert "KeyError" not in damaged.err


def test_a_folder_of_runs_is_answered_with_the_runs_in_it(arena, finished, tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "small-1").symlink_to(finished)
    monkeypatch.chdir(tmp_path)

    inside, nothing = arena("verify", "runs"), arena("leaderboard", "nowhere")

    assert (inside.code, nothing.code) == (4, 4)
    assert inside.err == "arena: 'runs' is a folder, and no run; it holds 'runs/small-1'\n"
    assert nothing.err == "arena: there is no run at 'nowhere'\n"
