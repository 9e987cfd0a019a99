"""Looking for bars never stands in the way of the loop."""

from __future__ import annotations

import asyncio
import math
import threading
from datetime import UTC, datetime

import pytest

from actors.app.daemon.polling import Polling
from actors.runtime import ManualClock


class Stuck:
    """A source whose last look hangs, until somebody on the loop ends it."""

    reasons = ()

    def __init__(self):
        self.let_go = threading.Event()
        self.was_let_go = False

    async def poll(self):
        """Find nothing."""

    def close(self):
        self.was_let_go = self.let_go.wait(5)


@pytest.mark.asyncio
async def test_the_loop_goes_on_while_a_look_that_hangs_is_waited_for():
    source = Stuck()
    polling = Polling(source, ManualClock(datetime(2024, 1, 1, tzinfo=UTC)), lambda: None)
    asyncio.get_running_loop().call_soon(source.let_go.set)

    await polling.close()

    assert source.was_let_go


@pytest.mark.asyncio
async def test_another_pause_between_looks_counts_from_the_last_one():
    clock, looked = ManualClock(datetime(2024, 1, 1, tzinfo=UTC)), asyncio.Event()
    polling = Polling(Stuck(), clock, looked.set)
    assert polling.look_if_due(3_600) == math.inf
    await looked.wait()
    clock.advance(1)

    assert polling.look_if_due(3_600) == 3_599
    assert polling.look_if_due(60) == 59
