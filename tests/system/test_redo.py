"""A run that people meddled with between ticks is done again, command by command."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.app.experiment import prepare
from actors.app.folding import fold_run
from actors.app.forks import pass_reload
from actors.app.redo import RecordGoesOnError, redo_next
from actors.app.rerun import re_execute, rebuild
from actors.app.resuming import resume_experiment
from actors.journal.branch import create_branch
from actors.journal.chain import Head, genesis_hash, link, run_id_of
from actors.journal.reader import open_run
from actors.journal.resuming import BorrowedJournal, DivergenceError, Recorded
from actors.journal.sqlite import SqliteJournal
from actors.testing.examples import RUN, TIME
from arena import commands as c
from arena.events import Settlement, TickSettled
from arena.exceptions import AllocationError, EvolutionError, GraduationError
from arena.experiment import manifest
from arena.ids import AgentId
from arena.orders import Order
from arena.words import Action
from tests.worlds import NOW

CONFIG = Path(__file__).parents[2] / "config" / "quickstart.toml"
DAYS = 12
SMALL = (f"run.days={DAYS}", "population.agents=6", "evolution.agents_max=12")
PREPARED = prepare(CONFIG, SMALL, now=NOW)
FIRST, SECOND = AgentId("g000-001"), AgentId("g000-002")
NOBODY = Settlement()

Verb = Callable[[Arena], Awaitable[object]]


def by_ada(name: Action, kind: type[c.Command] | None = None, **facts: Any) -> Verb:
    def act(arena: Arena) -> Awaitable[object]:
        own = f"ada-{arena.treasury.seq}"
        inner = kind(command_id=own, **facts) if kind else None
        return arena.send(
            c.OnBehalf(command_id=own, by="ada", reason="für uns", action=name, command=inner)
        )

    return act


async def trade(arena: Arena) -> None:
    order = Order(
        order_id=f"mine-{arena.treasury.seq}", agent_id=SECOND, instrument="ETH", quantity=0.1
    )
    await arena.desk.submit_trade(order)


async def evolve(arena: Arena) -> None:
    await by_ada(Action.EVOLVE)(arena)
    await arena.run_evolution_cycle()


VERBS: dict[str, Verb] = {
    "spawn": lambda arena: arena.spawn_agent("tactical-trader"),
    "mutate": lambda arena: arena.mutate_agent(FIRST),
    "allocate": lambda arena: arena.allocate_capital(FIRST, "12.5"),
    "kill": lambda arena: arena.kill_underperformers(),
    "graduate": lambda arena: arena.graduate_to_proving(FIRST),
    "stop": lambda arena: arena.desk.emergency_stop("a drill"),
    "go on": lambda arena: arena.desk.emergency_resume("over"),
    "limit": lambda arena: arena.desk.set_position_limit("ETH", "5"),
    "trade": trade,
    "cycle": lambda arena: arena.run_evolution_cycle(),
    "audit": lambda arena: arena.verify_capital_conservation(),
    "note": lambda arena: arena.emit_event("weather", {"rain": 1.0, "sun": None}),
    "pause": by_ada(Action.PAUSE),
    "end one": by_ada(Action.KILL, c.KillAgent, agent_id=SECOND),
    "rest": by_ada(Action.PAUSE_AGENT, c.PauseAgent, agent_id=FIRST),
    "wake": by_ada(Action.UNPAUSE_AGENT, c.UnpauseAgent, agent_id=FIRST),
    "evolve": evolve,
}
WISHES = st.lists(st.tuples(st.integers(0, DAYS - 1), st.sampled_from(sorted(VERBS))), max_size=10)


async def begin(folder: Path) -> Arena:
    facts = manifest(PREPARED.experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, PREPARED.meta)
    return Arena(PREPARED.experiment, PREPARED.loaded.market, journal)


async def meddle(folder: Path, wishes: Sequence[tuple[int, str]], *, days: int) -> None:
    """Run `days`, with verbs between them, and leave as if killed, but for a snapshot."""
    async with await begin(folder) as arena:
        for day in range(days + 1):
            for wish in [name for due, name in wishes if due == day]:
                with suppress(AllocationError, GraduationError, EvolutionError):
                    await VERBS[wish](arena)
            if day == days // 2:
                await arena.save_snapshot()
            if day < days:
                await arena.backtest(1)


def forget_snapshots(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "run.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM snapshots")


def cut(parent: Path, folder: Path, place: float) -> int:
    """Make the run that a kill leaves, after some command; return its last entry."""
    folder.mkdir()
    with open_run(parent) as run:
        ends = [row[0] for row in run.connection.execute("SELECT DISTINCT last_seq FROM commands")]
        upto = int(sorted(ends)[int(place * (len(ends) - 1))])
        create_branch(folder / "run.db", run, upto, {}, ("started", {}))
    return upto


def hashes(folder: Path, upto: int | None = None) -> list[str]:
    with open_run(folder) as run:
        return [entry.hash for entry in run.entries(limit=upto)]


def resume(folder: Path) -> str:
    head = asyncio.run(resume_experiment(folder, now=NOW, loaded=PREPARED.loaded))["head"]
    return str(head)


def differs(folder: Path) -> object:
    with open_run(folder) as run:
        again = rebuild(run, now=NOW, loaded=PREPARED.loaded)
        return asyncio.run(re_execute(run, again, fold_run(run))).divergence


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(wishes=WISHES, days=st.integers(1, DAYS - 1), place=st.floats(0, 1))
def test_a_run_that_was_meddled_with_is_done_again_from_anywhere(
    wishes: list[tuple[int, str]], days: int, place: float
) -> None:
    with TemporaryDirectory() as name:
        whole, killed = Path(name, "whole"), Path(name, "killed")
        whole.mkdir()
        asyncio.run(meddle(whole, wishes, days=days))
        upto = cut(whole, killed, place)
        cut(whole, Path(name, "again"), place)
        forget_snapshots(Path(name, "again"))
        before = hashes(whole)

        ended = resume(killed)

        assert resume(Path(name, "again")) == ended
        assert hashes(killed, upto) == before[:upto]
        assert differs(killed) is None
        assert differs(whole) is None


def test_every_verb_can_be_done_again(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    wishes = [(number % 8 + 3, name) for number, name in enumerate(sorted(VERBS))]
    asyncio.run(meddle(tmp_path / "run", wishes, days=11))
    forget_snapshots(tmp_path / "run")
    before = hashes(tmp_path / "run")

    resume(tmp_path / "run")

    assert hashes(tmp_path / "run", len(before)) == before
    assert differs(tmp_path / "run") is None


def test_a_cycle_that_was_asked_for_and_did_not_begin_begins(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    asyncio.run(meddle(tmp_path / "whole", [(3, "evolve")], days=3))
    with open_run(tmp_path / "whole") as run:
        (acted,) = run.entries(event_type="OperatorActed")
        (tmp_path / "run").mkdir()
        create_branch(tmp_path / "run" / "run.db", run, acted.seq, {}, ("started", {}))

    resume(tmp_path / "run")

    known = hashes(tmp_path / "whole")
    assert hashes(tmp_path / "run", len(known)) == known


def test_what_came_while_a_tick_was_under_way_is_named(tmp_path: Path) -> None:
    async def interfere(folder: Path) -> None:
        async with await begin(folder) as arena:
            await arena.backtest(6)
            async with asyncio.TaskGroup() as group:
                ticking = group.create_task(arena.backtest(1))
                for _ in iter(lambda: arena.treasury.tick, 7):
                    await asyncio.sleep(0)
                await arena.emit_event("too early")
                await ticking

    (tmp_path / "run").mkdir()
    asyncio.run(interfere(tmp_path / "run"))
    with open_run(tmp_path / "run") as run:
        (note,) = run.entries(event_type="NoteRecorded")

    with pytest.raises(DivergenceError, match="came from outside while a tick") as caught:
        resume(tmp_path / "run")

    assert caught.value.seq == note.seq


async def step_by_step(folder: Path) -> tuple[str, int]:
    """Do a stored run again as the daemon does; return its head, and how many arenas it took."""
    journal = await SqliteJournal.open(folder)
    first = start = Start.beginning(PREPARED.experiment)
    record, arenas = BorrowedJournal(journal, head=first.head, end=await journal.head()), 0
    while not record.caught_up:
        experiment, arenas = start.treasury.experiment, arenas + 1
        async with Arena(experiment, PREPARED.loaded.market, record, start=start) as arena:
            while again := await redo_next(arena, record):
                if isinstance(again, Start):
                    start = again
                    break
    await journal.close()
    return (await record.head()).hash, arenas


def test_a_fork_in_place_is_passed_on_the_way(tmp_path: Path) -> None:
    experiment = PREPARED.experiment
    dearer = replace(experiment.terms, costs=replace(experiment.terms.costs, fee_bps=90.0))
    other = manifest(replace(experiment, terms=dearer))

    async def reloaded(folder: Path) -> None:
        facts = manifest(experiment)
        journal = await SqliteJournal.create(folder, run_id_of(facts), facts, PREPARED.meta)
        record = BorrowedJournal(journal, head=Head(0, genesis_hash(facts)), end=Head(0, ""))
        async with Arena(experiment, PREPARED.loaded.market, record) as arena:
            await arena.backtest(4)
            await by_ada(Action.RELOAD)(arena)
            start = await pass_reload(arena, {"costs.fee_bps": 90.0}, other)
        market, under = PREPARED.loaded.market, start.treasury.experiment
        async with Arena(under, market, journal, start=start) as arena:
            await arena.emit_event("dearer")
            await arena.backtest(4)

    asyncio.run(reloaded(tmp_path))

    assert asyncio.run(step_by_step(tmp_path)) == (hashes(tmp_path)[-1], 2)


def test_a_record_that_goes_on_beyond_the_market_is_named() -> None:
    class Endless:
        async def ahead(self) -> Recorded:
            tick = TickSettled(
                tick=99, prices={}, fills=(), refused=(), real=NOBODY, virtual=NOBODY, fund_nav=1.0
            )
            entry = link(Head(98, "f" * 64), RUN, tick, timestamp=TIME, command_id="tick-99")
            return Recorded(entry, None)

    async def run() -> None:
        async with Arena(PREPARED.experiment, PREPARED.loaded.market) as arena:
            await arena.backtest()
            await redo_next(arena, Endless())

    with pytest.raises(RecordGoesOnError, match="seq 99: the record has TickSettled"):
        asyncio.run(run())
