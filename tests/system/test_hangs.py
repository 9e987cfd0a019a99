"""A run in which something hangs says so: by interrupting it, by name, or by its exit code."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from worlds import a_run

from actors.agent import AgentActor
from actors.app.arena import Arena
from actors.messages.market import MarketMoved
from actors.runtime import Roll, spawn, system

ROOT = Path(__file__).parents[2]

SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from worlds import a_run
from actors.app import arena, experiment
from actors.app.markets import LoadedMarket
from arena.strategies import Strategy

class Sticky(Strategy):
    name = "sticky"
    family = "sticky"

    def decide(self, market, book, memory):
        if market.now == 124 and sys.argv[2] == "keeps the interpreter":
            sum(range(10**12))
        while market.now == 124:
            pass
        return {"BTC": 0.5}

experiment.HUNG_AFTER_S = 1.5
experiment.Arena = lambda *args: arena.Arena(*args, step_budget_s=0.1)
world, market = a_run(days=9, agents=2, strategies=[Sticky])
prepared = experiment.Prepared(world, LoadedMarket(market, 120), {})
result = asyncio.run(experiment.run_experiment(prepared, Path(sys.argv[1])))
print(json.dumps([result["status"], result["reproducible"], result["agents"]["failures"]]))
"""


def run(folder: Path, how: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), how],
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=110,
    )


def verify(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from actors.app.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "verify", str(folder)]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.slow
def test_a_run_with_a_strategy_that_was_interrupted_comes_to_its_end_and_says_so(
    tmp_path: Path,
) -> None:
    ended = run(tmp_path, "spins")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == '["completed", false, 2]\n'
    assert verify(tmp_path).returncode == 0


@pytest.mark.slow
def test_a_run_with_a_strategy_that_cannot_be_interrupted_ends_where_its_journal_ends(
    tmp_path: Path,
) -> None:
    ended = run(tmp_path, "keeps the interpreter")

    assert ended.returncode == 7
    assert "in decide" in ended.stderr
    assert ended.stdout == ""
    verified = verify(tmp_path)
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.asyncio
async def test_who_is_missing_without_a_word_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receive, complain = AgentActor.receive, Roll.complain
    named = asyncio.get_running_loop().create_future()

    async def be_silent(agent: AgentActor, message: Any) -> None:
        if not (isinstance(message, MarketMoved) and agent.name == "g000-002"):
            await receive(agent, message)

    def complain_soon(roll: Roll, name: str, **_: float) -> None:
        if roll.missing == ("g000-002",) and not named.done():
            named.set_result(name)
        complain(roll, name, every_s=0.01)

    monkeypatch.setattr(AgentActor, "receive", be_silent)
    monkeypatch.setattr(Roll, "complain", complain_soon)
    monkeypatch.setattr(system, "STOP_WITHIN_S", 0.01)
    async with Arena(*a_run(days=3, agents=3)) as arena:
        spawn("app", arena.backtest, on_exit=lambda _: None)
        assert await named == "orders of tick 0"

    said = [line for line in caplog.messages if "roll_incomplete" in line]
    assert "missing=('g000-002',)" in said[-1]
