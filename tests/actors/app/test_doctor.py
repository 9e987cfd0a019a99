"""The doctor finds what would go wrong, says what to do, and changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from actors.app import doctor
from actors.app.cli import cli
from actors.app.doctor import Finding, examine
from actors.app.experiment import prepare, run_experiment
from actors.journal import mounts
from actors.journal.anchors import _line, anchors_path
from actors.journal.chain import Head
from actors.journal.condition import writer_of
from actors.journal.lock import WriterLock
from actors.journal.marker import marker_path
from actors.journal.schema import migrations
from tests.worlds import NOW

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config" / "quickstart.toml"
SMALLER = (
    CONFIG.read_text(encoding="utf-8")
    .replace("days = 180", "days = 5")
    .replace("agents = 50", "agents = 4")
    + "\n[http]\nenabled = false\n"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doctor") / "run"
    folder.mkdir(mode=0o700)
    small = ("run.days=5", "population.agents=4")
    asyncio.run(run_experiment(prepare(CONFIG, small, now=NOW), folder))
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(made, tmp_path / "run"))
    folder.chmod(0o700)
    return folder


def look(target: Path | None, *, now: datetime = NOW) -> dict[str, Finding]:
    """Return what was found, the last of each check."""
    return {one.check: one for one in examine(target, Path("runs"), now=now)}


def problems(target: Path | None, *, now: datetime = NOW) -> list[str]:
    return [one.check for one in look(target, now=now).values() if one.level == "problem"]


def test_a_sound_run_on_a_sound_machine_has_no_problem(run: Path) -> None:
    before = sorted(path.name for path in run.iterdir())

    assert problems(run) == problems(run / "run.db") == []
    assert look(run)["run"].found.endswith("events, as its anchors say")
    assert "permissions" not in look(run)
    assert sorted(path.name for path in run.iterdir()) == before


def forge(run: Path) -> None:
    (run / "run.db").write_bytes(b"something else" * 500)


@pytest.mark.parametrize(
    ("harm", "check"),
    [
        (forge, "run"),
        (lambda run: (run / "run.db").unlink(), "run"),
        (lambda run: (run / "run.db").write_bytes(b""), "run"),
    ],
)
def test_a_run_that_is_none_is_a_problem(
    run: Path, harm: Callable[[Path], None], check: str
) -> None:
    harm(run)

    assert problems(run) == [check]


def test_what_lies_beside_a_run_and_should_not_is_named(run: Path) -> None:
    marker_path(run / "run.db").write_text("{}")
    found = [one.found for one in examine(run, Path("runs"), now=NOW)]
    assert any("I/O error" in text for text in found)
    marker_path(run / "run.db").unlink()
    with anchors_path(run / "run.db").open("ab") as file:
        file.write(b'{"seq":')
    assert "torn" in look(run)["beside the run"].found
    anchors_path(run / "run.db").unlink()
    assert "no anchors" in look(run)["beside the run"].found


def test_a_run_of_an_older_schema_is_said_to_be_upgraded(run: Path) -> None:
    assert "schema" not in look(run)
    with closing(sqlite3.connect(run / "run.db")) as connection:
        connection.execute("PRAGMA user_version = 3")

    newest = len(migrations())
    assert look(run)["schema"].found.startswith(f"3 of {newest}: upgraded when it is next written")
    assert problems(run) == []


def test_a_run_that_lost_its_end_is_a_problem(run: Path) -> None:
    anchors = anchors_path(run / "run.db")
    lines = anchors.read_text().splitlines(keepends=True)
    anchors.write_text("".join(lines) + _line(Head(99_999, "0" * 64)).decode())

    assert problems(run) == ["run"]
    assert "history lost" in look(run)["run"].found


def test_who_writes_a_run_is_named_and_not_disturbed(run: Path) -> None:
    assert writer_of(run / "run.db") is None
    lock = WriterLock(run / "run.db")
    try:
        assert look(run)["writer"].found == f"process {os.getpid()} writes it"
    finally:
        lock.release()
    assert writer_of(run / "run.db") is None


def test_a_socket_that_a_dead_daemon_left_is_no_problem(run: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(run / "control.sock"))

    assert "nobody listens" in look(run)["control socket"].found
    assert problems(run) == []


def test_rights_that_others_have_are_named_with_what_to_type(run: Path) -> None:
    (run / "run.db").chmod(0o644)
    advice = f"chmod 600 {run / 'run.db'}"

    assert Finding("permissions", "warning", "run.db: 0644", advice) in examine(
        run, Path("runs"), now=NOW
    )


def test_the_machine_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert problems(None, now=datetime(2019, 12, 31, tzinfo=UTC)) == ["clock"]
    monkeypatch.setattr(doctor, "sqlite_version", lambda: (3, 36, 0))
    assert problems(None) == ["sqlite"]
    monkeypatch.setattr(doctor, "sqlite_version", lambda: (3, 51, 2))
    assert look(None)["sqlite"].level == "warning"
    monkeypatch.setattr(doctor, "sqlite_version", lambda: (3, 51, 3))
    assert look(None)["sqlite"].level == "ok"
    monkeypatch.setattr(doctor, "EXTRAS", {"serve": ("no_such_module",)})
    assert look(None)["extra serve"].advice == "pip install 'treasury-arena[serve]'"
    monkeypatch.setattr(doctor, "FREE_MIN", 1 << 62)
    assert problems(None) == ["free space"]


def test_a_network_file_system_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "table").write_text("1 0 0:1 / / rw - nfs4 there rw\n")
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "table")
    monkeypatch.chdir(tmp_path)

    assert problems(None) == ["file system"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(folder: Path, text: str) -> Path:
    path = folder / "daemon.toml"
    path.write_text(text)
    return path


def test_a_config_is_looked_at_with_its_port_and_its_secrets(here: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = (
            f'[run]\nname = "x"\n[http]\nbind = "127.0.0.1:{port}"\ntoken_file = "token"\n'
            '[[notify]]\nurl_file = "hook"\n'
        )
        path = config(here, text)
        (here / "hook").write_text("http://127.0.0.1/canary")
        (here / "token").write_text("canary" * 10)
        for secret in ("hook", "token"):
            (here / secret).chmod(0o644)
        assert problems(path) == ["notify", "token", "port"]
        assert not any("canary" in one.found for one in examine(path, Path("runs"), now=NOW))
    for secret in ("hook", "token"):
        (here / secret).chmod(0o600)

    assert problems(path) == []


def test_the_run_of_a_config_is_looked_for_where_it_is_served(here: Path, run: Path) -> None:
    path = config(here, SMALLER)
    words = ["doctor", str(path), "--json"]
    there = CliRunner().invoke(cli, [*words, "--out", str(run)])
    elsewhere = CliRunner().invoke(cli, words)
    of_a_run = CliRunner().invoke(cli, ["doctor", str(run), "--out", str(run)])

    checks = {one["check"]: one["found"] for one in json.loads(there.stdout)["checks"]}
    assert checks["run"].endswith("events, as its anchors say")
    assert '"run"' not in elsewhere.stdout
    assert (there.exit_code, elsewhere.exit_code, of_a_run.exit_code) == (0, 0, 2)


@pytest.mark.parametrize(
    ("before", "after", "level", "found"),
    [
        ("", "", "ok", "the run's are the config's"),
        ("[treasury]", "[limits]\ntrades_per_day = 9\n[treasury]", "ok", "limits.trades_per_day"),
        ("373261.00", "7777.00", "problem", "treasury.total: found '7777.00'"),
    ],
)
def test_a_config_is_compared_with_the_run_that_it_would_go_on_with(
    here: Path, run: Path, before: str, after: str, level: str, found: str
) -> None:
    path = config(here, SMALLER.replace(before, after) if before else SMALLER)

    (rules,) = [
        one for one in examine(path, Path("runs"), now=NOW, out=run) if one.check == "rules"
    ]

    assert rules.level == level
    assert found in rules.found


def test_a_config_of_the_package_goes_by_its_name(here: Path) -> None:
    answer = CliRunner().invoke(cli, ["doctor", "daemon"])

    assert "ok      config: " in answer.stdout


def test_a_config_that_cannot_be_used_is_a_problem(here: Path) -> None:
    assert problems(config(here, "[run]\ndays = 0\n")) == ["config"]


def test_the_command_answers_in_json_and_by_its_exit_code(run: Path) -> None:
    well = CliRunner().invoke(cli, ["doctor", str(run), "--json"])
    forge(run)
    ill = CliRunner().invoke(cli, ["doctor", str(run)])
    nowhere = CliRunner().invoke(cli, ["doctor", str(run / "nowhere")])

    assert well.exit_code == 0, well.output
    said = json.loads(well.stdout)
    assert said["ok"] is True
    assert set(said["checks"][0]) == {"check", "level", "found", "advice"}
    assert ill.exit_code == 1
    assert "\nPROBLEM run: " in ill.stdout
    assert nowhere.exit_code == 2
