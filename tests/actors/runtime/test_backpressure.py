"""A flood is refused at once: it costs no memory, and what is urgent is answered all the same."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from actors.runtime import ActorSystem, BatchActor, Envelope, MailboxFull

CAPACITY = 4_096
FLOOD = 50 * CAPACITY
LONG_S = 60.0
MIB = 2**20


class Busy(BatchActor[bytes, int]):
    """Lets the loop turn between two messages, as whoever waits for a disk does."""

    def __init__(self) -> None:
        super().__init__("busy", lanes={"control": 8, "api": CAPACITY}, batch_max=64)
        self.handled = 0

    async def receive_batch(self, envelopes: Sequence[Envelope[bytes, int]]) -> None:
        await asyncio.sleep(0)
        for envelope in envelopes:
            self.handled += 1
            envelope.answer(self.handled)


def memory() -> int:
    """Return the bytes of memory that this process has now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
@pytest.mark.asyncio
async def test_a_flood_of_tells_is_refused_and_grows_nothing() -> None:
    async with ActorSystem() as system:
        busy = Busy()
        ref = system.start(busy)
        before, refused, told = memory(), 0, 0
        for number in range(FLOOD):
            try:
                ref.tell(bytes(1_000))
                told += 1
            except MailboxFull:
                refused += 1
            if number % 10_000 == 0:
                await asyncio.sleep(0)
        grown = memory() - before
        assert len(busy.mailbox) <= CAPACITY

    assert busy.mailbox.high_water == CAPACITY
    assert busy.handled == told == FLOOD - refused, "what was accepted was handled"
    assert refused > FLOOD // 2
    assert system.dead_letters.count == refused
    assert grown < 32 * MIB


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
@pytest.mark.asyncio
async def test_in_a_flood_of_asks_each_is_answered_or_refused_and_the_urgent_overtake() -> None:
    async with ActorSystem() as system:
        busy = Busy()
        ref = system.start(busy)
        before, refused, urgent = memory(), 0, []
        answers: list[asyncio.Future[int]] = []
        for number in range(FLOOD):
            try:
                answers.append(ref.ask(b"", timeout_s=LONG_S))
            except MailboxFull:
                refused += 1
            if number % 10_000 == 0:
                waiting = len(busy.mailbox)
                handled = busy.handled
                await ref.ask(b"", timeout_s=LONG_S, lane="control")
                urgent.append((waiting, busy.handled - handled))
        grown = memory() - before
        assert len({await answer for answer in answers}) == len(answers)

    assert len(answers) + refused == FLOOD
    assert refused > FLOOD // 2
    assert grown < 32 * MIB
    assert max(waiting for waiting, _ in urgent) == CAPACITY
    assert max(passed for _, passed in urgent) <= 2 * busy.batch_max, "it waits for two batches"


@pytest.mark.asyncio
async def test_asks_whose_askers_left_are_no_work_and_make_room() -> None:
    async with ActorSystem() as system:
        busy = Busy()
        ref = system.start(busy)
        for _ in range(CAPACITY):
            ref.ask(b"", timeout_s=LONG_S).cancel()
        with pytest.raises(MailboxFull):
            ref.tell(b"")

        assert await ref.ask(b"", timeout_s=LONG_S, lane="control") == 1
        while len(busy.mailbox):
            await ref.ask(b"", timeout_s=LONG_S, lane="control")
        handled = busy.handled
        assert await ref.ask(b"", timeout_s=LONG_S) == handled + 1
        assert handled < CAPACITY
