"""A run that was stopped anywhere, and goes on, ends with the bytes of one that never was."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actors.app import experiment as running
from actors.app import resuming
from actors.app.experiment import prepare, run_experiment
from actors.app.proof import prove
from actors.app.resuming import resume_experiment
from actors.feeds import DataError
from actors.journal.anchors import HistoryLostError, anchors_path, read_anchors
from actors.journal.chain import Head
from actors.journal.lock import LockedError
from actors.journal.marker import IoErrorLeftError, leave_marker, marker_path
from actors.journal.resuming import DivergenceError
from actors.journal.sqlite import SqliteJournal
from actors.journal.store import Store
from arena.exceptions import EventSourcingError
from tests.worlds import NOW

CONFIG = Path(__file__).parents[2] / "config" / "quickstart.toml"
SMALL = ("run.days=63", "population.agents=12", "evolution.agents_max=16")

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """What the process would never have come to say."""


def carry_out(folder: Path, *, on_tick: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    prepared = prepare(CONFIG, SMALL, now=NOW)
    return asyncio.run(run_experiment(prepared, folder, on_tick=on_tick))


def resume(folder: Path, **options: Any) -> dict[str, Any]:
    return asyncio.run(resume_experiment(folder, now=NOW, **options))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return carry_out(tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save a snapshot at the end of every cycle."""
    monkeypatch.setattr(running, "SNAPSHOT_EVERY_S", 0.0)


def stop_at(folder: Path, day: int) -> None:
    with pytest.raises(Killed):
        carry_out(folder, on_tick=_die_at(day))


def _die_at(day: int) -> Callable[[int], None]:
    def on_tick(tick: int) -> None:
        if tick == day:
            raise Killed

    return on_tick


@pytest.mark.parametrize("day", [1, 7, 30, 62, 63])
@pytest.mark.usefixtures("often")
def test_a_run_that_was_stopped_goes_on_to_the_same_end(
    tmp_path: Path, whole: dict[str, Any], day: int
) -> None:
    stop_at(tmp_path / "run", day)

    result = resume(tmp_path / "run")

    for key in ("run_id", "head", "state_hash", "events", "leaderboard", "capital", "status"):
        assert result[key] == whole[key], key
    assert prove(str(tmp_path / "run")).ok


@pytest.mark.usefixtures("often")
def test_it_may_be_stopped_again_and_again(tmp_path: Path, whole: dict[str, Any]) -> None:
    stop_at(tmp_path / "run", 10)
    for day in (12, 30, 31):
        with pytest.raises(Killed):
            resume(tmp_path / "run", on_start=lambda _, __, day=day: _die_at(day))

    assert resume(tmp_path / "run")["head"] == whole["head"]


@pytest.mark.parametrize(
    "spoil",
    [
        "DELETE FROM snapshots",
        "UPDATE snapshots SET state = '{}'",
        "UPDATE snapshots SET version=9",
    ],
)
@pytest.mark.usefixtures("often")
def test_without_a_snapshot_it_begins_at_the_beginning(
    tmp_path: Path, whole: dict[str, Any], spoil: str
) -> None:
    stop_at(tmp_path / "run", 30)
    with closing(sqlite3.connect(tmp_path / "run" / "run.db", isolation_level=None)) as connection:
        connection.execute(spoil)

    assert resume(tmp_path / "run")["head"] == whole["head"]


@pytest.mark.usefixtures("often")
def test_a_snapshot_spares_the_way_there(tmp_path: Path) -> None:
    stop_at(tmp_path / "run", 30)
    begun = []

    resume(tmp_path / "run", on_start=lambda tick, _: begun.append(tick) or (lambda _: None))

    assert begun == [28]


def test_a_completed_run_says_its_result_again(tmp_path: Path, whole: dict[str, Any]) -> None:
    folder = Path(whole["path"]).parent
    before = (folder / "run.db").read_bytes()

    again = resume(folder)

    assert {k: again[k] for k in again if k != "notes"} == {
        k: whole[k] for k in whole if k != "notes"
    }
    assert len((folder / "run.db").read_bytes()) == len(before)


def test_a_completed_run_whose_process_was_killed_at_the_end_is_anchored(tmp_path: Path) -> None:
    whole = carry_out(tmp_path / "run")
    database = tmp_path / "run" / "run.db"
    anchors = anchors_path(database)
    anchors.write_bytes(anchors.read_bytes().splitlines(keepends=True)[0])

    assert resume(tmp_path / "run")["head"] == whole["head"]

    assert (read_anchors(anchors) or [])[-1] == Head(whole["events"], whole["head"])


