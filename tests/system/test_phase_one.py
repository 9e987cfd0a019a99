"""All eight archetypes in one run: every one trades, and the run is the same however it is carried
out: in another process, and killed on the way."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actors.app.proof import prove
from arena.instruments import Kind
from arena.strategies import BUILT_IN

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).parents[2] / "config" / "phase1.toml"
ARENA = (sys.executable, "-c", "from actors.app.cli import main; main()")
RUN = ("run", CONFIG, "--set", "run.days=90")
"""Half of the days: everybody has traded by then."""
SAME = ("head", "state_hash", "leaderboard", "capital", "events")


def arena(*words: object, **environment: str) -> dict[str, Any]:
    """Run `arena` to its end and return what it says."""
    done = subprocess.run(
        [*ARENA, *map(str, words), "--json", "--quiet"],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rows(run: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{run / 'run.db'}?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchall()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phase1") / "whole"


@pytest.fixture(scope="module")
def whole(folder: Path) -> dict[str, Any]:
    return arena(*RUN, "--out", folder, PYTHONHASHSEED="0")


def test_it_is_verified_and_every_archetype_has_traded(whole: dict[str, Any], folder: Path) -> None:
    assert prove(str(folder)).ok
    traded = """
        SELECT DISTINCT json_extract(born.data, '$.strategy') FROM trades
        INNER JOIN events AS born
            ON born.event_type = 'AgentSpawned' AND born.agent_id = trades.agent_id
        WHERE trades.status = 'success'
    """
    assert {name for (name,) in rows(folder, traded)} == {*BUILT_IN} - {"cash"}


def test_something_of_every_kind_was_traded(whole: dict[str, Any], folder: Path) -> None:
    stored = json.loads(rows(folder, "SELECT value FROM meta WHERE key = 'manifest'")[0][0])
    kinds = {each["name"]: each["kind"] for each in stored["terms"]["instruments"]}

    traded = {kinds[name] for (name,) in rows(folder, "SELECT DISTINCT instrument FROM trades")}

    assert traded >= {*Kind} - {Kind.SPREAD}  # Its costs are above what it could earn.


def test_no_strategy_was_refused_an_order_for_a_fault_of_its_own(
    whole: dict[str, Any], folder: Path
) -> None:
    found = rows(folder, "SELECT reason, count(*) FROM trades WHERE status = 'failed' GROUP BY 1")

    assert {reason for reason, _ in found} <= {"no_liquidity", "not_listed"}


def test_another_process_writes_the_same_bytes(whole: dict[str, Any], tmp_path: Path) -> None:
    again = arena(*RUN, "--out", tmp_path / "run", PYTHONHASHSEED="4242")

    assert {key: again[key] for key in SAME} == {key: whole[key] for key in SAME}


@pytest.mark.parametrize("events", [300])
def test_killed_on_the_way_it_is_resumed_to_the_same_end(
    whole: dict[str, Any], tmp_path: Path, events: int
) -> None:
    process = subprocess.Popen(
        [*ARENA, *map(str, RUN), "--out", str(tmp_path / "run")],
        env=os.environ | {"ARENA_LOG": "debug"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stderr is not None
        for _ in process.stderr:  # A line with each batch, so nobody looks in between.
            if _written(tmp_path / "run") >= events:
                break
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)

    again = arena("run", "--resume", tmp_path / "run")

    assert {key: again[key] for key in SAME} == {key: whole[key] for key in SAME}
    assert prove(str(tmp_path / "run")).ok


def _written(run: Path) -> int:
    if not (run / "run.db").exists():
        return 0
    return int(rows(run, "SELECT coalesce(max(seq), 0) FROM events")[0][0])
