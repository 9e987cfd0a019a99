"""Where tasks are born: the only call of `create_task` in the project.

The rule: however a task ends, exactly one `Exit` says so.  A return, an exception, a cancellation
(even before the first step), `SystemExit` and `KeyboardInterrupt` all become values: nothing that
happens inside a child can reach the loop or its parent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from structlog.contextvars import bind_contextvars

# The loop holds its tasks weakly: whoever is not in here may be collected in the middle of a step.
_alive: set[asyncio.Task[Exit]] = set()


class ExitReason(StrEnum):
    """How a task ended."""

    RETURNED = "returned"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class Exit:
    """One task has ended.

    Attributes:
        name: The task's name.
        reason: How it ended.  `EXITED` means `SystemExit` or `KeyboardInterrupt`.
        error: What it raised; None where it returned, or was cancelled before its first step.
    """

    name: str
    reason: ExitReason
    error: BaseException | None = None


def spawn(
    name: str, run: Callable[[], Awaitable[object]], *, on_exit: Callable[[Exit], None]
) -> asyncio.Task[Exit]:
    """Run `run()` in a task of its own.

    Args:
        name: The task's name; bound as `actor` in everything it logs.
        run: What to run.  A function, not a coroutine: one that is never started would complain.
        on_exit: Called once, on the loop, after the task has ended.  A done-callback, not a
            `finally`: a task cancelled before its first step runs no `finally`.

    Returns:
        The task.  Its result is the `Exit`; it only counts as cancelled if it never began.
    """
    task = asyncio.get_running_loop().create_task(_watch(name, run), name=name)
    _alive.add(task)

    def ended(task: asyncio.Task[Exit]) -> None:
        _alive.discard(task)
        on_exit(Exit(name, ExitReason.CANCELLED) if task.cancelled() else task.result())

    task.add_done_callback(ended)
    return task


async def wait_ended(task: asyncio.Task[Exit], within_s: float | None = None) -> bool:
    """Wait until `task` has ended, whatever its end, without ever cancelling it.

    Args:
        task: Whose end to wait for.
        within_s: Seconds to wait at most; None waits as long as it takes.

    Returns:
        Whether it has ended; then its `on_exit` has been called too.
    """
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(_: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    task.add_done_callback(wake)
    timer = None if within_s is None else loop.call_later(within_s, wake)
    try:
        await waiter
    finally:
        task.remove_done_callback(wake)
        if timer is not None:
            timer.cancel()
    return task.done()


async def _watch(name: str, run: Callable[[], Awaitable[object]]) -> Exit:
    bind_contextvars(actor=name)
    try:
        await run()
    except asyncio.CancelledError as error:
        return Exit(name, ExitReason.CANCELLED, error)
    except (SystemExit, KeyboardInterrupt) as error:
        return Exit(name, ExitReason.EXITED, error)
    except BaseException as error:  # noqa: BLE001 - every end becomes a value: that is its purpose
        return Exit(name, ExitReason.FAILED, error)
    return Exit(name, ExitReason.RETURNED)
