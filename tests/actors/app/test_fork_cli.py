"""`arena fork` makes a run beside its parent, carries it on, and shows the two side by side."""

from __future__ import annotations

import asyncio
import gzip
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from actors.app.experiment import prepare, run_experiment
from actors.journal.branch import first_tick_end, tick_end
from actors.journal.reader import open_run
from actors.journal.schema import schema_version
from tests.actors.app.conftest import call
from tests.worlds import NOW

GOLDEN = Path(__file__).parents[2] / "golden" / "0.1.0-run.db.gz"
AT = 70


@pytest.fixture(scope="module")
def forked(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The answer of a fork that pays more for its trades."""
    out = tmp_path_factory.mktemp("forked") / "fork"
    words = ("--set", "costs.fee_bps=90", "--out", out, "--json")
    answer = call("fork", finished, "--at", AT, *words)
    assert answer.code == 0, answer.err
    return answer.data


def test_it_says_where_it_left_its_parent_and_what_became_of_both(forked, finished):
    fork, sides = forked["fork"], forked["fork"]["comparison"]
    with open_run(finished) as run:
        end = tick_end(run, AT)
        total = call("capital", "show", finished, "--json").data["capital"]["total"]

    assert (fork["at"], fork["seq"], fork["parent"]) == (AT, end, f"{finished}/run.db")
    assert fork["changes"] == {"costs.fee_bps": 90.0}
    assert sides["tick"] == 40
    assert sides["parent"].keys() == {"total", "winner", "graduated", "killed"}
    assert sides["parent"]["total"] == total
    assert sides["fork"]["total"] == forked["capital"]["total"]
    assert forked["status"] == "completed"


def test_every_command_takes_the_fork(arena, forked):
    path = Path(forked["path"]).parent

    assert arena("verify", path).code == 0
    assert arena("replay", path, "--re-execute").code == 0
    assert arena("leaderboard", path).code == 0
    assert arena("why", path, "seq", forked["fork"]["seq"] + 1).code == 0
    assert "RunForked" in arena("events", "list", path, "--type", "RunForked").out
    assert arena("run", "--resume", path, "--json").data["head"] == forked["head"]


def test_without_out_it_lies_beside_its_parent(arena, copied):
    one = arena("fork", copied, "--at", AT)
    two = arena("fork", copied / "run.db", "--at", AT, "--set", "run.seed=1")

    with open_run(copied) as run:
        place = f"seq {tick_end(run, AT)}, the end of day"
    assert (one.code, two.code) == (0, 0)
    assert one.err.startswith(f"forking after {place}")
    assert f"forked from {copied}/run.db after {place}" in one.out
    assert "changed: nothing\n" in one.out
    assert "changed: run.seed = 1\n" in two.out
    assert "after day 40\n" in two.out
    for n in (1, 2):
        assert (copied.parent / f"copied-fork-{n}" / "run.db").exists()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (["market.warmup_days=3"], "market.warmup_days: .* a run stays in its market"),
        (["instruments=[]"], "instruments: .* a run stays in its market"),
        (["run.days=60"], "run.days: found 60, .* a run stays in its market"),
        (['run={ name = "x" }'], "run.name: found 'x', .* a run keeps its name"),
        (['treasury.total="9.00"'], "treasury.total: .* endowed when the run began"),
        (["treasury.reserve_bp=4"], "treasury.reserve_bp: .* endowed"),
        (["population.agents=3"], "population.agents: .* the first generation has been born"),
        (["population.baselines=[]"], "population.baselines: .* has been born"),
        (["costs.fee_bps=10"], "costs.fee_bps: found 10.0, .* the parent has this one"),
        (["costs.fee_bps=9", "run.days=9"], "run.days: found 9"),
        (["costs.fee=9"], "costs.fee: unknown key"),
        (["costs.fee_bps=-1"], "costs.fee_bps: found -1"),
        (["nonsense"], "table.key=value"),
    ],
)
def test_what_cannot_change_what_is_to_come_is_refused(arena, copied, changes, problem):
    words = [word for change in changes for word in ("--set", change)]

    answer = arena("fork", copied, "--at", AT, *words)

    assert answer.code == 2
    assert re.search(f"--set: {problem}|needed {problem}", answer.err), answer.err
    assert not (copied.parent / "copied-fork-1").exists()


def test_a_place_out_of_range_is_refused_with_the_range(arena, copied):
    with open_run(copied) as run:
        first, head = first_tick_end(run), run.head().seq

    for at in (0, head, head + 1):
        answer = arena("fork", copied, "--at", at)

        assert answer.code == 2
        assert f"needed a seq from {first}, the end of the first day, to {head - 1}" in answer.err


def test_a_fork_is_never_made_over_a_run(arena, copied, finished):
    answer = arena("fork", copied, "--at", AT, "--out", finished)

    assert answer.code == 2
    assert arena("fork", copied, "--at", AT, "--out", "").code == 2


def test_a_parent_that_is_damaged_is_not_forked(arena, copied, tmp_path):
    with sqlite3.connect(copied / "run.db") as connection:
        connection.execute("DROP TRIGGER events_update")
        connection.execute("UPDATE events SET data = replace(data, '1', '2') WHERE seq = 30")
    connection.close()

    answer = arena("fork", copied, "--at", AT, "--out", tmp_path / "fork")

    assert answer.code == 3
    assert "seq 30" in answer.err
    assert not (tmp_path / "fork").exists()


def test_a_run_of_an_older_version_can_be_forked_and_stays_as_it_is(arena, tmp_path):
    parent = tmp_path / "old"
    parent.mkdir()
    content = gzip.decompress(GOLDEN.read_bytes())
    (parent / "run.db").write_bytes(content)

    answer = arena("fork", parent, "--at", 60, "--set", "costs.fee_bps=20", "--json")

    assert answer.code == 0, answer.err
    assert arena("verify", tmp_path / "old-fork-1").code == 0
    assert (parent / "run.db").read_bytes() == content
    with open_run(parent) as run:
        assert schema_version(run.connection) < 3


def test_a_fork_without_a_parent_that_came_that_far_stands_alone(arena, small, tmp_path):
    days: list[int] = []
    (tmp_path / "half").mkdir()
    prepared = prepare(small, (), now=NOW)
    work = run_experiment(
        prepared, tmp_path / "half", on_tick=days.append, stopped=lambda: len(days) == 30
    )
    half = asyncio.run(work)

    answer = arena("fork", tmp_path / "half", "--at", half["events"], "--out", tmp_path / "fork")

    assert answer.code == 0, answer.err
    assert "the end of day 30\n" in answer.out
    assert "the parent has not come to day 40\n" in answer.out
