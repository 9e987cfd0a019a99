"""A mailbox loses nothing, doubles nothing, and never holds more than it said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime import ActorStopped, Mailbox, MailboxFull

LANES = {"control": 2, "agents": 3}


@pytest.fixture
def mailbox() -> Mailbox[str]:
    return Mailbox(LANES, name="ada")


def test_a_full_lane_says_so_at_once_and_keeps_what_it_has(mailbox: Mailbox[str]) -> None:
    for item in "abc":
        mailbox.put("agents", item)

    with pytest.raises(MailboxFull, match="'ada' has 3 messages waiting in lane 'agents'") as full:
        mailbox.put("agents", "d")

    assert (full.value.lane, full.value.waiting, full.value.capacity) == ("agents", 3, 3)
    assert list(mailbox) == ["a", "b", "c"]


def test_a_full_lane_does_not_close_the_others(mailbox: Mailbox[str]) -> None:
    for item in "abc":
        mailbox.put("agents", item)

    mailbox.put("control", "stop")

    assert len(mailbox) == 4


@pytest.mark.asyncio
async def test_the_most_urgent_lane_is_taken_first(mailbox: Mailbox[str]) -> None:
    for lane, item in [("agents", "a"), ("agents", "b"), ("control", "x"), ("control", "y")]:
        mailbox.put(lane, item)

    assert await mailbox.take(3) == ["x", "y", "a"]
    assert await mailbox.take(3) == ["b"]


@pytest.mark.asyncio
async def test_taking_makes_room(mailbox: Mailbox[str]) -> None:
    for item in "abc":
        mailbox.put("agents", item)
    await mailbox.take(1)

    mailbox.put("agents", "d")

    assert list(mailbox) == ["b", "c", "d"]


def test_a_lane_that_does_not_exist_is_a_mistake(mailbox: Mailbox[str]) -> None:
    with pytest.raises(KeyError, match="post"):
        mailbox.put("post", "a")


@pytest.mark.parametrize("lanes", [{}, {"a": 0}, {"a": 1, "b": -1}])
def test_a_mailbox_without_room_cannot_be_made(lanes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="needs lanes that hold at least 1"):
        Mailbox(lanes)


@pytest.mark.asyncio
async def test_a_reader_waits_until_something_comes(
    mailbox: Mailbox[str], settle: Callable
) -> None:
    reader = asyncio.get_running_loop().create_task(mailbox.take(10))
    await settle()
    assert not reader.done()

    mailbox.put("agents", "a")

    assert await reader == ["a"]


@pytest.mark.asyncio
async def test_a_cancelled_reader_takes_nothing_with_it(
    mailbox: Mailbox[str], settle: Callable
) -> None:
    reader = asyncio.get_running_loop().create_task(mailbox.take(10))
    await settle()

    mailbox.put("agents", "a")
    reader.cancel()
    await settle()

    assert reader.cancelled()
    assert await mailbox.take(10) == ["a"]


@pytest.mark.asyncio
async def test_a_wake_up_is_not_lost_with_the_reader_it_was_meant_for(
    mailbox: Mailbox[str], settle: Callable
) -> None:
    loop = asyncio.get_running_loop()
    first = loop.create_task(mailbox.take(10))
    await settle()
    first.cancel()
    second = loop.create_task(mailbox.take(10))
    await settle()

    mailbox.put("agents", "a")

    assert await second == ["a"]
    assert first.cancelled()


@pytest.mark.asyncio
async def test_a_reader_with_work_still_lets_the_others_have_a_turn(
    mailbox: Mailbox[str],
) -> None:
    mailbox.put("agents", "a")
    asyncio.get_running_loop().call_soon(mailbox.put, "agents", "b")

    assert await mailbox.take(10) == ["a", "b"]


@pytest.mark.asyncio
async def test_a_mailbox_has_one_reader(mailbox: Mailbox[str], settle: Callable) -> None:
    reader = asyncio.get_running_loop().create_task(mailbox.take(10))
    await settle()

    with pytest.raises(RuntimeError, match="already has a reader"):
        await mailbox.take(10)

    mailbox.close()
    assert await reader == []


@pytest.mark.asyncio
async def test_a_closed_mailbox_accepts_nothing_and_still_gives_what_it_has(
    mailbox: Mailbox[str],
) -> None:
    mailbox.put("agents", "a")
    mailbox.close()
    mailbox.close()

    with pytest.raises(ActorStopped, match="'ada' has stopped"):
        mailbox.put("agents", "b")

    assert mailbox.closed
    assert await mailbox.take(10) == ["a"]
    assert await mailbox.take(10) == []


@pytest.mark.asyncio
async def test_closing_ends_the_wait_of_the_reader(mailbox: Mailbox[str], settle: Callable) -> None:
    reader = asyncio.get_running_loop().create_task(mailbox.take(10))
    await settle()

    mailbox.close()

    assert await reader == []


@pytest.mark.asyncio
async def test_the_high_water_mark_stays_where_it_was(mailbox: Mailbox[str]) -> None:
    for item in "abc":
        mailbox.put("agents", item)
    assert mailbox.high_water == 3

    await mailbox.take(10)

    assert (len(mailbox), mailbox.high_water) == (0, 3)


steps = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(sorted(LANES))),
    st.tuples(st.just("take"), st.integers(1, 6)),
    st.just(("close", 0)),
)


@given(st.lists(steps, max_size=40))
def test_a_mailbox_behaves_like_a_sorted_list(drawn: list[tuple[str, object]]) -> None:
    asyncio.run(_compare(drawn))


async def _compare(drawn: list[tuple[str, object]]) -> None:
    mailbox: Mailbox[tuple[str, int]] = Mailbox(LANES)
    model: list[tuple[str, int]] = []
    closed, high_water = False, 0
    for number, (step, argument) in enumerate(drawn):
        if step == "close":
            mailbox.close()
            closed = True
        elif step == "put":
            full = sum(lane == argument for lane, _ in model) == LANES[str(argument)]
            refusal = ActorStopped if closed else MailboxFull if full else None
            if refusal is None:
                mailbox.put(str(argument), (str(argument), number))
                # The model is one list in order of urgency, then of arrival.
                model = sorted([*model, (str(argument), number)], key=_urgency)
            else:
                with pytest.raises(refusal):
                    mailbox.put(str(argument), (str(argument), number))
        elif model or closed:
            count = int(str(argument))
            assert await mailbox.take(count) == model[:count]
            model = model[count:]
        high_water = max(high_water, len(model))

        assert list(mailbox) == model
        assert (len(mailbox), mailbox.high_water) == (len(model), high_water)


def _urgency(item: tuple[str, int]) -> tuple[int, int]:
    return list(LANES).index(item[0]), item[1]
