"""Whatever becomes of a run's snapshots, it resumes to the same end: they only spare the way."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from actors.app import experiment as running
from actors.app.experiment import prepare, run_experiment
from actors.app.proof import prove
from actors.app.resuming import resume_experiment
from tests.worlds import NOW

CONFIG = Path(__file__).parents[2] / "config" / "quickstart.toml"
SMALL = ("run.days=25", "population.agents=5", "market.warmup_days=30")

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """What the process would never have come to say."""


def carry_out(folder: Path, *, until: int) -> str:
    def on_tick(tick: int) -> None:
        if tick == until:
            raise Killed

    folder.mkdir()
    prepared = prepare(CONFIG, SMALL, now=NOW)
    return str(asyncio.run(run_experiment(prepared, folder, on_tick=on_tick))["head"])


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The end of the run that nobody stopped."""
    return carry_out(tmp_path_factory.mktemp("whole") / "run", until=0)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run, killed on day 23: with a snapshot of each of three cycles."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "SNAPSHOT_EVERY_S", 0.0)
        with pytest.raises(Killed):
            carry_out(folder, until=23)
    with closing(sqlite3.connect(folder / "run.db")) as connection:
        assert connection.execute("SELECT count(*) FROM snapshots").fetchone()[0] > 1
    return folder


def by(*statements: str) -> Callable[[sqlite3.Connection, random.Random], None]:
    """Return the harm that SQL statements do."""

    def harm(connection: sqlite3.Connection, _: random.Random) -> None:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)

    return harm


def rot(connection: sqlite3.Connection, chance: random.Random) -> None:
    """Change one character of each snapshot, anywhere."""
    for seq, state in connection.execute("SELECT seq, state FROM snapshots").fetchall():
        place = chance.randrange(len(state))
        other = state[:place] + chance.choice('0189{}[]",xé') + state[place + 1 :]
        connection.execute("UPDATE snapshots SET state = ? WHERE seq = ?", (other, seq))


EMPTY = sha256(b"{}").hexdigest()

HARMS: dict[str, Callable[[sqlite3.Connection, random.Random], None]] = {
    "nothing": by(),
    "all gone": by("DELETE FROM snapshots"),
    "the newest gone": by("DELETE FROM snapshots WHERE seq = (SELECT max(seq) FROM snapshots)"),
    "empty": by("UPDATE snapshots SET state = ''"),
    "cut in half": by("UPDATE snapshots SET state = substr(state, 1, length(state) / 2)"),
    "no text": by("UPDATE snapshots SET state = CAST(x'ff' || state AS TEXT)"),
    "no text as a hash": by("UPDATE snapshots SET state_hash = CAST(x'ff' AS TEXT)"),
    "another's state": by(
        "UPDATE snapshots SET state = (SELECT state FROM snapshots ORDER BY seq LIMIT 1)"
    ),
    "another hash": by("UPDATE snapshots SET state_hash = 'x'"),
    "empty, with its hash": by(f"UPDATE snapshots SET state = '{{}}', state_hash = '{EMPTY}'"),
    "of another history": by("UPDATE snapshots SET event_hash = 'x'"),
    "of another place": by("UPDATE snapshots SET seq = seq - 1"),
    "of another day": by("UPDATE snapshots SET tick = tick + 1"),
    "of another version": by("UPDATE snapshots SET version = version + 1"),
    **{f"rotten {number}": rot for number in range(5)},
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_run_comes_to_the_same_end_whatever_its_snapshots_are(
    stopped: Path, tmp_path: Path, head: str, harm: str
) -> None:
    folder = Path(shutil.copytree(stopped, tmp_path / "run"))
    with closing(sqlite3.connect(folder / "run.db", isolation_level=None)) as connection:
        HARMS[harm](connection, random.Random(harm))

    assert asyncio.run(resume_experiment(folder, now=NOW))["head"] == head
    found = prove(str(folder)).findings
    assert {finding.table for finding in found} <= {"snapshots", "fold"}
