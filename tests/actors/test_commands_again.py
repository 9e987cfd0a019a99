"""A command that comes again, and one whose id is none: each has its answer, nobody else's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from worlds import a_run

from actors.app.arena import Arena
from arena import commands as c
from arena.market import MarketView
from arena.strategies import BookView, Decision, Memory, Strategy
from arena.words import Scalar

pytestmark = pytest.mark.asyncio


class Fickle(Strategy):
    name = "fickle"
    family = "fickle"
    asked = 0

    @classmethod
    def check_settings(cls, settings: Mapping[str, Scalar]) -> None:
        cls.asked += 1
        if cls.asked > 1:
            raise RuntimeError("once is enough")

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {}


async def test_an_answer_stands_though_deciding_it_again_would_break() -> None:
    spawn = c.SpawnAgent(command_id="born", strategy="fickle", parameters={})
    note = c.RecordNote(command_id="beside", kind="test")
    async with Arena(*a_run(days=2, agents=0, strategies=[Fickle])) as arena:
        Fickle.asked = 0
        first = await arena.send(spawn)
        await arena.send(note)
        again = await arena.send(spawn)

        assert Fickle.asked > 1, "it would have broken"
        assert again.duplicate
        assert (again.receipt, again.events) == (first.receipt, first.events)


@pytest.mark.parametrize("command_id", [None, 7, ["a"]])
@pytest.mark.parametrize("kind", ["note", "kill"])
async def test_an_id_that_is_no_text_hurts_nobody_but_its_sender(
    command_id: Any, kind: str
) -> None:
    bad: c.Command = c.RecordNote(command_id=command_id, kind="test")
    if kind == "kill":
        bad = c.KillUnderperformers(command_id=command_id)
    async with Arena(*a_run(days=2)) as arena:
        for _ in range(2):
            with pytest.raises(TypeError, match="command_id"):
                await arena.send(bad)

        assert (await arena.send(c.RecordNote(command_id="good", kind="test"))).receipt.seq
