"""What seldom happens to an agent is explained too: a halt, a quarantine, a command, a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from worlds import a_run, with_open_gates

from actors.app.arena import Arena
from actors.app.explaining.agent import Explained, explain_agent
from actors.app.explaining.chain import trace
from actors.app.explaining.walk import walk
from actors.app.inspecting import agent_ids
from actors.journal.chain import run_id_of
from actors.journal.reader import open_run
from actors.journal.sqlite import SqliteJournal
from arena.exceptions import AllocationError, GraduationError
from arena.experiment import Experiment, manifest
from arena.ids import AgentId
from arena.market import Market, MarketView
from arena.strategies import BookView, Decision, Memory, Strategy
from arena.words import Layer


class Holder(Strategy):
    """Holds bitcoin, which falls now and then."""

    name = "holder"
    family = "holder"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 1.0}


class Raises(Holder):
    name = "raises"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        raise ZeroDivisionError("on purpose")


def a_rare_run(**tables: Mapping[str, Any]) -> tuple[Experiment, Market]:
    experiment, market = a_run(days=40, agents=4, strategies=[Holder], tables=tables)
    catalog = {**experiment.catalog, Raises.name: Raises}
    return replace(with_open_gates(experiment), catalog=catalog), market


async def live(folder: Path, experiment: Experiment, market: Market) -> None:
    """Run, and ask for what a cycle does not do by itself."""
    facts = manifest(experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, {})
    async with Arena(experiment, market, journal) as arena:
        await arena.spawn_agent(Raises.name)
        with pytest.raises(GraduationError):
            await arena.graduate_to_arena(AgentId("g000-001"))
        await arena.backtest(7)
        holder = next(a for a in arena.treasury.population() if a.layer is Layer.PROVING).agent_id
        await arena.allocate_capital(holder, "10.00")
        with pytest.raises(AllocationError):
            await arena.allocate_capital(holder, "1000000.00")
        await arena.backtest()


@pytest.fixture(scope="module")
def rare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a halt, a quarantine, a direct allocation and two refusals."""
    folder = tmp_path_factory.mktemp("rare") / "run"
    asyncio.run(live(folder, *a_rare_run(risk={"halt_drawdown": -0.002, "halt_days": 7})))
    return folder


@pytest.fixture(scope="module")
def told(rare: Path) -> dict[AgentId, Explained]:
    with open_run(rare) as stored:
        commands = [*walk(stored)]
        names = [AgentId(each) for each in agent_ids(stored)]
    return {name: explain_agent(commands, name, everything=True) for name in names}


def of_kind(told: dict[AgentId, Explained], kind: str) -> list[Any]:
    return [one for found in told.values() for one in found.decisions if one.kind == kind]


def test_a_quarantine_says_how_often_it_broke_and_how_often_was_too_often(told):
    (one,) = of_kind(told, "quarantine")

    assert (one.numbers["failures"], one.numbers["failures_max"]) == (3, 3)
    assert any("ZeroDivisionError" in note for note in one.notes)
    assert "with 2 failures in 20 days" in one.flip


def test_the_death_of_a_quarantined_agent_has_no_metric_to_flip(told):
    (one,) = (each for each in of_kind(told, "kill") if each.rule == "quarantined")

    assert one.outcome == "killed"
    assert one.checks == ()
    assert any("quarantined" in note for note in one.notes)


def test_a_halt_says_how_deep_the_fund_had_fallen(told):
    halts = of_kind(told, "halt")

    assert halts
    for one in halts:
        assert one.numbers["drawdown"] < one.numbers["threshold"] == -0.002
        assert "-0.20% or above" in one.flip


def test_while_the_arena_is_halted_a_cycle_says_that_it_divided_nothing(told):
    outcomes = {one.outcome for one in of_kind(told, "allocation")}
    rises = of_kind(told, "entry")

    assert "halted" in outcomes or any("halted" in n for one in rises for n in one.notes)


def test_a_direct_allocation_is_told_as_a_command_and_not_as_a_rule(told):
    (one,) = of_kind(told, "capital")

    assert one.outcome == "direct"
    assert "received $10.00 from pool:proving" in one.said
    assert one.rule is None


def test_a_refused_command_says_its_reason(told):
    refused = of_kind(told, "refusal")

    assert {one.outcome for one in refused} == {"agent_limit_exceeded", "wrong_layer"}
    (one,) = (each for each in refused if each.outcome == "agent_limit_exceeded")
    assert "AllocateCapital of $1,000,000.00" in one.said
    assert 0 < one.numbers["room"] < 1_000_000_000_000
    assert one.flip.startswith("up to $")


def test_every_event_of_such_a_run_has_words_and_a_command(rare, told):
    with open_run(rare) as stored:
        for entry in stored.entries():
            steps = trace(stored, entry.seq)

            assert steps[0].said
            assert steps[-1].command is not None


def test_the_commands_of_people_are_named(rare):
    with open_run(rare) as stored:
        commands = {
            trace(stored, entry.seq)[-1].command
            for kind in ("AgentSpawned", "CapitalAllocated", "AllocationError")
            for entry in stored.entries(event_type=kind)
        }

    assert commands >= {"OpenArena", "SpawnAgent", "AllocateCapital", "GraduateAgent"}


def test_a_cycle_that_was_dropped_decided_nothing_and_is_told_so(tmp_path, monkeypatch):
    def broken(*_: object) -> None:
        raise ArithmeticError("no part")

    experiment, market = a_run(days=8, agents=3)
    monkeypatch.setattr("arena.decisions.cycle.allocate", broken)
    asyncio.run(quiet(tmp_path / "run", experiment, market))
    with open_run(tmp_path / "run") as stored:
        found = explain_agent(walk(stored), AgentId("g000-001"), everything=False)

    assert [(one.kind, one.outcome) for one in found.decisions] == [
        ("birth", "born"),
        ("cycle", "dropped"),
    ]
    assert "allocate broke" in found.decisions[-1].said


async def quiet(folder: Path, experiment: Experiment, market: Market) -> None:
    facts = manifest(experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, {})
    async with Arena(experiment, market, journal) as arena:
        await arena.backtest()
