"""A budget for somebody else's code: a call that takes longer is interrupted where it stands.

The rule: the interruption is raised below `StepBudget.call`, or nowhere.  An alarm rings a few
times per budget; it looks for a call that is overdue on the very stack that it interrupted, and
where there is none it does nothing.  So nobody arms or disarms anything, and nothing can be late.
A call is overdue when its time is up and it has used it: computing counts by the processor time of
its thread, and waiting by the rings before which it did next to nothing; a ring counts once, and
no more if it is late.  So a process that was stopped for a while, or that shares its processor with
many, is not taken for one that hangs: it has as much more time as the machine is slower.

What can be interrupted: Python code, waiting (`time.sleep`, sockets, locks), and C code that asks
for signals itself (regular expressions, arithmetic of huge integers).  What cannot: other C code,
until it returns (`sum(range(10**12))`, most of numpy), and code that catches `BaseException` and
goes on; those are for the `Watchdog`.  A huge allocation is a `MemoryError`, or the end of the
process where the system promises memory that it has not.  Outside the main thread, and where there
are no interval timers, nothing is interrupted: `took_s` tells afterwards.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

RINGS_PER_BUDGET = 8
"""How finely the alarm looks: an interruption is late by at most this part of the budget."""

IDLE_SHARE, IDLE_MIN_S = 0.1, 0.000_5
"""Who computed for less than this share of the time between two rings, or this time, has waited."""


class StepInterrupted(BaseException):
    """The call took longer than its budget.  No `Exception`: who catches those must not keep it."""


class StepBudget:
    """What one call may take; to be entered where the calls are made.

    Attributes:
        budget_s: Seconds.
        took_s: What the latest call took.
        ended: How many calls have come to an end, whatever end.
        observed: Told what each call took, in seconds; None tells nobody.
    """

    def __init__(self, budget_s: float) -> None:
        """Interrupt nothing yet.

        Raises:
            ValueError: The budget is no time, or endless.
        """
        if not 0 < budget_s < math.inf:
            raise ValueError(f"budget_s must be positive and finite, was {budget_s}")
        self.budget_s = budget_s
        self.took_s = 0.0
        self.ended = 0
        self.observed: Callable[[float], None] | None = None

    def __enter__(self) -> Self:
        """Let overdue calls be interrupted from now on, if this is the main thread."""
        if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
            _ALARM.join(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Interrupt nothing more."""
        _ALARM.leave(self)

    def call(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `step(...)`.

        Raises:
            StepInterrupted: It took longer than the budget, and could be interrupted.
        """
        due = time.perf_counter() + self.budget_s  # The alarm reads it here.
        try:
            return step(*args, **kwargs)
        finally:
            self.took_s = time.perf_counter() - due + self.budget_s
            self.ended += 1
            if self.observed is not None:
                self.observed(self.took_s)


_CALL = StepBudget.call.__code__


def _call_below(frame: FrameType | None) -> tuple[StepBudget, float] | None:
    """Return the call that is on the stack of `frame`: its budget, and when its time is up."""
    while frame is not None and frame.f_code is not _CALL:
        frame = frame.f_back
    if frame is None or "due" not in frame.f_locals:
        return None
    return frame.f_locals["self"], frame.f_locals["due"]


class _Alarm:
    """The one interval timer of the process, shared by the budgets that are in use.

    Somebody may have set it before (a test runner does): it rings for them when it would have, and
    is theirs again afterwards.
    """

    def __init__(self) -> None:
        self._budgets: list[StepBudget] = []
        self._theirs: Any = None
        self._their_due = math.inf
        self._their_interval = 0.0
        self._every_s = math.inf
        self._call: tuple[StepBudget, float] | None = None
        self._used = 0.0
        self._computed = 0.0
        self._ringing = False

    def join(self, budget: StepBudget) -> None:
        if not self._budgets:
            self._theirs = signal.getsignal(signal.SIGALRM) or signal.SIG_DFL
            left, self._their_interval = signal.getitimer(signal.ITIMER_REAL)
            self._their_due = time.perf_counter() + left if left else math.inf
            signal.signal(signal.SIGALRM, self._ring)
        self._budgets.append(budget)
        self._every_s = min(one.budget_s for one in self._budgets) / RINGS_PER_BUDGET
        signal.setitimer(signal.ITIMER_REAL, self._every_s, self._every_s)

    def leave(self, budget: StepBudget) -> None:
        if budget in self._budgets:
            self._budgets.remove(budget)
            if not self._budgets:
                self._give_back()

    def _give_back(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, self._theirs)
        if self._their_due < math.inf:
            left = max(self._their_due - time.perf_counter(), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, left, self._their_interval)

    def _ring(self, signum: int, frame: FrameType | None) -> None:
        del signum
        if self._ringing:
            return  # The machine is so slow that one ring comes into another.
        self._ringing = True
        try:
            self._look_at(frame)
        finally:
            self._ringing = False

    def _look_at(self, frame: FrameType | None) -> None:
        """Interrupt the call that is on the stack of `frame`, if it is overdue."""
        if time.perf_counter() >= self._their_due:
            self._budgets.clear()
            self._give_back()
            return
        before, self._call = self._call, _call_below(frame)
        self._used = self._used + self._since_last() if self._call == before else 0.0
        self._computed = time.thread_time()
        if self._call is not None:
            budget, due = self._call
            # Of the time before it was seen first nothing is known: less than that is forgiven.
            if time.perf_counter() > due and self._used + self._every_s / 2 >= budget.budget_s:
                # A finalizer may swallow it.  Then it comes again, when a budget has passed again.
                self._used = 0.0
                raise StepInterrupted

    def _since_last(self) -> float:
        """Return what a call has used since the last ring, seconds; a lost ring is not its loss."""
        computed = time.thread_time() - self._computed
        waited = computed < max(IDLE_SHARE * self._every_s, IDLE_MIN_S)
        return self._every_s if waited else min(computed, self._every_s)


_ALARM = _Alarm()
