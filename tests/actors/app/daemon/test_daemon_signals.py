"""However many signals come, the loop goes on."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from actors.app.daemon.signals import handled

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def as_before():
    """Let signals mean afterwards what they meant before."""
    each = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in each}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def test_a_flood_of_signals_means_what_one_does_and_the_next_one_counts_again():
    acted, loop = [], asyncio.get_running_loop()
    came = asyncio.Event()

    def act(word):
        acted.append(word)
        came.set()

    hup, usr1 = (lambda: act("reload")), (lambda: act("dump"))
    with handled(stop=lambda: None, reload=hup, dump=usr1):
        for number in [signal.SIGHUP] * 50 + [signal.SIGUSR1] * 50:
            os.kill(os.getpid(), number)
        await came.wait()
        loop.call_soon(came.clear)
        await asyncio.sleep(0)
        flood = [*acted]
        os.kill(os.getpid(), signal.SIGHUP)
        await came.wait()

    assert flood == ["reload", "dump"]
    assert acted == ["reload", "dump", "reload"]
