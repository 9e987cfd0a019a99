"""`SimLoop`: an event loop on which a seed decides who runs next, and time never passes by itself.

The rule: what asyncio promises is kept, what it leaves open is chosen.  The steps of one task stay
in their order; which of the tasks that could run does run is drawn from the seed.  The clock jumps
to the next timer as soon as nobody can run.  There is no selector, no socket and no thread behind
it: whatever needs one fails with `EscapedError`, and where nobody can ever run again,
`DeadlockError` says where each task stands.  The same seed gives the same schedule, and the
fingerprint proves it.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
from array import array
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextvars import Context
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, NoReturn, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

STEPS_MAX = 2_000_000
"""Steps after which a simulation counts as one that never ends."""

STEPS_TO_END = 10_000
"""Steps that cancelled tasks have to end in."""

CHANGES = 4
"""How often the priorities of `Explore.PRIORITY` change ..."""

HORIZON = 4_000
"""... within how many first steps."""


class Explore(StrEnum):
    """How a schedule is chosen.

    `WALK` draws every step.  `PRIORITY` lets the most important task run whenever it can, and
    changes its mind a few times: it finds what needs one task to be held up for long.  `FIFO` is
    the order of the stock loop.
    """

    WALK = "walk"
    PRIORITY = "priority"
    FIFO = "fifo"


class SimulationError(RuntimeError):
    """A simulation could not go on; the message says why."""


class DeadlockError(SimulationError):
    """Nothing can run and nothing is due: the message lists where every task waits."""


class EndlessError(SimulationError):
    """The simulation took `STEPS_MAX` steps: somebody runs in circles."""


class EscapedError(SimulationError):
    """Somebody used a thread, an executor or a socket: it escaped the simulation."""


class _Ready:
    """What stands in for `loop._ready`: a line for each task, and a seeded choice between lines."""

    def __init__(self, rng: random.Random, explore: Explore) -> None:
        self._rng = rng
        self._explore = explore
        self._lines: dict[int, deque[asyncio.Handle]] = {}
        self._numbers: dict[object, int] = {}
        self._arrivals: deque[int] = deque()
        self._priority: dict[int, float] = {}
        self._changes = {rng.randrange(HORIZON) for _ in range(CHANGES)}
        self._size = 0
        self.trace = array("L")
        self.steps_max = STEPS_MAX

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[asyncio.Handle]:
        return (handle for line in self._lines.values() for handle in line)

    def number(self, task: object) -> int:
        """Return a task's line; 0 is everything that is no task's step.

        Not its name: `Task-7` counts the tasks of the process.
        """
        return self._numbers.setdefault(task, len(self._numbers) + 1)

    def append(self, handle: asyncio.Handle) -> None:
        """Let `handle` wait behind what its task has waiting."""
        # As asyncio's own debugging does: a task's steps and wake-ups are bound to the task.
        owner = getattr(getattr(handle, "_callback", None), "__self__", None)
        number = self.number(owner) if isinstance(owner, asyncio.Task) else 0
        line = self._lines.get(number)
        if line is None:
            self._lines[number] = line = deque()
        line.append(handle)
        self._size += 1
        if self._explore is Explore.FIFO:
            self._arrivals.append(number)

    def popleft(self) -> asyncio.Handle:
        """Choose who runs next."""
        if len(self.trace) >= self.steps_max:
            raise EndlessError(f"no end after {self.steps_max} steps")
        number = self._choose()
        line = self._lines[number]
        handle = line.popleft()
        if not line:
            del self._lines[number]
        self._size -= 1
        self.trace.append(number)
        return handle

    def clear(self) -> None:
        """Forget everything that waits."""
        self._lines.clear()
        self._arrivals.clear()
        self._size = 0

    def _choose(self) -> int:
        if self._explore is Explore.FIFO:
            return self._arrivals.popleft()
        if len(self._lines) == 1:
            return next(iter(self._lines))
        if self._explore is Explore.WALK:
            return [*self._lines][int(self._rng.random() * len(self._lines))]
        for number in self._lines:
            if number not in self._priority:
                self._priority[number] = self._rng.random()
        chosen = max(self._lines, key=self._priority.__getitem__)
        step = len(self.trace)
        if step in self._changes:
            self._priority[chosen] = -1.0 - step
        return chosen


class _NoSelector:
    """Stands where a selector would: it waits for nothing, it moves the clock."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> tuple[()]:
        """Move the clock by `timeout`; None means that nothing can ever happen again."""
        if timeout is None:
            raise DeadlockError(
                f"nobody can run and nothing is due{self._loop.where_tasks_stand()}"
            )
        if timeout > 0:
            self._loop.advance(timeout)
        return ()


