"""Whatever id an operator gives a request, no actor's own command is taken for it."""

from __future__ import annotations

import pytest

from actors.app.arena import Arena
from actors.app.control.requests import Op, Request
from actors.app.daemon.verbs import carry_out
from actors.journal.memory import MemoryJournal
from arena.experiment import manifest
from tests.worlds import a_run

pytestmark = pytest.mark.asyncio

OF_ACTORS = ("open", "tick-2", "cycle-1", "audit-1-7", "audit-complete", "complete", "reload-1")


async def test_a_run_goes_on_though_an_operator_used_the_names_of_its_commands() -> None:
    experiment, market = a_run(days=8, agents=2)
    journal = MemoryJournal(manifest(experiment))
    async with Arena(experiment, market, journal) as arena:
        for place, name in enumerate(OF_ACTORS):
            op = (Op.PAUSE, Op.RESUME)[place % 2]  # What holds already is no change.
            request = Request(op=op, id=name, by="ada", reason="")
            assert not (await carry_out(arena, request, journal))["duplicate"]
            assert (await carry_out(arena, request, journal))["duplicate"]

        assert await arena.backtest() == 8
        await arena.complete()

        assert arena.treasury.completed
        assert arena.treasury.cycle == 1
