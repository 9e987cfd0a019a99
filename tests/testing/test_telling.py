"""A story has a line for each thing that happened, in words of a trader."""

from __future__ import annotations

import pytest

from actors.testing import ArenaHarness, from_table, raises
from actors.testing.examples import LIFE
from actors.testing.telling import tell
from arena.events import EVENT_TYPES
from tests.testing.troupe import Half

TABLE = """
    day  BTC
     0   100
     1   100
     2    50
"""


@pytest.mark.asyncio
async def test_a_day_is_told_as_it_went() -> None:
    async with ArenaHarness(
        strategies=[Half],
        market=from_table(TABLE, warmup=1),
        agents=1,
        faults=[raises("g000-001", on=1)],
    ) as arena:
        await arena.run()
        await arena.complete()

        assert arena.story().splitlines() == [
            "day 0     the arena opens with $373,261.00",
            "          g000-001 is born (half)",
            "day 1     g000-001 buys 50 BTC at $100.00",
            "          g000-001 breaks, raised: InjectedError: g000-001 was told to raise on day 1",
            "day 2     RunCompleted: cycles = 0",
        ]
        assert arena.story("g000-001").count("\n") == 2
        assert arena.story("g000-002") == ""


def test_every_event_has_its_words() -> None:
    silent = {"CapitalRequested", "CapitalConservationCheck"}

    for event in LIFE:
        told = tell([event])
        assert bool(told) or type(event).__name__ in silent, event
        assert "Money(" not in told
    assert {type(event).__name__ for event in LIFE} == EVENT_TYPES.keys()