def test_a_run_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    stop_at(tmp_path / "run", 5)
    store = Store(tmp_path / "run" / "run.db")

    with pytest.raises(LockedError):
        resume(tmp_path / "run")

    store.finish()
    store.connection.close()
    store.release()


def test_a_record_that_the_run_does_not_make_again_is_named(tmp_path: Path) -> None:
    """As by another version of a strategy: here the settings say that costs are others."""
    stop_at(tmp_path / "run", 30)
    database = tmp_path / "run" / "run.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("DELETE FROM snapshots")
        (text,) = connection.execute("SELECT value FROM meta WHERE key = 'settings'").fetchone()
        settings = json.loads(text)
        settings["costs"]["fee_bps"] = 500
        connection.execute(
            "UPDATE meta SET value = ? WHERE key = 'settings'", (json.dumps(settings),)
        )
        events = connection.execute("SELECT count(*) FROM events").fetchone()

    with pytest.raises(DivergenceError, match=r"seq \d+: the record has TickSettled"):
        resume(tmp_path / "run")

    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == events


def test_a_run_whose_tail_is_gone_is_not_carried_on(tmp_path: Path) -> None:
    stop_at(tmp_path / "run", 30)
    database = tmp_path / "run" / "run.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in ("events", "capital_ledger", "trades", "commands"):
            connection.execute(f"DROP TRIGGER IF EXISTS {table}_delete")
        (last,) = connection.execute("SELECT max(seq) - 3 FROM events").fetchone()
        for table, place in (
            ("events", "seq"),
            ("capital_ledger", "event_seq"),
            ("trades", "seq"),
            ("commands", "last_seq"),
        ):
            connection.execute(f"DELETE FROM {table} WHERE {place} > ?", (last,))

    with pytest.raises(HistoryLostError, match=f"history lost after seq {last}"):
        resume(tmp_path / "run")


@pytest.mark.usefixtures("often")
def test_after_an_io_error_all_of_it_is_read_however_long_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at(tmp_path / "run", 30)
    database = tmp_path / "run" / "run.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER events_update")
        connection.execute("UPDATE events SET data = replace(data, '1', '2') WHERE seq = 5")
    leave_marker(database, OSError("it was plugged out"))
    monkeypatch.setattr(resuming, "FULL_CHECK_EVENTS", 10)

    with pytest.raises(IoErrorLeftError, match="it was plugged out"):
        resume(tmp_path / "run")
    with pytest.raises(EventSourcingError, match="seq 5"):
        resume(tmp_path / "run", after_io_error=True)
    assert marker_path(database).exists(), "until it is found right"


@pytest.mark.usefixtures("often")
def test_after_an_io_error_that_did_no_harm_it_goes_on(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    stop_at(tmp_path / "run", 30)
    leave_marker(tmp_path / "run" / "run.db", OSError("it was plugged out"))

    assert resume(tmp_path / "run", after_io_error=True)["head"] == whole["head"]
    assert not marker_path(tmp_path / "run" / "run.db").exists()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("settings", "[{", "settings are damaged"),
        ("settings", "{}", "settings are damaged"),
        ("forks", "no JSON", "forks are damaged"),
        ("forks", '[{"x": 1}]', "forks are damaged"),
        ("writer_epoch", "many", "writer_epoch"),
        ("run_id", None, "no run_id"),
        ("base", None, "stored no settings"),
    ],
)
def test_what_a_run_says_of_itself_may_be_damaged_and_is_named(
    tmp_path: Path, key: str, value: str | None, words: str
) -> None:
    stop_at(tmp_path / "run", 1)
    with closing(sqlite3.connect(tmp_path / "run" / "run.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM meta WHERE key = ?", (key,))
        if value is not None:
            connection.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (key, value))

    with pytest.raises((EventSourcingError, DataError), match=words):
        resume(tmp_path / "run")


def test_without_its_anchors_it_goes_on_and_makes_new_ones(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    stop_at(tmp_path / "run", 30)
    anchors_path(tmp_path / "run" / "run.db").unlink()

    assert resume(tmp_path / "run")["head"] == whole["head"]
    assert anchors_path(tmp_path / "run" / "run.db").exists()


def test_the_log_of_the_process_tells_what_the_history_does_not(tmp_path: Path) -> None:
    stop_at(tmp_path / "run", 30)
    resume(tmp_path / "run")

    async def kinds() -> list[str]:
        journal = await SqliteJournal.open(tmp_path / "run")
        await journal.close()
        with closing(sqlite3.connect(tmp_path / "run" / "run.db")) as connection:
            return [kind for (kind,) in connection.execute("SELECT kind FROM process_log")]

    assert asyncio.run(kinds()) == ["started", "resumed", "stopped"]
