"""A cycle that failed is tried anew, with questions of its own, when the next one is due."""

from __future__ import annotations

import pytest
from worlds import a_run, with_open_gates

from actors.app.arena import Arena
from arena.decisions.births import spawn_fresh
from arena.events import EvolutionCycleComplete, EvolutionFailed

pytestmark = pytest.mark.asyncio

BIRTH = "arena.decisions.cycle.spawn_fresh"


def broken(*_: object, **__: object) -> None:
    raise ArithmeticError("nobody can be born")


async def outcomes(arena: Arena) -> list[tuple[type, int]]:
    kinds = (EvolutionCycleComplete, EvolutionFailed)
    found = [event for _, event in await arena.replay_events()]
    return [(type(event), event.cycle) for event in found if isinstance(event, kinds)]


async def test_the_next_cycle_that_is_due_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, market = a_run(days=28, agents=5)
    async with Arena(with_open_gates(experiment), market) as arena:
        await arena.backtest(7)
        monkeypatch.setattr(BIRTH, broken)
        await arena.backtest(7)
        monkeypatch.setattr(BIRTH, spawn_fresh)
        await arena.backtest()

        assert await outcomes(arena) == [
            (EvolutionCycleComplete, 1),
            (EvolutionFailed, 2),
            (EvolutionCycleComplete, 2),
            (EvolutionCycleComplete, 3),
        ]
        wishes = [entry for entry, _ in await arena.replay_events(event_type="CapitalRequested")]
        assert len({entry.timestamp for entry in wishes}) == 3, "all were asked again"
        assert len({entry.command_id for entry in wishes}) == len(wishes)


async def test_a_second_attempt_on_the_same_day_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, market = a_run(days=10, agents=5)
    async with Arena(with_open_gates(experiment), market) as arena:
        await arena.backtest(10)
        monkeypatch.setattr(BIRTH, broken)
        assert isinstance(await arena.safe_run_evolution(), EvolutionFailed)
        assert isinstance(await arena.safe_run_evolution(), EvolutionFailed)
        monkeypatch.setattr(BIRTH, spawn_fresh)
        assert isinstance(await arena.safe_run_evolution(), EvolutionCycleComplete)

        kinds = [kind for kind, _ in await outcomes(arena)]
        assert kinds.count(EvolutionFailed) == 2
        audits = await arena.replay_events(event_type="CapitalConservationCheck")
        assert len({entry.command_id for entry, _ in audits}) == len(audits) == 4
