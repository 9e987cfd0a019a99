"""What a release wrote, every later one folds to the same treasury, byte for byte."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from actors.app.cli import cli
from actors.app.proof import prove, proven_head
from actors.journal import codec
from actors.journal.codec import decoder
from actors.journal.reader import open_run
from actors.journal.schema import check_schema, migrations, schema_version
from actors.journal.upgrade import prepare_for_writing
from arena.events import EVENT_TYPES

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.json"))
RELEASES = sorted({name.rpartition("-")[0] for name in NAMES})

READING = (
    ("verify",),
    ("replay",),
    ("leaderboard",),
    ("agents", "list"),
    ("agents", "show", "baseline-cash"),
    ("capital", "show"),
    ("capital", "ledger", "--account", "reserve"),
    ("state",),
    ("status",),
    ("events", "list"),
    ("events", "tail"),
)
"""Every command that reads a run; the run is their first argument."""

FOLD = """
import sys
from actors.app.proof import prove
for run in sys.argv[1:]:
    proof = prove(run)
    print(proof.report.head.hash, proof.treasury.state_hash(), len(proof.findings))
"""


def facts_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return found


OLDER = [each for each in RELEASES if facts_of(f"{each}-run")["schema"] < len(migrations())]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def facts(name: str) -> dict[str, Any]:
    """What the journal must fold to."""
    return facts_of(name)


@pytest.fixture
def run(name: str, tmp_path: Path) -> Path:
    """The journal, as its release left it."""
    return unpacked(name, tmp_path)


def unpacked(name: str, folder: Path) -> Path:
    path = folder / "run.db"
    path.write_bytes(gzip.decompress((HERE / f"{name}.db.gz").read_bytes()))
    return path


def stored(run: Path, upto: int = 2**62) -> str:
    """Return a hash over every column of the events up to `upto`, as they are stored."""
    sha, sql = hashlib.sha256(), "SELECT * FROM events WHERE seq <= ? ORDER BY seq"
    with open_run(run) as reader:
        for row in reader.connection.execute(sql, (upto,)):
            sha.update(repr(row).encode())
    return sha.hexdigest()


def arena(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], prog_name="arena")


def test_it_folds_to_what_it_did_when_it_was_written(run: Path, facts: dict[str, Any]) -> None:
    proof = prove(str(run))

    assert proof.findings == ()
    assert proof.report.events == facts["events"]
    assert proof.report.head.hash == facts["head"]
    assert proof.treasury is not None
    assert proof.treasury.tick == facts["ticks"]
    assert proof.treasury.state_hash() == facts["state_hash"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["1", "4242"])
def test_it_does_so_whatever_the_order_of_sets(tmp_path: Path, seed: str) -> None:
    for name in NAMES:
        (tmp_path / name).mkdir()
    runs = [unpacked(name, tmp_path / name) for name in NAMES]

    done = subprocess.run(
        [sys.executable, "-c", FOLD, *runs],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )

    expected = [(facts["head"], facts["state_hash"], "0") for facts in map(facts_of, NAMES)]
    assert [tuple(line.split()) for line in done.stdout.splitlines()] == expected


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_every_command_that_reads_does_and_changes_no_byte(
    run: Path, facts: dict[str, Any], command: tuple[str, ...]
) -> None:
    before = run.read_bytes()

    words = len(command) if len(command) < 3 else 2
    answer = arena(*command[:words], run, *command[words:], "--json")

    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)
    assert run.read_bytes() == before
    with open_run(run) as reader:
        assert schema_version(reader.connection) == facts["schema"]


def test_upgraded_it_is_the_same_history(run: Path, facts: dict[str, Any]) -> None:
    before = stored(run)

    prepare_for_writing(run, proven_head)

    assert stored(run) == before
    proof = prove(str(run))
    assert proof.findings == ()
    assert proof.treasury is not None
    assert (proof.report.head.hash, proof.treasury.state_hash()) == (
        facts["head"],
        facts["state_hash"],
    )
    with open_run(run) as reader:
        assert schema_version(reader.connection) == len(migrations())
        assert check_schema(reader.connection) == []


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_a_run_that_a_release_left_unfinished_ends_as_that_release_would_have_ended_it(
    release: str, tmp_path: Path
) -> None:
    run = unpacked(f"{release}-stopped", tmp_path)
    facts, whole = facts_of(f"{release}-stopped"), facts_of(f"{release}-run")
    before = stored(run)

    answer = arena("run", "--resume", run, "--json", "--quiet")

    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["state_hash"] == whole["state_hash"]
    assert stored(run, upto=facts["events"]) == before
    assert proven_head(run).seq == whole["events"]


@pytest.mark.parametrize("release", OLDER)
def test_an_older_run_that_this_version_cannot_fold_is_left_as_it_is(
    release: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("this version counts otherwise")

    run = unpacked(f"{release}-stopped", tmp_path)
    before = run.read_bytes()
    monkeypatch.setattr("actors.app.folding.apply", refuse)

    answer = arena("run", "--resume", run, "--quiet")

    assert answer.exit_code == 3, answer.output
    assert "seq 1" in answer.stderr
    assert run.read_bytes() == before
    assert "run.anchors.jsonl" not in {path.name for path in run.parent.iterdir()}


def test_a_backup_of_it_is_the_same_history(run: Path, facts: dict[str, Any]) -> None:
    assert arena("backup", run, run.with_name("copy.db")).exit_code == 0
    assert arena("restore", run.with_name("copy.db"), "--out", run.parent / "again").exit_code == 0

    assert stored(run.parent / "again" / "run.db") == stored(run)
    assert proven_head(run.parent / "again").hash == facts["head"]


def test_an_arena_that_does_not_know_one_of_its_events_refuses_it(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_run(run) as reader:
        seq = next(reader.entries(event_type="AgentMutated")).seq
    before = run.read_bytes()
    known = {name: kind for name, kind in EVENT_TYPES.items() if name != "AgentMutated"}
    monkeypatch.setattr(codec, "EVENT_TYPES", known)
    decoder.cache_clear()

    for command in ("verify", "replay", "backup"):
        words = (run.with_name("copy.db"),) if command == "backup" else ()
        answer = arena(command, run, *words)
        assert answer.exit_code == 2, answer.output
        assert f"seq {seq}: event type 'AgentMutated' version 1 is unknown" in answer.stderr

    assert run.read_bytes() == before
    assert {path.name for path in run.parent.iterdir()} <= {"run.db", "run.db-wal", "run.db-shm"}


@pytest.mark.parametrize("release", RELEASES)
def test_between_them_the_journals_of_a_release_hold_every_type_it_had(release: str) -> None:
    missing = [set(facts_of(name)["missing"]) for name in NAMES if name.startswith(f"{release}-")]

    assert set.intersection(*missing) == set()
