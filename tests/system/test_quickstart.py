"""The quickstart, as its user gets it, has in it everything that an arena does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors.app.arena import Arena
from actors.app.markets import build_experiment, build_market
from actors.app.settings import load_settings
from actors.journal.codec import encode
from arena.events import AgentGraduated
from arena.words import Layer

CONFIG = Path(__file__).parents[2] / "config" / "quickstart.toml"

PROMISED = {
    "AgentSpawned",
    "AgentKilled",
    "CapitalAllocated",
    "AgentGraduated",
    "AgentMutated",
    "EvolutionCycleComplete",
    "CapitalConservationCheck",
}


@pytest.mark.asyncio
async def test_seed_seven_sees_birth_rise_allocation_mutation_and_death() -> None:
    settings = load_settings(CONFIG, ["run.seed=7"])
    loaded = build_market(settings, CONFIG.parent, now=datetime(2026, 1, 1, tzinfo=UTC))
    async with Arena(build_experiment(settings, loaded), loaded.market) as arena:
        await arena.backtest()
        await arena.complete()
        story = await arena.replay_events()

    assert {entry.event_type for entry, _ in story} >= PROMISED
    rises = {event.to_layer for _, event in story if isinstance(event, AgentGraduated)}
    assert rises == {Layer.PROVING, Layer.ARENA}
    written_anew = [encode(event) for _, event in story]
    assert written_anew == [entry.data for entry, _ in story]
