"""However a task ends, exactly one `Exit` says so, and nothing else in the world notices."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest
from structlog.contextvars import get_contextvars

from actors.runtime import ActorStopped, Exit, ExitReason, spawn
from actors.runtime.actor import Actor
from actors.runtime.tasks import wait_ended


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad"), ExitReason.FAILED),
        (ExceptionGroup("many", [ValueError("bad")]), ExitReason.FAILED),
        (BaseException("odd"), ExitReason.FAILED),
        (asyncio.CancelledError(), ExitReason.CANCELLED),
        (SystemExit(3), ExitReason.EXITED),
        (KeyboardInterrupt(), ExitReason.EXITED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
@pytest.mark.asyncio
async def test_whatever_is_raised_becomes_an_exit(
    error: BaseException, reason: ExitReason, exits: list[Exit], settle: Callable
) -> None:
    async def run() -> None:
        raise error

    task = spawn("ada", run, on_exit=exits.append)
    await settle()

    assert exits == [Exit("ada", reason, error)]
    assert task.result() is exits[0]


@pytest.mark.asyncio
async def test_a_return_is_an_exit_too(exits: list[Exit], settle: Callable) -> None:
    async def run() -> str:
        return "unused"

    spawn("ada", run, on_exit=exits.append)
    await settle()

    assert exits == [Exit("ada", ExitReason.RETURNED)]


@pytest.mark.asyncio
async def test_a_task_cancelled_in_its_work_reports_the_cancellation(
    exits: list[Exit], settle: Callable
) -> None:
    task = spawn("ada", asyncio.Event().wait, on_exit=exits.append)
    await settle()

    task.cancel()
    await settle()

    assert [(end.name, end.reason) for end in exits] == [("ada", ExitReason.CANCELLED)]


@pytest.mark.asyncio
async def test_a_task_cancelled_before_its_first_step_reports_it_and_never_runs(
    exits: list[Exit], settle: Callable
) -> None:
    ran: list[str] = []

    async def run() -> None:
        ran.append("ran")

    spawn("ada", run, on_exit=exits.append).cancel()
    await settle()

    assert exits == [Exit("ada", ExitReason.CANCELLED)]
    assert ran == []


@pytest.mark.asyncio
async def test_an_actor_cancelled_before_its_first_step_leaves_nobody_waiting(
    start: Callable, exits: list[Exit], settle: Callable
) -> None:
    actor: Actor[str, str] = Actor("ada", lanes={"inbox": 1})
    ref = start(actor)
    answer = ref.ask("a", timeout_s=60.0)
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "ada")

    task.cancel()
    await settle()

    assert actor.mailbox.closed
    assert isinstance(answer.exception(), ActorStopped)
    assert [end.reason for end in exits] == [ExitReason.CANCELLED]


@pytest.mark.asyncio
async def test_a_task_that_nobody_holds_is_not_collected(
    exits: list[Exit], settle: Callable
) -> None:
    async def run() -> None:
        # Nothing but the task itself refers to this future.
        await asyncio.get_running_loop().create_future()

    spawn("ada", run, on_exit=exits.append)
    await settle()
    gc.collect()
    await settle()

    assert exits == []
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "ada")
    task.cancel()
    await settle()


@pytest.mark.asyncio
async def test_a_task_logs_under_its_name_and_leaves_the_name_of_others_alone(
    exits: list[Exit], settle: Callable
) -> None:
    seen: list[object] = []

    async def run() -> None:
        seen.append(get_contextvars()["actor"])

    for name in ("ada", "bob"):
        spawn(name, run, on_exit=exits.append)
    await settle()

    assert seen == ["ada", "bob"]
    assert "actor" not in get_contextvars()


@pytest.mark.asyncio
async def test_waiting_for_an_end_hears_of_it_after_the_callback(exits: list[Exit]) -> None:
    async def run() -> None:
        await asyncio.sleep(0)

    task = spawn("ada", run, on_exit=exits.append)

    assert await wait_ended(task, 60.0)
    assert len(exits) == 1
    assert await wait_ended(task)


@pytest.mark.asyncio
async def test_waiting_gives_up_without_touching_the_task(exits: list[Exit]) -> None:
    gate = asyncio.Event()
    task = spawn("ada", gate.wait, on_exit=exits.append)

    assert not await wait_ended(task, 0.0)
    gate.set()

    assert await wait_ended(task)
    assert exits[0].reason is ExitReason.RETURNED


@pytest.mark.asyncio
async def test_a_wait_that_is_cancelled_does_not_cancel_the_task(
    exits: list[Exit], settle: Callable
) -> None:
    gate = asyncio.Event()
    task = spawn("ada", gate.wait, on_exit=exits.append)
    waiter = asyncio.get_running_loop().create_task(wait_ended(task))
    await settle()

    waiter.cancel()
    await settle()

    assert waiter.cancelled()
    assert not task.done()
    gate.set()
    await wait_ended(task)
