"""What somebody had done to an agent is told with their name, their reason, and no rule."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actors.app.arena import Arena
from actors.app.explaining.agent import explain_agent
from actors.app.explaining.chain import trace
from actors.app.explaining.decision import Decision
from actors.app.explaining.walk import walk
from actors.journal.chain import run_id_of
from actors.journal.reader import open_run
from actors.journal.sqlite import SqliteJournal
from arena import commands as c
from arena.experiment import manifest
from arena.ids import AgentId
from arena.words import Action
from tests.worlds import a_run, with_open_gates

FIRST, BORN = AgentId("g000-001"), AgentId("g000-004")


async def live(folder: Path) -> None:
    experiment, market = a_run(days=20, agents=3)
    experiment = with_open_gates(experiment)
    facts = manifest(experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, {})
    async with Arena(experiment, market, journal) as arena:

        async def act(action: Action, command: c.Command | None = None) -> None:
            name, reason = f"{action}-{arena.treasury.seq}", f"so I {action}"
            await arena.send(
                c.OnBehalf(command_id=name, by="ada", reason=reason, action=action, command=command)
            )

        pause = c.PauseAgent(command_id="x", agent_id=FIRST)
        spawn = c.SpawnAgent(command_id="x", strategy="tactical-trader")
        await arena.graduate_to_proving(FIRST)
        await arena.graduate_to_arena(FIRST)
        await act(Action.SPAWN, spawn)
        await arena.backtest(6)
        await act(Action.PAUSE_AGENT, pause)
        await act(Action.PAUSE_AGENT, pause)
        await arena.backtest(2)
        await act(Action.UNPAUSE_AGENT, c.UnpauseAgent(command_id="x", agent_id=FIRST))
        await act(Action.KILL, c.KillAgent(command_id="x", agent_id=FIRST))
        await arena.send(c.KillAgent(command_id="alone", agent_id=BORN))
        await act(Action.EVOLVE)


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operated") / "run"
    asyncio.run(live(folder))
    return folder


def told(folder: Path, agent_id: AgentId) -> dict[str, Decision]:
    with open_run(folder) as run:
        found = explain_agent(walk(run), agent_id, everything=True).decisions
    return {f"{one.kind} {one.outcome}": one for one in found}


def test_a_pause_an_end_and_a_birth_name_who_wanted_them(operated: Path) -> None:
    of_first, of_born = told(operated, FIRST), told(operated, BORN)

    for found, kind, word in (
        (of_first, "pause paused", "pause_agent"),
        (of_first, "pause unpaused", "unpause_agent"),
        (of_first, "kill killed", "kill"),
        (of_born, "birth born", "spawn"),
    ):
        words = word.replace("_", "-")
        assert found[kind].notes == (f"ada had it done, {words}: so I {word}",)
    assert of_first["kill killed"].rule == "operator"
    assert of_first["refusal agent_is_paused"].changed is False
    assert of_born["kill killed"].notes == ()


def test_a_cycle_says_that_who_is_paused_keeps_what_it_has(operated: Path) -> None:
    decision = told(operated, FIRST)["allocation paused"]

    assert "it was paused" in decision.said
    assert not decision.changed


def test_the_way_back_ends_with_who_wanted_it(operated: Path) -> None:
    with open_run(operated) as run:
        chains = {
            entry.seq: trace(run, entry.seq)
            for kind in ("AgentKilled", "AgentPaused", "CapitalReturned", "OperatorActed")
            for entry in run.entries(event_type=kind)
        }

    ends = {(one[0].entry.agent_id, one[-1].command) for one in chains.values()}
    assert (FIRST, "OnBehalf") in ends
    assert (BORN, "KillAgent") in ends
    assert all(
        chain[-1].said.startswith("ada had it done")
        for chain in chains.values()
        if chain[-1].command == "OnBehalf"
    )
