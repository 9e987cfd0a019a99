"""The command line, called inside this process, and a small run to look at."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import structlog
from click.testing import CliRunner

from actors.app.cli import cli
from actors.app.folding import fold_run
from actors.app.snapshots import take_snapshot
from actors.journal.reader import open_run

SMALL = """
[run]
name = "small"
seed = 7
days = 40
[market]
warmup_days = 60
[population]
agents = 10
"""

LIVELY = """
[run]
name = "lively"
seed = 11
days = 77
[market]
warmup_days = 60
[population]
agents = 16
[ladder]
seats_max = 3
arena_agents_max = 4
proving_days_max = 14
[rules.seat]
all = [{ metric = "fitness", op = ">", value = 0.5 }, { metric = "age", op = ">=", value = 7 }]
[rules.entry]
all = [{ metric = "fitness", op = ">", value = 2.3 }, { metric = "age", op = ">=", value = 7 }]
[allocation]
entrant_days = 8
per_family_bp = 9000
"""
"""Every kind of decision happens within eleven cycles."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON on the one line of stdout."""
        (line,) = self.out.splitlines()
        return json.loads(line)


Call: TypeAlias = Callable[..., Answer]


def call(*words: object) -> Answer:
    """Call `arena` with `words`."""
    args = [str(word) for word in words]
    result = CliRunner(env={"COLUMNS": None}).invoke(cli, args, prog_name="arena")
    return Answer(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def arena() -> Iterator[Call]:
    yield call
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config of the small run."""
    path = tmp_path_factory.mktemp("config") / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="session")
def finished(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small run, finished.  Whoever changes it takes `copied`."""
    folder = tmp_path_factory.mktemp("finished")
    answer = call("run", small, "--out", folder)
    assert answer.code == 0, answer.err
    return folder


@pytest.fixture(scope="session")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run in which all that can be decided about an agent is decided."""
    folder = tmp_path_factory.mktemp("lively")
    (folder / "lively.toml").write_text(LIVELY)
    answer = call("run", folder / "lively.toml", "--out", folder / "run")
    assert answer.code == 0, answer.err
    return folder / "run"


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to be damaged."""
    return Path(shutil.copytree(finished, tmp_path / "copied"))


@pytest.fixture(scope="session")
def snapshot_at() -> Callable[[Path, int], None]:
    """Keep in a run, which may be changed, a snapshot of what was true after an event."""

    def keep(folder: Path, seq: int) -> None:
        with open_run(folder) as stored:
            kept = take_snapshot(fold_run(stored, seq), stored.head_at(seq), {})
        row = (kept.seq, kept.tick, kept.version, kept.state, kept.state_hash, kept.event_hash)
        with closing(sqlite3.connect(folder / "run.db")) as connection, connection:
            columns = "seq, tick, version, state, state_hash, event_hash"
            connection.execute(f"INSERT INTO snapshots ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row)

    return keep
