"""A run checks its strategies at its beginning: who did not pass gets no real capital."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from actors.app import Arena
from actors.app.cli import cli
from actors.app.experiment import prepare, run_experiment
from actors.app.result import summarise
from actors.app.resuming import resume_experiment
from arena.commands import RecordCheck
from arena.decisions.ladder import refuses_graduation
from arena.events import AllocationError, StrategyChecked
from arena.exceptions import GraduationError
from arena.ids import AgentId
from arena.market import MarketView
from arena.strategies import BookView, Decision, Memory, Strategy
from arena.treasury import Treasury
from arena.words import Layer, Refusal
from tests.gate.broken.forgetful import RemembersOnItself
from tests.gate.broken.unruly import Hangs
from tests.worlds import NOW, a_run, with_open_gates

CONFIG = Path(__file__).parents[2] / "config" / "quickstart.toml"
SMALL = ("run.days=20", "population.agents=6", "evolution.agents_max=8")
REQUIRED = {"ladder": {"gate_required": True}}


class Half(Strategy):
    """Holds half of its equity in one coin."""

    name = "half"
    family = "test"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 0.5}


async def checked(arena: Arena) -> list[StrategyChecked]:
    found = await arena.replay_events(event_type="StrategyChecked")
    return [event for _, event in found if isinstance(event, StrategyChecked)]


@pytest.mark.asyncio
async def test_a_run_begins_with_a_check_of_each_of_its_strategies() -> None:
    experiment, market = a_run(days=3, agents=2, tables=REQUIRED)
    async with Arena(experiment, market) as arena:
        found = await checked(arena)

        assert [event.strategy for event in found] == ["defi-yield-farmer", "tactical-trader"]
        assert all(event.passed and not event.source_hash for event in found)
        assert arena.treasury.tick == 0
        assert summarise(arena.treasury)["gate"] == {
            "required": True,
            "passed": ["defi-yield-farmer", "tactical-trader"],
            "failed": {},
        }


@pytest.mark.asyncio
async def test_an_agent_of_a_strategy_that_passed_rises_and_one_of_another_waits() -> None:
    experiment, market = a_run(
        days=16, agents=6, strategies=[Half, RemembersOnItself], tables=REQUIRED
    )
    experiment = with_open_gates(experiment)
    async with Arena(experiment, market) as arena:
        await arena.backtest(14)
        found = {event.strategy: event for event in await checked(arena)}
        risen = {
            agent.genome.strategy
            for agent in arena.treasury.population()
            if agent.layer is not Layer.SIMULATION
        }
        waits = next(
            agent
            for agent in arena.treasury.population()
            if agent.genome.strategy == RemembersOnItself.name
        )

        assert found["half"].passed
        assert len(found["half"].source_hash) == 64
        assert not found[RemembersOnItself.name].passed
        assert found[RemembersOnItself.name].checks["memory"] is False
        assert risen == {"half"}
        with pytest.raises(GraduationError, match=r"gate_not_passed.*memory"):
            await arena.graduate_to_proving(waits.agent_id)
        refused = [event for _, event in await arena.replay_events(event_type="AllocationError")]
        assert isinstance(refused[-1], AllocationError)
        assert refused[-1].reason is Refusal.GATE_NOT_PASSED


@pytest.mark.asyncio
async def test_who_is_born_by_hand_brings_a_strategy_to_the_gate() -> None:
    experiment, market = a_run(days=3, agents=2, tables=REQUIRED)
    async with Arena(experiment, market) as arena:
        await arena.spawn_agent("market-maker")
        await arena.spawn_agent("market-maker")

        names = [event.strategy for event in await checked(arena)]
        assert names == ["defi-yield-farmer", "tactical-trader", "market-maker"]


@pytest.mark.asyncio
async def test_where_it_is_not_required_nobody_is_checked_and_the_result_says_so() -> None:
    experiment, market = a_run(days=3, agents=2)
    async with Arena(experiment, market) as arena:
        assert await checked(arena) == []
        assert summarise(arena.treasury)["gate"]["required"] is False


@pytest.mark.asyncio
async def test_a_strategy_that_hangs_at_the_gate_makes_the_run_not_reproducible() -> None:
    experiment, market = a_run(days=3, agents=2, strategies=[Hangs], tables=REQUIRED)
    async with Arena(experiment, market) as arena:
        (found,) = await checked(arena)

        assert found.checks["budget"] is False
        assert arena.cast.overruns == ["gate-hangs"]


@pytest.mark.asyncio
async def test_the_latest_word_about_a_strategy_counts() -> None:
    experiment, market = a_run(days=3, agents=2, strategies=[Half], tables=REQUIRED)
    async with Arena(with_open_gates(experiment), market) as arena:
        word = RecordCheck(command_id="again", strategy="half", checks={"purity": False})
        await arena.send(word)

        assert arena.treasury.checked == {"half": ("purity",)}
        with pytest.raises(GraduationError, match="half did not pass the gate: purity"):
            await arena.graduate_to_proving(AgentId("g000-001"))
        unknown = RecordCheck(command_id="other", strategy="nobody", checks={})
        assert (await arena.send(unknown)).refusal is Refusal.UNKNOWN_STRATEGY


@pytest.mark.asyncio
async def test_who_was_never_checked_is_not_seated() -> None:
    experiment, market = a_run(days=1, agents=1, strategies=[Half], tables=REQUIRED)
    async with Arena(with_open_gates(experiment), market) as arena:
        treasury: Treasury = arena.treasury.copy()
        treasury.checked = {}
        (agent,) = treasury.population()

        refused = refuses_graduation(treasury, agent, Layer.PROVING, {})

        assert refused is not None
        assert refused[0] is Refusal.GATE_NOT_PASSED
        assert "never checked" in refused[1]


class Stopped(BaseException):
    """What ends a process."""


def run(folder: Path, *, days: int | None = None) -> dict[str, Any]:
    def on_tick(tick: int) -> None:
        if tick == days:
            raise Stopped

    folder.mkdir()
    prepared = prepare(CONFIG, SMALL, now=NOW)
    return asyncio.run(run_experiment(prepared, folder, on_tick=on_tick))


@pytest.mark.slow
@pytest.mark.parametrize("days", [1, 15])
def test_a_run_that_is_resumed_or_done_again_finds_the_same_at_its_gate(
    tmp_path: Path, days: int
) -> None:
    whole = run(tmp_path / "whole")
    with pytest.raises(Stopped):
        run(tmp_path / "run", days=days)

    resumed = asyncio.run(resume_experiment(tmp_path / "run", now=NOW))
    again = CliRunner().invoke(
        cli, ["replay", str(tmp_path / "run"), "--re-execute", "--json"], prog_name="arena"
    )

    assert whole["gate"]["passed"] == ["defi-yield-farmer", "tactical-trader"]
    for key in ("head", "state_hash", "events", "gate"):
        assert resumed[key] == whole[key], key
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["divergence"] is None


@pytest.mark.slow
def test_a_fork_checks_the_strategies_that_it_adds(tmp_path: Path) -> None:
    run(tmp_path / "run")
    words = ["fork", tmp_path / "run", "--at", "40", "--out", tmp_path / "fork", "--json"]
    change = "population.mix={market-maker = 1, tactical-trader = 1}"

    forked = CliRunner().invoke(cli, [*map(str, words), "--set", change], prog_name="arena")
    again = CliRunner().invoke(cli, ["replay", str(tmp_path / "fork"), "--re-execute"])

    assert forked.exit_code == 0, forked.output
    gate = json.loads(forked.stdout)["gate"]
    assert gate["passed"] == ["defi-yield-farmer", "market-maker", "tactical-trader"]
    assert again.exit_code == 0, again.output


MINE = """
[run]
name = "mine"
days = 15
[market]
warmup_days = 60
[plugins]
modules = ["forgetful_one"]
[population]
agents = 2
mix = { remembers-on-itself = 1 }
[rules.seat]
all = [{ metric = "age", op = ">=", value = 7 }]
"""


def arena(*words: object) -> str:
    answer = CliRunner().invoke(cli, [str(word) for word in words], prog_name="arena")
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_why_and_the_result_say_that_the_gate_was_not_passed(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE)
    source = (Path(__file__).parent / "broken" / "forgetful.py").read_text()
    alone = source.partition("class RemembersOnItsClass")[0]
    (tmp_path / "forgetful_one.py").write_text(alone.replace("RemembersOnItself", "Forgetful"))

    said = arena("run", tmp_path / "mine.toml", "--out", tmp_path / "run", "--quiet")
    why = arena("why", tmp_path / "run", "agent", "g000-001")
    events = arena("events", "list", tmp_path / "run", "--type", "StrategyChecked")

    assert "gate: remembers-on-itself was NOT let through: memory" in said
    assert "it did not get a seat in proving" in why
    assert "remembers-on-itself did not pass the gate: memory" in " ".join(why.split())
    assert "passed=False" in events


def test_a_run_without_the_gate_says_so(tmp_path: Path) -> None:
    off = "--set=ladder.gate_required=false"

    said = arena("run", CONFIG, "--out", tmp_path / "run", "--quiet", "--set=run.days=8", off)

    assert "\ngate: off, strategies were not checked\n" in said
