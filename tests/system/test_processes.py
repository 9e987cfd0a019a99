"""The command line as a user has it: real processes, real pipes, real signals, a real shell."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ARENA = (sys.executable, "-c", "from actors.app.cli import main; main()")
CONFIG = """
[run]
name = "small"
seed = 7
days = 40
[market]
warmup_days = 60
[population]
agents = 10
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "small.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def finished(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    done = arena("run", config, "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder


def arena(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `arena` to its end, without a terminal."""
    return subprocess.run(
        [*ARENA, *map(str, words)],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def only_line(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    return json.loads(line)


def shell(database: Path, sql: str) -> str:
    """Do what a person does with the `sqlite3` tool, or with Python's where there is none."""
    tool = shutil.which("sqlite3")
    if tool is not None:
        done = subprocess.run(
            [tool, database, sql], capture_output=True, encoding="utf-8", check=True
        )
        return done.stdout.strip()
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        rows = [connection.execute(each).fetchall() for each in sql.split(";")]
    return "\n".join("|".join(map(str, row)) for row in rows[-1])


def test_the_same_seed_gives_the_same_history_in_every_process(config, tmp_path):
    def run(seed: int, hash_seed: str) -> dict[str, Any]:
        out = tmp_path / f"{seed}-{hash_seed}"
        words = ("run", config, "--seed", seed, "--json", "--out", out)
        return only_line(arena(*words, PYTHONHASHSEED=hash_seed))

    one, same, other = run(7, "0"), run(7, "12345"), run(8, "0")

    assert (one["head"], one["state_hash"]) == (same["head"], same["state_hash"])
    assert one["head"] != other["head"]
    assert one["state_hash"] != other["state_hash"]


def test_the_database_says_the_same_to_a_plain_shell(finished):
    database = finished / "run.db"
    sums = "SELECT book, sum(delta), typeof(sum(delta)) FROM capital_ledger_legs GROUP BY book"

    assert shell(database, "SELECT count(*) = max(seq) FROM events") == "1"
    assert shell(database, sums).split() == ["real|0|integer", "virtual|0|integer"]


def test_one_changed_character_is_found_and_located(finished, tmp_path):
    database = Path(shutil.copytree(finished, tmp_path / "run")) / "run.db"
    seq = shell(database, "SELECT max(seq) - 3 FROM events")
    shell(database, "DROP TRIGGER events_update")
    shell(database, f"UPDATE events SET data = replace(data, 'e', 'E') WHERE seq = {seq}")

    found = arena("verify", database)

    assert arena("verify", finished).returncode == 0
    assert found.returncode == 3
    assert found.stdout.startswith(f"seq {seq}: ")
    assert found.stderr == ""


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_run_that_verifies(config, tmp_path, asked):
    words = ("run", config, "--set", "run.days=3000", "--out", tmp_path / "run")
    process = subprocess.Popen(
        [*ARENA, *map(str, words)],
        env=os.environ | {"ARENA_LOG": "debug"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr is not None
    for _ in range(10):  # It is under way, and stays so for minutes.
        assert "batch_settled" in process.stderr.readline()

    process.send_signal(asked)
    out, err = process.communicate()

    assert process.returncode == 130
    assert "interrupted after day" in out
    assert "ledger: balanced" in out
    assert "Traceback" not in err
    assert arena("verify", tmp_path / "run").returncode == 0
    replayed = json.loads(arena("replay", tmp_path / "run", "--json").stdout)
    assert (replayed["status"], replayed["match"]) == ("incomplete", None)


def test_a_reader_that_goes_away_ends_the_command_quietly(finished):
    process = subprocess.Popen(
        [*ARENA, "events", "list", str(finished), "--limit", "100000", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None

    err = process.stderr.read()
    process.stderr.close()

    assert process.wait() == 141
    assert err == b""


def test_a_closed_stdout_is_taken_as_one_that_leads_nowhere(finished):
    done = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *ARENA, "verify", str(finished)],
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("module", ["click", "sqlite3", "numpy", "actors.app.cli.root"])
def test_a_signal_during_the_imports_leaves_no_traceback(finished, module):
    code = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            sys.meta_path.remove(self)\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from actors.app.cli import main\n"
        "main()\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, "leaderboard", finished, "--json"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert (done.returncode, done.stderr) == (130, "arena: interrupted\n")
    assert json.loads(done.stdout)["error"]["code"] == 130


@pytest.mark.parametrize("columns", ["abc", "0", "40"])
def test_any_width_will_do(finished, columns):
    assert arena("leaderboard", finished, COLUMNS=columns).returncode == 0


def test_any_locale_will_do(finished):
    plain = arena("leaderboard", finished, LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="ascii")

    assert plain.returncode == 0, plain.stderr
    assert plain.stdout == arena("leaderboard", finished, NO_COLOR="1").stdout


def test_help_and_version_import_little_more_than_click():
    heavy = {"aiosqlite", "asyncio", "numpy", "pydantic", "rich", "sqlite3", "structlog"}
    code = (
        "import sys\n"
        "from actors.app.cli import cli\n"
        "for word in ('--help', '--version'):\n"
        "    cli([word], standalone_mode=False)\n"
        f"sys.exit(repr(sorted({heavy!r} & set(sys.modules))))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

    assert done.stderr.strip() == b"[]"


def test_the_library_is_quiet_where_nobody_asked_it_to_speak(config):
    code = (
        "import asyncio, sys\n"
        "from datetime import datetime, UTC\n"
        "from pathlib import Path\n"
        "from actors.app.arena import Arena\n"
        "from actors.app.experiment import prepare\n"
        "async def main():\n"
        "    run = prepare(Path(sys.argv[1]), ['run.days=2'], now=datetime.now(UTC))\n"
        "    async with Arena(run.experiment, run.loaded.market) as arena:\n"
        "        await arena.backtest()\n"
        "asyncio.run(main())\n"
    )

    done = subprocess.run([sys.executable, "-c", code, config], capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
