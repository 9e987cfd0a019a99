"""A fork has its parent's history to the byte, then its own, and is a run like any other."""

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
from actors.app.experiment import prepare, run_experiment
from actors.app.folding import fold_run
from actors.app.forking import ForkPlan, make_fork, plan_fork
from actors.app.forks import forks_in
from actors.app.proof import prove
from actors.app.rerun import Comparison, re_execute, rebuild
from actors.app.resuming import resume_experiment
from actors.journal.branch import first_tick_end, tick_end
from actors.journal.chain import Entry
from actors.journal.reader import open_run
from actors.journal.store import Store
from arena.events import RunForked
from arena.exceptions import EventSourcingError, ValidationError
from tests.worlds import NOW

CONFIG = Path(__file__).parents[3] / "config" / "quickstart.toml"
SMALL = ("run.days=42", "population.agents=12", "evolution.agents_max=16")
DEAR = ("costs.fee_bps=80.0", 'costs.gas="9.00"')
TABLES = ("events", "capital_ledger", "trades")

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """What the process would never have come to say."""


def begin(folder: Path, *, on_tick: Callable[[int], None] = lambda _: None) -> None:
    folder.mkdir()
    prepared = prepare(CONFIG, SMALL, now=NOW)
    asyncio.run(run_experiment(prepared, folder, on_tick=on_tick))


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with a snapshot in its middle."""
    folder = tmp_path_factory.mktemp("parent") / "run"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(running, "SNAPSHOT_EVERY_S", 0.0)
        with pytest.raises(Killed):
            begin(folder, on_tick=dying_at(22))
    resume(folder)
    return folder


def dying_at(day: int) -> Callable[[int], None]:
    def on_tick(tick: int) -> None:
        if tick == day:
            raise Killed

    return on_tick


def resume(folder: Path, **options: Any) -> dict[str, Any]:
    return asyncio.run(resume_experiment(folder, now=NOW, **options))


def branch(parent: Path, folder: Path, at: int, *changes: str) -> ForkPlan:
    """Make a fork that has not left its parent yet."""
    folder.mkdir()
    with open_run(parent) as run:
        plan = plan_fork(run, at, changes, now=NOW)
        make_fork(run, plan, folder / "run.db")
    return plan


def fork(parent: Path, folder: Path, at: int, *changes: str) -> dict[str, Any]:
    plan = branch(parent, folder, at, *changes)
    return resume(folder, loaded=plan.loaded)


def end_of_day(run: Path, day: int) -> int:
    with open_run(run) as stored:
        ticks = stored.entries(event_type="TickSettled")
        nth = next(each for each in ticks if json.loads(each.data)["tick"] == day + 1)
        seq = tick_end(stored, nth.seq - 1)
    assert seq is not None
    return seq


def entries(run: Path) -> list[Entry]:
    with open_run(run) as stored:
        return [*stored.entries()]


def done_again(run: Path) -> Comparison:
    with open_run(run) as stored:
        rebuilt = rebuild(stored, now=NOW)
        return asyncio.run(re_execute(stored, rebuilt, fold_run(stored)))


def rows(run: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(run / "run.db")) as connection:
        return connection.execute(sql).fetchall()


def change(run: Path, sql: str) -> None:
    with closing(sqlite3.connect(run / "run.db", isolation_level=None)) as connection:
        connection.execute(sql)


def facts(entry: Entry, forked_at: int | None = None) -> tuple[object, ...]:
    """Return what an entry says, and which its cause would be had there been no fork."""
    cause = entry.caused_by
    if cause is not None and forked_at is not None and cause > forked_at:
        cause -= 1
    seen = (entry.event_type, entry.agent_id, entry.timestamp, entry.command_id, entry.data)
    return (*seen, cause)


@pytest.mark.parametrize("day", [1, 20, 21, 41])
def test_without_a_change_a_fork_does_what_its_parent_did(
    parent: Path, tmp_path: Path, day: int
) -> None:
    seq = end_of_day(parent, day)

    fork(parent, tmp_path / "fork", seq)

    own, theirs = entries(tmp_path / "fork"), entries(parent)
    assert own[:seq] == theirs[:seq]
    assert own[seq].event_type == "RunForked"
    assert [facts(each, seq) for each in own[seq + 1 :]] == [facts(each) for each in theirs[seq:]]
    assert state_of(tmp_path / "fork", less=1) == state_of(parent)
    assert prove(str(tmp_path / "fork")).ok
    assert done_again(tmp_path / "fork").divergence is None


def state_of(run: Path, less: int = 0) -> dict[str, Any]:
    """Return the whole state, with the two numbers of entries in it lowered by `less`."""
    with open_run(run) as stored:
        state: dict[str, Any] = json.loads(fold_run(stored).to_json())
    return state | {name: state[name] - less for name in ("seq", "settled_seq")}


def test_what_is_shared_is_copied_to_the_byte(parent: Path, tmp_path: Path) -> None:
    seq = end_of_day(parent, 21)

    plan = branch(parent, tmp_path / "fork", seq, *DEAR)

    assert plan.fork.seq == seq
    for table in TABLES:
        key = "event_seq" if table == "capital_ledger" else "seq"
        sql = f"SELECT * FROM {table} WHERE {key} <= {seq}"
        assert rows(tmp_path / "fork", f"SELECT * FROM {table}") == rows(parent, sql), table
    for table, key in (("commands", "last_seq"), ("snapshots", "seq")):
        sql = f"SELECT * FROM {table} WHERE {key} <= {seq}"
        copied = rows(tmp_path / "fork", f"SELECT * FROM {table}")
        assert copied == rows(parent, sql)
        assert copied, table
    assert prove(str(tmp_path / "fork")).ok


def test_a_change_is_on_record_and_rules_from_there_on(parent: Path, tmp_path: Path) -> None:
    seq = end_of_day(parent, 21)

    result = fork(parent, tmp_path / "fork", seq, *DEAR)

    with open_run(tmp_path / "fork") as run:
        (forked,) = [event for _, event in run.events() if isinstance(event, RunForked)]
        before, after = fold_run(run, seq).experiment, fold_run(run).experiment
        late = [trade for trade in run.trades(seq) if trade.instrument in {"BTC", "ETH"}]
    assert (forked.parent_seq, forked.parent_hash) == (seq, entries(parent)[seq - 1].hash)
    assert forked.tick == 21
    assert forked.changes == {"costs.fee_bps": 80.0, "costs.gas": "9.00"}
    assert (before.terms.costs.fee_bps, after.terms.costs.fee_bps) == (10.0, 80.0)
    assert before.market == after.market
    assert all(trade.fee > 5 * trade.slippage for trade in late if trade.fee)
    assert result["status"] == "completed"
    assert result["run_id"] == rows(parent, "SELECT value FROM meta WHERE key = 'run_id'")[0][0]
    assert prove(str(tmp_path / "fork")).ok
    assert done_again(tmp_path / "fork").divergence is None


@pytest.mark.parametrize(
    "changed",
    [
        "run.seed=3",
        "allocation.policy=equal",
        "evolution.agents_max=5",
        "population.mix={ cash = 1 }",
        "rules.kill=[]",
        "records.window=20",
        'treasury.virtual_capital="500.00"',
        "risk.halt_days=never",
    ],
)
def test_whatever_is_changed_the_fork_verifies_and_can_be_done_again(
    parent: Path, tmp_path: Path, changed: str
) -> None:
    fork(parent, tmp_path / "fork", end_of_day(parent, 13), changed)

    assert prove(str(tmp_path / "fork")).ok
    assert done_again(tmp_path / "fork").divergence is None


@pytest.mark.parametrize("spoil", ["SELECT 1", "DELETE FROM snapshots"])
def test_a_fork_that_is_killed_anywhere_goes_on_to_the_same_end(
    parent: Path, tmp_path: Path, spoil: str
) -> None:
    seq = end_of_day(parent, 24)
    whole = fork(parent, tmp_path / "whole", seq, *DEAR)
    branch(parent, tmp_path / "fork", seq, *DEAR)  # And no process ever came to carry it on.

    for day in (23, 24, 25, 33):
        change(tmp_path / "fork", spoil)
        with pytest.raises(Killed):
            resume(tmp_path / "fork", on_start=lambda _, __, day=day: dying_at(day))
    change(tmp_path / "fork", spoil)
    result = resume(tmp_path / "fork")

    for key in ("head", "state_hash", "events", "leaderboard", "capital"):
        assert result[key] == whole[key], key
    assert prove(str(tmp_path / "fork")).ok
    assert resume(tmp_path / "fork")["head"] == whole["head"]


def test_a_fork_that_has_not_left_its_parent_yet_can_be_done_again(
    parent: Path, tmp_path: Path
) -> None:
    seq = end_of_day(parent, 10)

    branch(parent, tmp_path / "fork", seq, *DEAR)

    found = done_again(tmp_path / "fork")
    assert (found.agreed, found.divergence) == (seq, None)


def test_a_fork_of_a_fork_has_both_in_its_history(parent: Path, tmp_path: Path) -> None:
    fork(parent, tmp_path / "one", end_of_day(parent, 10), *DEAR)
    at = end_of_day(tmp_path / "one", 20)
    whole = fork(tmp_path / "one", tmp_path / "whole", at, "run.seed=5")
    plan = branch(tmp_path / "one", tmp_path / "two", at, "run.seed=5")

    change(tmp_path / "two", "DELETE FROM snapshots")
    with pytest.raises(Killed):
        resume(tmp_path / "two", on_start=lambda _, __: dying_at(15))
    result = resume(tmp_path / "two")

    assert plan.fork.changes == {"run.seed": 5}
    assert result["head"] == whole["head"]
    with open_run(tmp_path / "two") as run:
        ticks = [e.tick for _, e in run.events() if isinstance(e, RunForked)]
        experiment = fold_run(run).experiment
    assert ticks == [10, 20]
    assert (experiment.seed, experiment.terms.costs.fee_bps) == (5, 80.0)
    assert prove(str(tmp_path / "two")).ok
    assert done_again(tmp_path / "two").divergence is None


def test_a_fork_can_be_forked_where_it_began(parent: Path, tmp_path: Path) -> None:
    fork(parent, tmp_path / "one", end_of_day(parent, 10), *DEAR)

    fork(tmp_path / "one", tmp_path / "two", end_of_day(tmp_path / "one", 10), "run.seed=5")

    kinds = [entry.event_type for entry in entries(tmp_path / "two")]
    first = kinds.index("RunForked")
    assert kinds[first : first + 2] == ["RunForked", "RunForked"]
    assert done_again(tmp_path / "two").divergence is None


def test_what_a_fork_shares_with_its_parent_can_be_forked_under_the_parents_rules(
    parent: Path, tmp_path: Path
) -> None:
    fork(parent, tmp_path / "one", end_of_day(parent, 20), *DEAR)

    result = fork(tmp_path / "one", tmp_path / "two", end_of_day(parent, 10), "run.seed=5")

    direct = fork(parent, tmp_path / "direct", end_of_day(parent, 10), "run.seed=5")
    assert result["head"] == direct["head"]
    with open_run(tmp_path / "two") as run:
        assert len(forks_in(run.meta())) == 1


def test_a_run_that_somebody_is_writing_can_be_forked(parent: Path, tmp_path: Path) -> None:
    writer = Store(parent / "run.db")
    try:
        result = fork(parent, tmp_path / "fork", end_of_day(parent, 10), *DEAR)
    finally:
        writer.finish()
        writer.connection.close()
        writer.release()

    assert result["status"] == "completed"
    assert prove(str(parent)).ok


def test_a_run_that_was_stopped_can_be_forked_where_it_stands(tmp_path: Path) -> None:
    seen: list[int] = []
    (tmp_path / "half").mkdir()
    prepared = prepare(CONFIG, SMALL, now=NOW)
    work = run_experiment(
        prepared, tmp_path / "half", on_tick=seen.append, stopped=lambda: len(seen) == 10
    )
    half = asyncio.run(work)

    result = fork(tmp_path / "half", tmp_path / "fork", half["events"], *DEAR)

    assert (half["status"], result["status"]) == ("interrupted", "completed")
    assert entries(tmp_path / "fork")[: half["events"]] == entries(tmp_path / "half")
    assert done_again(tmp_path / "fork").divergence is None


def test_a_seq_in_the_middle_of_a_day_means_the_day_before(parent: Path, tmp_path: Path) -> None:
    end = end_of_day(parent, 14)

    plan = branch(parent, tmp_path / "fork", end - 1)

    assert plan.fork.seq == end_of_day(parent, 13)


@pytest.mark.parametrize("where", ["before", "zero", "end", "beyond"])
def test_a_place_where_nothing_can_be_forked_is_refused_with_the_range(
    parent: Path, where: str
) -> None:
    with open_run(parent) as run:
        first, head = first_tick_end(run), run.head().seq
        assert first is not None
        at = {"before": first - 1, "zero": 0, "end": head, "beyond": head + 1}[where]

        with pytest.raises(ValidationError, match=rf"--at.* {first}, .* {head - 1}$"):
            plan_fork(run, at, (), now=NOW)


def test_a_fork_that_cannot_be_done_again_as_it_was_says_where(
    parent: Path, tmp_path: Path
) -> None:
    branch(parent, tmp_path / "fork", end_of_day(parent, 20))
    change(tmp_path / "fork", "DELETE FROM snapshots")
    change(
        tmp_path / "fork",
        """UPDATE meta SET value = replace(value, 'fee_bps\\":10.0', 'fee_bps\\":99.0')
           WHERE key = 'forks'""",
    )

    with pytest.raises(EventSourcingError, match=r"seq [0-9]+: the record has TickSettled"):
        resume(tmp_path / "fork")
