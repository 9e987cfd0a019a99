"""`arena backup` and `arena restore` say what they made, and make nothing that does not hold."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from actors.app.experiment import prepare, run_experiment
from actors.journal.reader import open_run
from actors.journal.schema import migrations
from actors.journal.verify import verify
from tests.worlds import NOW


def head(run: Path) -> str:
    with open_run(run) as stored:
        return stored.head().hash


def damage(path: Path) -> None:
    """Change one event, as somebody with a shell does who knows about the triggers."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER events_update")
        connection.execute("UPDATE events SET agent_id = 'x' WHERE seq = 5")


def test_a_run_goes_into_one_file_and_comes_back_as_it_was(arena, finished, tmp_path):
    made = arena("backup", finished, tmp_path / "safe.db", "--json")
    again = arena("restore", tmp_path / "safe.db", "--out", tmp_path / "again", "--json")

    assert (made.code, again.code) == (0, 0), made.err + again.err
    assert made.data["hash"] == again.data["hash"] == head(finished) == head(tmp_path / "again")
    assert made.data["bytes"] == (tmp_path / "safe.db").stat().st_size
    assert made.data["seq"] == again.data["seq"] == verify(finished).events
    assert made.data["path"] == str(tmp_path / "safe.db")
    assert again.data["path"] == str(tmp_path / "again" / "run.db")
    assert arena("verify", tmp_path / "again").code == 0
    assert (tmp_path / "again").stat().st_mode & 0o777 == 0o700


def test_people_are_told_what_was_made_and_what_to_try(arena, finished, tmp_path):
    made = arena("backup", finished, tmp_path / "safe.db")
    again = arena("restore", tmp_path / "safe.db", "--out", tmp_path / "again")

    assert made.out.startswith("backed up and verified: ")
    assert f"head: {verify(finished).events}:{head(finished)}" in made.out
    assert again.out.startswith("restored and verified: ")
    assert again.out.splitlines()[-1].startswith("try: ")


def test_a_run_is_backed_up_while_it_is_written(arena, small, tmp_path):
    code = "from actors.app.cli import main; main()"
    words = ["run", small, "--out", tmp_path / "run", "--set", "run.days=3000", "--quiet"]
    command = [sys.executable, "-c", code, *map(str, words)]
    made = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as writer:
        try:
            while len({answer.data["seq"] for answer in made}) < 3:
                assert writer.poll() is None, "it is still running"
                if (tmp_path / "run" / "run.db").exists():
                    made.append(
                        arena("backup", tmp_path / "run", tmp_path / f"{len(made)}.db", "--json")
                    )
        finally:
            writer.kill()

    assert {answer.code for answer in made} == {0}
    assert arena("verify", tmp_path / f"{len(made) - 1}.db").code == 0


class Killed(BaseException):
    """What the process would never have come to say."""


def test_a_backup_of_an_unfinished_run_goes_on_to_the_same_end(arena, small, finished, tmp_path):
    def on_tick(tick: int) -> None:
        if tick == 20:
            made.append(arena("backup", tmp_path / "run", tmp_path / "safe.db"))
        if tick == 25:
            raise Killed

    made: list[object] = []
    (tmp_path / "run").mkdir()
    with pytest.raises(Killed):
        asyncio.run(run_experiment(prepare(small, (), now=NOW), tmp_path / "run", on_tick=on_tick))
    again = arena("restore", tmp_path / "safe.db", "--out", tmp_path / "again")
    ended = arena("run", "--resume", tmp_path / "again", "--json")

    assert [answer.code for answer in (*made, again, ended)] == [0, 0, 0], ended.err
    assert ended.data["head"] == head(tmp_path / "again") == head(finished)


def test_nothing_is_written_over(arena, finished, tmp_path):
    (tmp_path / "safe.db").write_text("mine")
    shutil.copytree(finished, tmp_path / "again")
    arena("backup", finished, tmp_path / "good.db")

    made = arena("backup", finished, tmp_path / "safe.db")
    again = arena("restore", tmp_path / "good.db", "--out", tmp_path / "again")

    assert (made.code, again.code) == (2, 2)
    assert "safe.db" in made.err
    assert "holds no run" in again.err
    assert (tmp_path / "safe.db").read_text() == "mine"


@pytest.mark.parametrize("out", ["", "file"])
def test_a_run_is_restored_into_a_folder(arena, finished, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    arena("backup", finished, "good.db")

    answer = arena("restore", "good.db", "--out", out)

    assert answer.code == 2
    assert "--out" in answer.err


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_file_is_no_folder_to_restore_into(arena, finished, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")

    answer = arena("restore", finished / "run.db", "--out", out)

    assert answer.code == 2
    assert answer.err == f"arena: --out: found '{out}', needed a folder, not a file\n"


def test_a_runs_folder_can_be_restored_from(arena, finished, tmp_path):
    answer = arena("restore", finished, "--out", tmp_path / "again")

    assert answer.code == 0, answer.err
    assert head(tmp_path / "again") == head(finished)


def test_a_folder_that_is_not_there_is_named(arena, finished, tmp_path):
    answer = arena("backup", finished, tmp_path / "nowhere" / "safe.db")

    assert answer.code == 2
    assert "a folder that exists" in answer.err


def test_what_is_no_run_is_neither_backed_up_nor_restored(arena, tmp_path):
    (tmp_path / "junk.db").write_bytes(b"junk")

    for name in ("junk.db", "gone.db"):
        assert arena("backup", tmp_path / name, tmp_path / "safe.db").code == 4
        assert arena("restore", tmp_path / name, "--out", tmp_path / "again").code == 4

    assert [path.name for path in tmp_path.iterdir()] == ["junk.db"]


def test_a_damaged_run_is_said_to_be_and_leaves_nothing(arena, copied, tmp_path):
    damage(copied / "run.db")

    answer = arena("backup", copied, tmp_path / "safe.db")

    assert answer.code == 3
    assert "damaged at seq 5" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["copied"]


def test_a_damaged_backup_is_said_to_be_and_leaves_nothing(arena, finished, tmp_path):
    arena("backup", finished, tmp_path / "safe.db")
    damage(tmp_path / "safe.db")

    answer = arena("restore", tmp_path / "safe.db", "--out", tmp_path / "again")

    assert answer.code == 3
    assert "damaged at seq 5" in answer.err
    assert not (tmp_path / "again").exists()


def test_a_backup_of_a_newer_arena_is_refused_as_such(arena, finished, tmp_path):
    arena("backup", finished, tmp_path / "safe.db")
    with closing(sqlite3.connect(tmp_path / "safe.db")) as connection:
        connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")

    answer = arena("restore", tmp_path / "safe.db", "--out", tmp_path / "again")

    assert answer.code == 2
    assert "newer" in answer.err
