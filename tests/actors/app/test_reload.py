"""A run takes over another config, all of it or nothing, and can be done again to the byte."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.app.daemon.reload import (
    ReloadPlan,
    compare_with_run,
    plan_reload,
    plan_rules,
    settings_now,
)
from actors.app.experiment import prepare
from actors.app.folding import fold_run
from actors.app.forking import make_fork, plan_fork
from actors.app.forks import changed_text, course_of, pass_reload
from actors.app.proof import prove, proven_head
from actors.app.redo import redo_next
from actors.app.rerun import re_execute, rebuild
from actors.app.resuming import find_start, resume_experiment
from actors.app.settings import ConfigError, ReloadClass, Settings, effective, load_settings
from actors.app.settings.changes import changes, values
from actors.journal.branch import tick_end
from actors.journal.chain import run_id_of
from actors.journal.reader import open_run
from actors.journal.resuming import BorrowedJournal
from actors.journal.sqlite import SqliteJournal
from arena.commands import OnBehalf
from arena.events import RunForked
from arena.experiment import manifest
from arena.words import Action
from tests.worlds import NOW

CONFIG = Path(__file__).parents[3] / "config" / "quickstart.toml"
SMALL = ("run.days=30", "population.agents=8", "evolution.agents_max=12", "market.warmup_days=60")
DEAR = ("costs.fee_bps=80.0", 'costs.gas="9.00"')
LATER = (*DEAR, "allocation.tiers=[5000, 4000, 1000]", "population.mix={ cash = 2, random = 1 }")
RELOAD = Action.RELOAD
RELOADS: Mapping[int, Sequence[str]] = {9: DEAR, 16: LATER}


async def serve(
    folder: Path,
    reloads: Mapping[int, Sequence[str]] = RELOADS,
    *,
    until: int = 30,
    saved_at: Sequence[int] = (),
    config: Path = CONFIG,
) -> str:
    """Carry a run out that takes over other rules after some days; return its head's hash.

    Where it ends on such a day, nothing comes after the new rules: the process died there.
    """
    prepared = prepare(config, SMALL, now=NOW)
    facts = manifest(prepared.experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, prepared.meta)
    start: Start | None = None
    for day in (*(day for day in reloads if day <= until), None):
        head = await journal.head()
        borrowed = BorrowedJournal(journal, head=head, end=head)
        experiment = start.treasury.experiment if start else prepared.experiment
        async with Arena(experiment, prepared.loaded.market, borrowed, start=start) as arena:
            for tick in range(arena.treasury.tick, until if day is None else day):
                await arena.backtest(1)
                if tick + 1 in saved_at:
                    await arena.save_snapshot()
            if day is None:
                if until == arena.experiment.market.ticks:
                    await arena.complete()
                break
            rules = plan(folder, reloads[day]).rules
            assert rules is not None
            await arena.send(OnBehalf(command_id=f"r{day}", by="me", reason="", action=RELOAD))
            start = await pass_reload(arena, rules.changes, rules.manifest)
        if day == until:
            break
    last = (await journal.head()).hash
    await journal.close()
    return last


def begin(folder: Path, *args: Any, **options: Any) -> Path:
    folder.mkdir()
    asyncio.run(serve(folder, *args, **options))
    return folder


def plan(folder: Path, overrides: Sequence[str], config: Path = CONFIG) -> ReloadPlan:
    """Return what it would mean for the run to reload its config with `overrides`."""
    with open_run(folder) as run:
        rebuilt = rebuild(run, now=NOW)
        return plan_reload(
            run,
            load_settings(CONFIG, SMALL),
            config,
            (*SMALL, *overrides),
            experiment=fold_run(run).experiment,
            loaded=rebuilt.loaded,
        )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A completed run that took over other rules twice."""
    return begin(tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three days under the rules that it began with."""
    return begin(tmp_path_factory.mktemp("begun") / "run", {}, until=3)


def head_of(folder: Path) -> str:
    with open_run(folder) as run:
        return run.head().hash


def settings(*overrides: str) -> Settings:
    return load_settings(CONFIG, (*SMALL, *overrides))


def test_new_rules_are_on_record_and_rule_from_there_on(whole: Path) -> None:
    with open_run(whole) as run:
        forked = [event for _, event in run.events() if isinstance(event, RunForked)]
        experiment = fold_run(run).experiment
        course = course_of(run)
        seqs = [each.seq for each in run.entries(event_type="RunForked")]
        now = settings_now(run)

    assert [each.tick for each in forked] == [9, 16]
    assert forked[0].changes == {"costs.fee_bps": 80.0, "costs.gas": "9.00"}
    assert forked[1].changes["allocation.tiers"] == "[5000,4000,1000]"
    assert (experiment.terms.costs.fee_bps, experiment.population.mix) == (
        80.0,
        {"cash": 2, "random": 1},
    )
    assert manifest(experiment) == forked[1].manifest
    assert effective(now) == effective(settings(*LATER))
    assert [course.settings_at(seq) for seq in (*seqs, seqs[0] - 1)][:2] == [
        course.forks[1].settings_before,
        course.settings,
    ]


def test_a_run_that_took_over_other_rules_verifies_and_can_be_done_again(whole: Path) -> None:
    with open_run(whole) as run:
        found = asyncio.run(re_execute(run, rebuild(run, now=NOW), fold_run(run)))
        entries = run.head().seq

    assert prove(str(whole)).ok
    assert (found.divergence, found.agreed) == (None, entries)


@pytest.mark.parametrize(
    ("until", "saved_at"),
    [(16, ()), (16, (16,)), (20, (10,)), (20, (18,))],
    ids=str,
)
def test_it_goes_on_to_the_same_end_from_wherever_it_was_stopped(
    whole: Path, tmp_path: Path, until: int, saved_at: Sequence[int]
) -> None:
    folder = begin(tmp_path / "run", until=until, saved_at=saved_at)
    with open_run(folder) as run:
        (last,) = run.entries(limit=1, newest_first=True)

    result = asyncio.run(resume_experiment(folder, now=NOW))

    assert result["head"] == head_of(whole)
    assert (last.event_type == "RunForked") == (until == 16)


def test_a_fork_of_it_goes_by_the_rules_of_its_day_and_can_be_forked_again(
    whole: Path, tmp_path: Path
) -> None:
    with open_run(whole) as run:
        ends = {day: tick_end(run, _settled(whole, day + 1) - 1) for day in (5, 12)}
    for day, seq in ends.items():
        assert seq is not None
        folder = tmp_path / str(day)
        folder.mkdir()
        with open_run(whole) as run:
            fork = plan_fork(run, seq, ["costs.slippage_bps=7.0"], now=NOW)
            make_fork(run, fork, folder / "run.db")
        asyncio.run(resume_experiment(folder, now=NOW))

        with open_run(folder) as run:
            costs = fold_run(run).experiment.terms.costs
            found = asyncio.run(re_execute(run, rebuild(run, now=NOW), fold_run(run)))
            again = plan_fork(run, run.head().seq - 1, ["costs.slippage_bps=8.0"], now=NOW)
            stored = json.loads(again.fork.settings_before)
        assert costs.fee_bps == (10.0 if day == 5 else 80.0)
        assert (costs.slippage_bps, stored["costs"]["slippage_bps"]) == (7.0, 7.0)
        assert found.divergence is None
        assert prove(str(folder)).ok


def _settled(folder: Path, day: int) -> int:
    """Return the entry that settles `day`."""
    sql = "SELECT seq FROM events WHERE event_type = 'TickSettled' AND data ->> 'tick' = ?"
    with closing(sqlite3.connect(folder / "run.db")) as connection:
        return int(connection.execute(sql, (day,)).fetchone()[0])


# What a reload takes over, and what it does not


def test_the_same_config_changes_nothing(begun: Path) -> None:
    found = plan(begun, ())

    assert (found.changed, found.refused, found.rules) == ((), (), None)
    assert found.settings == settings()


def test_how_it_is_carried_out_changes_at_once_and_is_not_on_record(begun: Path) -> None:
    found = plan(begun, ("daemon.speed=60x", 'notify=[{ url_env = "HOOK" }]'))

    assert set(found.live) == {"daemon.speed", "notify"}
    assert found.live["daemon.speed"] == "60x"
    assert (found.refused, found.rules, found.next_cycle) == ((), None, [])


def test_rules_wait_for_the_end_of_a_cycle(begun: Path) -> None:
    found = plan(begun, ("daemon.speed=60x", *DEAR))

    assert found.next_cycle == ["costs.fee_bps", "costs.gas"]
    assert [*found.live] == ["daemon.speed"]
    assert found.rules is not None
    assert dict(found.rules.changes) == {"costs.fee_bps": 80.0, "costs.gas": "9.00"}
    assert json.loads(found.rules.manifest)["terms"]["costs"]["fee_bps"] == 80.0


@pytest.mark.parametrize(
    ("override", "why"),
    [
        ("run.days=31", "a run stays in its market"),
        ("run.name=other", "a run keeps its name"),
        ('treasury.total="5.00"', "endowed when the run began"),
        ("population.agents=9", "has been born"),
        ("http.bind=127.0.0.1:9", "has to be started again"),
        ("live.feed=poll", "there is no more to come"),
        ("costs.fee_bps=-1", "needed a number from 0"),
        ("allocation.policy=best", "needed one of"),
        ("daemon.sped=1x", "did you mean 'speed'"),
    ],
)
def test_what_cannot_change_changes_nothing_and_says_why(
    begun: Path, override: str, why: str
) -> None:
    found = plan(begun, ("daemon.speed=60x", *DEAR, override))

    assert found.settings is None
    assert found.rules is None
    assert [key for key, _ in found.refused] == [override.partition("=")[0]]
    assert why in found.refused[0][1]
    assert found.plain()["accepted"] is False


@pytest.mark.parametrize(
    "text", ["[run", "[run]\nseed = ", None], ids=["broken", "cut off", "not there"]
)
def test_a_config_that_cannot_be_read_changes_nothing(
    begun: Path, tmp_path: Path, text: str | None
) -> None:
    config = tmp_path / "daemon.toml"
    if text is not None:
        config.write_text(text)

    found = plan(begun, (), config)

    assert (found.settings, found.rules, found.changed) == (None, None, ())
    assert str(config) in found.refused[0][0]


def test_fewer_agents_may_be_wanted_than_there_were_at_first(begun: Path, tmp_path: Path) -> None:
    fewer = ("evolution.agents_max=5", "population.agents=5")

    found = plan(begun, fewer)

    assert [each.key for each in found.changed] == ["evolution.agents_max"]
    assert found.refused == ()
    with open_run(begin(tmp_path / "run", {2: fewer}, until=3)) as run:
        assert compare_with_run(settings(*fewer), run) == ()
        assert fold_run(run).experiment.rules.evolution.agents_max == 5
        again = asyncio.run(re_execute(run, rebuild(run, now=NOW), fold_run(run)))
        assert again.divergence is None


def test_a_daemon_that_starts_with_another_config_takes_over_what_can_be(begun: Path) -> None:
    other = settings("daemon.speed=60x", "http.bind=127.0.0.1:9", *DEAR)
    with open_run(begun) as run:
        found = compare_with_run(other, run)
        rules = plan_rules(run, other, fold_run(run).experiment, rebuild(run, now=NOW).loaded)

        assert compare_with_run(settings("daemon.speed=60x"), run) == ()
    assert [(each.key, each.reload) for each in found] == [
        ("costs.fee_bps", ReloadClass.NEXT_CYCLE),
        ("costs.gas", ReloadClass.NEXT_CYCLE),
    ]
    assert rules == plan(begun, DEAR).rules


def test_a_daemon_that_starts_anew_can_take_over_code_that_the_run_never_named(
    tmp_path: Path,
) -> None:
    config, folder = tmp_path / "a.toml", tmp_path / "run"
    config.write_text(CONFIG.read_text())
    (tmp_path / "evenly_for_reload.py").write_text(EVENLY)
    code = ('plugins.modules=["evenly_for_reload"]', "allocation.policy=evenly")
    begin(folder, {}, until=3, config=config)
    wanted = load_settings(config, (*SMALL, *code))

    refused = plan(folder, code, config).refused
    asyncio.run(go_on(folder, wanted, 9))

    assert [key for key, _ in refused] == ["plugins.modules"]
    with open_run(folder) as run:
        found = asyncio.run(re_execute(run, rebuild(run, now=NOW), fold_run(run)))
        assert effective(settings_now(run)) == effective(wanted)
    assert found.divergence is None


EVENLY = """
from arena.policies.equal import weigh_equal

def weigh_evenly(*args, **options):
    return weigh_equal(*args, **options)
"""


async def go_on(folder: Path, wanted: Settings, days: int) -> None:
    """Start anew as `wanted` says, and settle some more days."""
    journal = await SqliteJournal.open(folder, after_io_error=False, prove=proven_head)
    with open_run(folder) as run:
        rebuilt = rebuild(run, now=NOW, also=[wanted])
        found, end = find_start(run, rebuilt.experiment, [], rebuilt.forks)
        experiment, market = rebuilt.experiment, rebuilt.loaded.market
        rules = plan_rules(run, wanted, experiment, rebuilt.loaded)
    assert rules is not None
    record = BorrowedJournal(journal, head=found.head, end=end)
    async with Arena(experiment, market, record, start=found) as arena:
        while not record.caught_up:
            await redo_next(arena, record)
        start = await pass_reload(arena, rules.changes, rules.manifest)
    async with Arena(start.treasury.experiment, market, journal, start=start) as arena:
        await arena.backtest(days)


def test_a_daemon_does_not_start_on_another_run(begun: Path) -> None:
    other = settings("run.days=31", 'treasury.total="5.00"', *DEAR)

    with open_run(begun) as run, pytest.raises(ConfigError) as caught:
        compare_with_run(other, run, place="daemon.toml")

    days, total = str(caught.value).splitlines()
    assert days.startswith("daemon.toml: run.days: found 31, needed 30: a run stays in its")
    assert total.startswith("daemon.toml: treasury.total: found '5.00', needed '373261.00'")
    assert "--out begins another one" in days


VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "costs.fee_bps": st.floats(0, 1_000),
    "costs.gas": st.integers(0, 10**9).map(str),
    "risk.halt_days": st.one_of(st.just("never"), st.integers(1, 100)),
    "allocation.tiers": st.just([10_000, 0, 0]),
    "population.mix": st.dictionaries(
        st.sampled_from(["cash", "random", "lender", "momentum"]), st.integers(1, 9), min_size=1
    ),
    "limits.positions": st.dictionaries(st.sampled_from(["BTC", "ETH"]), st.integers(0, 99)),
    "rules.kill": st.just([]),
    "records.window": st.integers(30, 90),
}
EDITS = st.fixed_dictionaries({}, optional=VALUES)


def _with(edits: Mapping[str, Any]) -> Settings:
    tables: dict[str, Any] = {}
    for key, value in edits.items():
        table, name = key.split(".")
        tables.setdefault(table, {})[name] = value
    return Settings.model_validate(tables)


@given(EDITS, EDITS)
def test_a_history_of_changes_gives_the_settings_that_they_came_from(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> None:
    before, after = _with(one), _with(other)

    said = changes(values(before), values(after))

    text = changed_text(json.dumps(effective(before)), said)
    assert json.loads(text) == effective(after)