class SimLoop(asyncio.BaseEventLoop):
    """An event loop whose schedule and whose time belong to a seed.

    Attributes:
        unhandled: What asyncio would have logged: exceptions that nobody looked at.
    """

    def __init__(self, seed: int, explore: Explore = Explore.WALK) -> None:
        super().__init__()
        self._now_ns = 0
        self._home = threading.get_ident()
        self._selector = _NoSelector(self)
        self._ready = _Ready(random.Random(f"schedule-{seed}"), explore)  # noqa: S311 - no secret
        self._clock_resolution = 1e-9
        self.unhandled: list[str] = []
        self.set_exception_handler(self._note_unhandled)

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._now_ns / 1e9

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._now_ns += max(1, round(seconds * 1e9))

    @property
    def steps(self) -> int:
        """How many choices were made."""
        return len(self._ready.trace)

    def allow(self, steps: int) -> None:
        """Let it take so many steps more."""
        self._ready.steps_max = self.steps + steps

    def fingerprint(self) -> str:
        """Return the SHA-256 of all choices: equal schedules have equal fingerprints."""
        return hashlib.sha256(",".join(map(str, self._ready.trace)).encode()).hexdigest()

    def tasks(self) -> list[asyncio.Task[Any]]:
        """Return the tasks that have not ended, in the order in which they first ran."""
        return sorted(asyncio.all_tasks(self), key=self._ready.number)

    def where_tasks_stand(self) -> str:
        """Return a line for every task: its name, and each function that it waits in."""
        return "".join(f"\n  {task.get_name()}: {where_it_stands(task)}" for task in self.tasks())

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Do as `call_soon`, for the one thread there is.

        Raises:
            EscapedError: Another one called.
        """
        if threading.get_ident() != self._home:
            raise EscapedError("a thread escaped the simulation: it called back into the loop")
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, *asked: object) -> NoReturn:
        """Refuse: another thread has no virtual time.

        Raises:
            EscapedError: Always.
        """
        raise EscapedError(f"{asked[1:2]} escaped the simulation: it was to run in a thread")

    def _process_events(self, event_list: object) -> None:
        """Do nothing: no event comes from outside."""

    def _note_unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.unhandled.append(f"{context['message']}: {context.get('exception')!r}")


def where_it_stands(task: asyncio.Task[Any]) -> str:
    """Return the functions that `task` waits in, from the outermost to the innermost."""
    places = []
    waits: Any = task.get_coro()
    while (frame := getattr(waits, "cr_frame", None)) is not None:
        places.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
        waits = waits.cr_await
    return " > ".join(places)


@dataclass(frozen=True, slots=True)
class Simulated(Generic[T]):
    """How a simulation went.

    Attributes:
        value: What it returned.
        virtual_s: How much virtual time passed.
        steps: How many choices were made.
        fingerprint: SHA-256 of these choices.
        left: Tasks that had not ended when it had, and errors that nobody looked at.
    """

    value: T
    virtual_s: float
    steps: int
    fingerprint: str
    left: tuple[str, ...]


def simulate(
    main: Callable[[], Coroutine[Any, Any, T]],
    *,
    seed: int,
    explore: Explore = Explore.WALK,
    steps_max: int = STEPS_MAX,
) -> Simulated[T]:
    """Run `main` to its end on a loop of its own.

    Args:
        main: What to run; it finds the loop with `asyncio.get_running_loop()`.
        seed: Decides the schedule.
        explore: How.
        steps_max: Steps after which it counts as one that never ends.

    Raises:
        DeadlockError: It can never end.
        EndlessError: It did not end.
    """
    loop = SimLoop(seed, explore)
    loop.allow(steps_max)
    try:
        value = loop.run_until_complete(main())
        virtual_s, steps, fingerprint = loop.time(), loop.steps, loop.fingerprint()
    finally:
        left = wind_up(loop)
    return Simulated(value, virtual_s, steps, fingerprint, left)


def wind_up(loop: SimLoop) -> tuple[str, ...]:
    """End what still runs, as far as it can be ended, and close the loop.

    Returns:
        Where each task stood that had not ended, and the errors that nobody looked at.
    """
    left = [f"{task.get_name()}: {where_it_stands(task)}" for task in loop.tasks()]

    async def cancelled() -> None:
        for task in loop.tasks():
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.sleep(1.0)

    try:
        if left:
            loop.allow(STEPS_TO_END)
            loop.run_until_complete(cancelled())
    except SimulationError as error:
        loop.unhandled.append(str(error))
    finally:
        loop.close()
    return (*left, *loop.unhandled)
