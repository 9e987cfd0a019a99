"""Who starts first stops last, and when a system is left no task is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from actors.runtime import Actor, ActorStopped, ActorSystem, Exit, ExitReason, spawn


class Diarist(Actor[str, None]):
    """Writes down what happens to it in a book shared by all."""

    def __init__(self, name: str, book: list[str]) -> None:
        super().__init__(name, lanes={"inbox": 8})
        self.book = book

    async def receive(self, message: str) -> None:
        if message == "crash":
            raise SystemExit(3)
        self.book.append(f"{self.name} {message}")

    async def stopping(self) -> None:
        self.book.append(f"{self.name} stops")


@pytest.fixture
def book() -> list[str]:
    return []


@pytest.mark.asyncio
async def test_actors_stop_in_reverse_order_after_what_waits(book: list[str]) -> None:
    async with ActorSystem() as system:
        for name in ("ada", "bob", "cid"):
            system.start(Diarist(name, book)).tell("works")

    assert book == [
        "ada works",
        "bob works",
        "cid works",
        "cid stops",
        "bob stops",
        "ada stops",
    ]


@pytest.mark.asyncio
async def test_no_task_is_left_behind_when_the_block_fails(book: list[str]) -> None:
    before = asyncio.all_tasks()

    async def live() -> None:
        async with ActorSystem() as system:
            system.start(Diarist("ada", book))
            system.group(on_exit=lambda _: None).add(Diarist("bob", book))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await live()

    assert asyncio.all_tasks() == before


@pytest.mark.asyncio
async def test_an_actor_that_exits_takes_nobody_with_it(book: list[str], settle: Callable) -> None:
    async with ActorSystem() as system:
        ada, bob = (system.start(Diarist(name, book)) for name in ("ada", "bob"))
        ada.tell("crash")
        await settle()

        bob.tell("works")
        with pytest.raises(ActorStopped):
            ada.tell("works")

    assert book == ["ada stops", "bob works", "bob stops"]


@pytest.mark.asyncio
async def test_a_group_stops_in_its_turn_before_the_actors_it_may_need(book: list[str]) -> None:
    async with ActorSystem() as system:
        system.start(Diarist("ada", book))
        group = system.group(on_exit=lambda _: None)
        system.start(Diarist("cid", book))
        group.add(Diarist("bob", book))

    assert book == ["cid stops", "bob stops", "ada stops"]


@pytest.mark.asyncio
async def test_a_group_that_was_stopped_takes_nobody_on(book: list[str]) -> None:
    async with ActorSystem() as system:
        group = system.group(on_exit=lambda _: None)

    with pytest.raises(ActorStopped):
        group.add(Diarist("late", book))


@pytest.mark.asyncio
async def test_a_system_that_has_not_begun_starts_nobody(book: list[str]) -> None:
    with pytest.raises(RuntimeError, match="the system has not begun"):
        ActorSystem().start(Diarist("ada", book))


@pytest.mark.asyncio
async def test_a_member_that_ends_unasked_is_struck_off_and_reported(
    book: list[str], exits: list[Exit], settle: Callable
) -> None:
    async with ActorSystem() as system:
        group = system.group(on_exit=exits.append)
        for name in ("ada", "bob"):
            group.add(Diarist(name, book))

        group.tell("crash", to="ada")
        await settle()
        group.tell("works")
        await settle()

        assert [(end.name, end.reason) for end in exits] == [("ada", ExitReason.EXITED)]
        assert (group.names, "ada" in group, len(group)) == (("bob",), False, 1)
    assert book == ["ada stops", "bob works", "bob stops"]


@pytest.mark.asyncio
async def test_a_member_that_is_stopped_is_not_reported(
    book: list[str], exits: list[Exit], settle: Callable
) -> None:
    async with ActorSystem() as system:
        group = system.group(on_exit=exits.append)
        group.add(Diarist("ada", book))
        group.tell("works")

        group.stop("ada")
        await settle()

        assert group.names == ()
    assert exits == []
    assert book == ["ada works", "ada stops"]


@pytest.mark.asyncio
async def test_a_fresh_actor_may_take_the_name_within_the_report(
    book: list[str], settle: Callable
) -> None:
    async with ActorSystem() as system:
        group = system.group(on_exit=lambda end: group.add(Diarist(end.name, book)))
        group.add(Diarist("ada", book))
        group.tell("crash")
        await settle()

        group.tell("works")

    assert book == ["ada stops", "ada works", "ada stops"]


@pytest.mark.asyncio
async def test_two_members_cannot_have_one_name(book: list[str]) -> None:
    async with ActorSystem() as system:
        group = system.group(on_exit=lambda _: None)
        group.add(Diarist("ada", book))

        with pytest.raises(ValueError, match="already has a member named 'ada'"):
            group.add(Diarist("ada", book))


@pytest.mark.asyncio
async def test_a_system_that_is_cancelled_while_it_stops_still_leaves_nobody_behind() -> None:
    release = asyncio.Event()
    ended: list[str] = []

    class Slow(Actor[str, None]):
        async def receive(self, message: str) -> None:
            await release.wait()

        async def stopping(self) -> None:
            ended.append(self.name)
            if self.name == "helper":
                release.set()

    async def leave() -> None:
        async with ActorSystem() as system:
            for name in ("writer", "helper"):
                system.start(Slow(name, lanes={"all": 4})).tell("work")
            await asyncio.sleep(0)

    left = spawn("leaving", leave, on_exit=lambda _: None)
    for _ in range(5):
        await asyncio.sleep(0)
    left.cancel()
    end = await left

    assert end.reason is ExitReason.CANCELLED
    assert ended == ["helper", "writer"]


@pytest.mark.asyncio
async def test_a_name_is_given_once() -> None:
    async with ActorSystem() as system:
        system.start(Actor("ada", lanes={"all": 4}))

        with pytest.raises(ValueError, match="'ada' was started already"):
            system.start(Actor("ada", lanes={"all": 4}))
