"""Nobody waits for ever, and what nobody waits for any more is never done."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence

import pytest

from actors.runtime import (
    Actor,
    ActorFailed,
    ActorStopped,
    AskTimeout,
    BatchActor,
    Deadlines,
    Envelope,
    Exit,
    ExitReason,
    MailboxFull,
    Ref,
)

LANES = {"control": 4, "agents": 4}
LONG_S = 60.0
SHORT_S = 0.001
TAKEN_S = 0.25  # Long enough for a busy machine to begin with the message.


class Echo(Actor[str, str]):
    """Answers in capitals, once its gate is open; remembers what it handled."""

    def __init__(self, *, batch_max: int = 256) -> None:
        super().__init__("echo", lanes=LANES, batch_max=batch_max)
        self.handled: list[str] = []
        self.life: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def started(self) -> None:
        self.life.append("started")

    async def stopping(self) -> None:
        self.life.append("stopping")

    async def receive(self, message: str) -> str:
        self.handled.append(message)
        await self.gate.wait()
        if message == "crash":
            raise ZeroDivisionError(message)
        return message.upper()


class Clerk(BatchActor[str, str]):
    """Keeps every envelope until it is told to answer them."""

    def __init__(self) -> None:
        super().__init__("clerk", lanes=LANES)
        self.batches: list[list[str]] = []
        self.kept: list[Envelope[str, str]] = []

    async def receive_batch(self, envelopes: Sequence[Envelope[str, str]]) -> None:
        self.batches.append([envelope.message for envelope in envelopes])
        self.kept += envelopes
        if envelopes[-1].message == "crash":
            raise ZeroDivisionError
        if envelopes[-1].message == "answer":
            for envelope in self.kept:
                envelope.answer(envelope.message.upper())
            self.kept.clear()


@pytest.mark.asyncio
async def test_an_ask_is_answered(start: Callable) -> None:
    ref = start(Echo())

    assert await ref.ask("a", timeout_s=LONG_S) == "A"


@pytest.mark.asyncio
async def test_asks_wait_in_line_before_the_first_is_awaited(start: Callable) -> None:
    echo = Echo()
    ref = start(echo)

    first, second = ref.ask("a", timeout_s=LONG_S), ref.ask("b", timeout_s=LONG_S)

    assert len(echo.mailbox) == 2
    assert (await second, await first) == ("B", "A")
    assert echo.handled == ["a", "b"]


@pytest.mark.asyncio
async def test_what_is_told_is_handled_and_answers_nobody(
    start: Callable, settle: Callable
) -> None:
    echo = Echo()

    start(echo).tell("a")
    await settle()

    assert echo.handled == ["a"]


@pytest.mark.asyncio
async def test_an_urgent_message_overtakes_what_waits(start: Callable, settle: Callable) -> None:
    echo = Echo(batch_max=1)
    ref = start(echo)

    for message in "ab":
        ref.tell(message)
    ref.tell("x", lane="control")
    answer = ref.ask("y", timeout_s=LONG_S, lane="control")
    await settle()

    assert echo.handled == ["x", "y", "a", "b"]
    assert await answer == "Y"


@pytest.mark.asyncio
async def test_a_full_lane_refuses_before_anything_is_awaited(start: Callable) -> None:
    ref = start(Echo())
    for message in "abcd":
        ref.tell(message)

    with pytest.raises(MailboxFull):
        ref.tell("e")
    with pytest.raises(MailboxFull):
        ref.ask("e", timeout_s=LONG_S)


@pytest.mark.asyncio
async def test_a_ref_may_be_bound_to_a_lane_that_exists(deadlines: Deadlines) -> None:
    echo = Echo()

    assert Ref(echo.mailbox, deadlines).lane == "agents"
    assert Ref(echo.mailbox, deadlines, lane="control").lane == "control"
    with pytest.raises(ValueError, match="has no lane 'post'"):
        Ref(echo.mailbox, deadlines, lane="post")


@pytest.mark.asyncio
async def test_an_ask_that_times_out_while_it_waits_is_never_handled(
    start: Callable, settle: Callable
) -> None:
    echo = Echo()
    echo.gate.clear()
    ref = start(echo)
    ref.tell("slow")
    await settle()

    with pytest.raises(AskTimeout, match="will not handle this message") as timeout:
        await ref.ask("late", timeout_s=SHORT_S)
    echo.gate.set()
    await settle()

    assert not timeout.value.taken
    assert echo.handled == ["slow"]


@pytest.mark.asyncio
async def test_an_ask_that_times_out_in_hand_has_an_unknown_outcome(
    start: Callable, settle: Callable, exits: list[Exit]
) -> None:
    echo = Echo()
    echo.gate.clear()
    ref = start(echo)

    with pytest.raises(AskTimeout, match="the outcome is unknown") as timeout:
        await ref.ask("slow", timeout_s=TAKEN_S)
    echo.gate.set()
    await settle()

    assert timeout.value.taken
    assert exits == []


@pytest.mark.asyncio
async def test_one_that_is_taken_along_with_a_slow_one_still_times_out_unhandled(
    start: Callable, settle: Callable
) -> None:
    echo = Echo()
    echo.gate.clear()
    ref = start(echo)
    ref.tell("slow")

    with pytest.raises(AskTimeout) as timeout:
        await ref.ask("late", timeout_s=SHORT_S)
    echo.gate.set()
    await settle()

    assert len(echo.mailbox) == 0
    assert not timeout.value.taken
    assert echo.handled == ["slow"]


@pytest.mark.asyncio
async def test_a_deadline_that_passed_while_the_loop_was_blocked_is_honoured(
    start: Callable, settle: Callable
) -> None:
    echo = Echo()
    answer = start(echo).ask("stale", timeout_s=-1.0)

    await settle()

    assert isinstance(answer.exception(), AskTimeout)
    assert echo.handled == []


@pytest.mark.asyncio
async def test_an_ask_whose_caller_left_is_never_handled(start: Callable, settle: Callable) -> None:
    echo = Echo()
    ref = start(echo)
    ref.ask("gone", timeout_s=LONG_S).cancel()
    kept = ref.ask("kept", timeout_s=LONG_S)

    assert await kept == "KEPT"

    assert echo.handled == ["kept"]


@pytest.mark.asyncio
async def test_a_caller_that_leaves_while_it_is_served_does_not_hurt_the_actor(
    start: Callable, settle: Callable
) -> None:
    echo = Echo()
    echo.gate.clear()
    ref = start(echo)
    answer = ref.ask("gone", timeout_s=LONG_S)
    await settle()

    answer.cancel()
    echo.gate.set()

    assert await ref.ask("next", timeout_s=LONG_S) == "NEXT"


@pytest.mark.asyncio
async def test_a_crash_is_told_to_the_one_it_served_and_to_those_who_waited(
    start: Callable, settle: Callable, exits: list[Exit]
) -> None:
    echo = Echo(batch_max=3)
    ref = start(echo)
    before, crash, taken, waiting = (
        ref.ask(message, timeout_s=LONG_S) for message in ("a", "crash", "b", "c")
    )

    await settle()

    assert before.result() == "A"
    failed = crash.exception()
    assert isinstance(failed, ActorFailed)
    assert isinstance(failed.__cause__, ZeroDivisionError)
    assert isinstance(taken.exception(), ActorStopped)
    assert isinstance(waiting.exception(), ActorStopped)
    assert echo.handled == ["a", "crash"]
    assert [end.reason for end in exits] == [ExitReason.FAILED]
    assert echo.life == ["started", "stopping"]


@pytest.mark.asyncio
async def test_a_stopped_actor_handles_what_waits_and_refuses_what_comes(
    start: Callable, settle: Callable, exits: list[Exit]
) -> None:
    echo = Echo()
    ref = start(echo)
    waiting = ref.ask("a", timeout_s=LONG_S)

    echo.stop()

    with pytest.raises(ActorStopped):
        ref.tell("b")
    with pytest.raises(ActorStopped):
        ref.ask("b", timeout_s=LONG_S)
    assert await waiting == "A"
    await settle()
    assert [end.reason for end in exits] == [ExitReason.RETURNED]
    assert echo.life == ["started", "stopping"]


@pytest.mark.asyncio
async def test_an_actor_that_never_has_nothing_to_do_lets_the_others_live(
    start: Callable, settle: Callable
) -> None:
    class Restless(Echo):
        async def receive(self, message: str) -> str:
            self.mailbox.put("agents", (message, None, float("inf"), "agents"))
            return await super().receive(message)

    restless = Restless()
    start(restless).tell("again")

    await settle()

    assert 1 < len(restless.handled) <= 20


@pytest.mark.asyncio
async def test_many_are_handled_at_once_and_each_is_answered(start: Callable) -> None:
    clerk = Clerk()
    ref = start(clerk)

    answers = [ref.ask(message, timeout_s=LONG_S) for message in ("a", "b", "answer")]

    assert [await answer for answer in answers] == ["A", "B", "ANSWER"]
    assert clerk.batches == [["a", "b", "answer"]]


@pytest.mark.asyncio
async def test_a_batch_leaves_out_those_whose_asker_has_left(start: Callable) -> None:
    clerk = Clerk()
    ref = start(clerk)
    ref.ask("gone", timeout_s=LONG_S).cancel()
    late = ref.ask("late", timeout_s=-1.0)

    await ref.ask("answer", timeout_s=LONG_S)

    assert clerk.batches == [["answer"]]
    assert isinstance(late.exception(), AskTimeout)


@pytest.mark.asyncio
async def test_an_envelope_may_be_answered_in_a_later_batch(
    start: Callable, settle: Callable
) -> None:
    ref = start(Clerk())
    early = ref.ask("early", timeout_s=LONG_S)
    await settle()
    assert not early.done()

    ref.tell("answer")

    assert await early == "EARLY"


@pytest.mark.asyncio
async def test_an_envelope_that_is_kept_too_long_times_out_and_may_still_be_answered(
    start: Callable, settle: Callable, exits: list[Exit]
) -> None:
    clerk = Clerk()
    ref = start(clerk)

    with pytest.raises(AskTimeout) as timeout:
        await ref.ask("kept", timeout_s=TAKEN_S)

    assert timeout.value.taken
    assert clerk.kept[0].abandoned
    assert await ref.ask("answer", timeout_s=LONG_S) == "ANSWER"
    assert exits == []


@pytest.mark.asyncio
async def test_a_crash_is_told_to_those_whose_envelopes_were_kept(
    start: Callable, settle: Callable
) -> None:
    ref = start(Clerk())
    kept = ref.ask("kept", timeout_s=LONG_S)
    await settle()
    ref.tell("crash")

    await settle()

    assert isinstance(kept.exception(), ActorFailed)


@pytest.mark.asyncio
async def test_an_envelope_whose_asker_has_left_is_not_remembered_for_ever(
    start: Callable, settle: Callable
) -> None:
    clerk = Clerk()
    ref = start(clerk)
    gone = ref.ask("gone", timeout_s=LONG_S)
    await settle()

    gone.cancel()
    ref.tell("next")
    await settle()

    assert clerk._in_hand == []


@pytest.mark.asyncio
async def test_a_failure_that_nobody_stayed_to_hear_is_not_reported_by_the_loop() -> None:
    reported: list[dict] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context))

    Envelope("a", loop.create_future(), 5.0, "agents").fail(ActorStopped("echo"))
    gc.collect()

    assert reported == []


@pytest.mark.asyncio
async def test_an_envelope_is_settled_once() -> None:
    reply = asyncio.get_running_loop().create_future()
    envelope: Envelope[str, str] = Envelope("a", reply, 5.0, "agents")

    assert not envelope.expired(4.9)
    assert envelope.expired(5.0)
    envelope.answer("first")
    envelope.answer("second")
    envelope.fail(ActorStopped("echo"))

    assert reply.result() == "first"


@pytest.mark.parametrize("actor", [Actor, BatchActor])
@pytest.mark.asyncio
async def test_an_actor_that_says_not_what_it_does_fails_at_its_first_message(
    actor: type[Actor], start: Callable, settle: Callable, exits: list[Exit]
) -> None:
    start(actor("idle", lanes={"inbox": 1})).tell("a")

    await settle()

    assert isinstance(exits[0].error, NotImplementedError)


def test_a_batch_holds_at_least_one() -> None:
    with pytest.raises(ValueError, match="batch_max must be at least 1, was 0"):
        Echo(batch_max=0)
