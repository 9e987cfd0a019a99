from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from actors.runtime import Actor, Deadlines, Exit, Ref, spawn

Start = Callable[[Actor], Ref]


async def _settle() -> None:
    """Let everything happen that can happen without the time passing."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def settle() -> Callable[[], object]:
    return _settle


@pytest.fixture
def exits() -> list[Exit]:
    """The ends that were reported, in order."""
    return []


@pytest_asyncio.fixture
async def deadlines() -> Deadlines:
    return Deadlines(grain_s=0.001)


@pytest_asyncio.fixture
async def start(deadlines: Deadlines, exits: list[Exit]) -> AsyncIterator[Start]:
    """Run an actor the way a supervisor does, and return its address."""
    tasks: list[asyncio.Task[Exit]] = []

    def start(actor: Actor) -> Ref:
        def ended(end: Exit) -> None:
            actor.abandon(end.error)
            exits.append(end)

        deadlines.add(actor)
        tasks.append(spawn(actor.name, actor.run, on_exit=ended))
        return Ref(actor.mailbox, deadlines)

    yield start
    for task in tasks:
        task.cancel()
    await _settle()
    assert all(task.done() for task in tasks)
