"""The table says of each actor what it does, what waits for it, and what it has done with."""

from __future__ import annotations

import asyncio

import pytest

from actors.runtime import Actor, ActorRow, ActorState, ActorSystem, StepBudget


class Clerk(Actor[str, None]):
    """Waits at the door when it is told to, and breaks when it is told to."""

    def __init__(self, name: str) -> None:
        super().__init__(name, lanes={"urgent": 4, "inbox": 8}, batch_max=1)
        self.door = asyncio.Event()

    async def receive(self, message: str) -> None:
        if message == "wait":
            await self.door.wait()
        if message == "break":
            raise RuntimeError


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def rows(system: ActorSystem) -> dict[str, ActorRow]:
    return {row.name: row for row in system.table()}


@pytest.mark.asyncio
async def test_the_table_shows_who_is_busy_and_what_waits() -> None:
    async with ActorSystem() as system:
        ada, bob = Clerk("ada"), Clerk("bob")
        ref = system.start(ada)
        group = system.group(on_exit=lambda _: None)
        group.add(bob)
        for message in ("wait", "next", "next"):
            ref.tell(message, lane="inbox")
        await settle()
        busy = rows(system)
        fill = ada.mailbox.fill
        ada.door.set()
        await settle()
        done = rows(system)

    assert busy["ada"] == ActorRow("ada", "Clerk", ActorState.BUSY, 2, 3, 0)
    assert busy["bob"] == ActorRow("bob", "Clerk", ActorState.IDLE, 0, 0, 0)
    assert fill == 2 / 8
    assert done["ada"] == ActorRow("ada", "Clerk", ActorState.IDLE, 0, 3, 3)


@pytest.mark.asyncio
async def test_who_has_ended_stays_in_the_table_and_who_left_a_group_does_not() -> None:
    async with ActorSystem() as system:
        group = system.group(on_exit=lambda _: None)
        group.add(Clerk("bob"))
        system.start(Clerk("ada")).tell("break", lane="inbox")
        group.tell("break")
        await settle()

        assert [row.state for row in system.table()] == [ActorState.ENDED]
        assert [box.name for box in system.mailboxes()] == ["ada"]


@pytest.mark.asyncio
async def test_who_was_stopped_is_stopping_until_it_has_done_with_what_waits() -> None:
    async with ActorSystem() as system:
        ada = Clerk("ada")
        system.start(ada)
        ada.stop()

        assert rows(system)["ada"].state is ActorState.STOPPING


def test_a_budget_tells_what_each_call_took_however_it_ended() -> None:
    budget, took = StepBudget(1.0), []
    budget.observed = took.append

    budget.call(int)
    with pytest.raises(ZeroDivisionError):
        budget.call(lambda: 1 / 0)

    assert len(took) == budget.ended == 2
    assert took[-1] == budget.took_s
