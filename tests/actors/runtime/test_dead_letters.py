"""A message that is not handled leaves a trace, and the traces have a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from actors.runtime import (
    Actor,
    ActorFailed,
    ActorStopped,
    ActorSystem,
    AskTimeout,
    BatchActor,
    Envelope,
    MailboxFull,
    Outcome,
    outcome_of,
)

LONG_S = 60.0


class Echo(Actor[str, str]):
    async def receive(self, message: str) -> str:
        if message == "crash":
            raise ZeroDivisionError
        return message.upper()


class Keeper(BatchActor[str, str]):
    """Keeps what it is asked."""

    async def receive_batch(self, envelopes: Sequence[Envelope[str, str]]) -> None:
        del envelopes


def letters(system: ActorSystem) -> list[tuple[str, object, str]]:
    return [(letter.to, letter.message, letter.reason) for letter in system.dead_letters]


@pytest.mark.asyncio
async def test_what_is_refused_is_a_dead_letter() -> None:
    async with ActorSystem() as system:
        echo = Echo("echo", lanes={"all": 1})
        ref = system.start(echo)
        ref.tell("fits")
        with pytest.raises(MailboxFull):
            ref.tell("too much")
        echo.stop()
        with pytest.raises(ActorStopped):
            ref.ask("too late", timeout_s=LONG_S)

        assert letters(system) == [
            ("echo", "too much", "MailboxFull"),
            ("echo", "too late", "ActorStopped"),
        ]


@pytest.mark.asyncio
async def test_what_an_actor_leaves_behind_when_it_breaks_is_a_dead_letter(
    settle: Callable,
) -> None:
    async with ActorSystem() as system:
        ref = system.start(Echo("echo", lanes={"all": 8}, batch_max=3))
        for message in ("fine", "crash", "taken"):
            ref.tell(message)
        asked = ref.ask("asked", timeout_s=LONG_S)
        ref.ask("left", timeout_s=LONG_S).cancel()
        await settle()

        assert isinstance(asked.exception(), ActorStopped)
        assert letters(system) == [
            ("echo", "crash", "ActorFailed"),
            ("echo", "taken", "ActorStopped"),
            ("echo", "asked", "ActorStopped"),
        ]


@pytest.mark.asyncio
async def test_what_a_member_of_a_group_does_not_handle_is_a_dead_letter_of_the_system(
    settle: Callable,
) -> None:
    async with ActorSystem() as system:
        group = system.group(on_exit=lambda _: None)
        group.add(Echo("echo", lanes={"all": 8}))
        group.tell("crash")
        await settle()

        assert letters(system) == [("echo", "crash", "ActorFailed")]


@pytest.mark.asyncio
async def test_an_ask_whose_time_is_up_is_a_dead_letter() -> None:
    async with ActorSystem() as system:
        late = system.start(Echo("echo", lanes={"all": 8})).ask("late", timeout_s=-1.0)
        with pytest.raises(AskTimeout):
            await late

        assert letters(system) == [("echo", "late", "AskTimeout")]


@pytest.mark.asyncio
async def test_the_latest_thousand_are_kept_and_all_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with ActorSystem() as system:
        ref = system.start(Echo("echo", lanes={"all": 1}))
        ref.tell("fits")
        for number in range(2_500):
            with pytest.raises(MailboxFull):
                ref.tell(str(number))

        assert (system.dead_letters.count, len(system.dead_letters)) == (2_500, 1_000)
        kept = [letter.message for letter in system.dead_letters]
        assert kept == [str(number) for number in range(1_500, 2_500)]
    assert len(caplog.messages) == 12, "the first, the second, the fourth, ... the 2,048th"


@pytest.mark.asyncio
async def test_what_is_kept_in_hand_has_the_bound_of_its_lane(settle: Callable) -> None:
    async with ActorSystem() as system:
        ref = system.start(Keeper("keeper", lanes={"control": 2, "api": 2}))
        answers = []
        for _ in range(5):
            answers += [ref.ask("keep", timeout_s=LONG_S) for _ in range(2)]
            await settle()
        urgent = ref.ask("keep", timeout_s=LONG_S, lane="control")
        await settle()

        refused = [answer.exception() for answer in answers if answer.done()]
        assert len(refused) == 8
        assert all(isinstance(error, MailboxFull) for error in refused)
        assert not urgent.done(), "the other lane has room"
        assert system.dead_letters.count == 8


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (MailboxFull("x", "api", waiting=1, capacity=1), Outcome.NOT_EXECUTED),
        (ActorStopped("x"), Outcome.NOT_EXECUTED),
        (AskTimeout("x", taken=False), Outcome.NOT_EXECUTED),
        (AskTimeout("x", taken=True), Outcome.UNKNOWN),
        (ActorFailed("x", None), Outcome.UNKNOWN),
        (asyncio.CancelledError(), Outcome.UNKNOWN),
    ],
)
def test_only_what_can_never_be_handled_any_more_counts_as_not_executed(
    error: Exception, outcome: Outcome
) -> None:
    assert outcome_of(error) is outcome
