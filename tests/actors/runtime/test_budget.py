"""What takes too long is interrupted, and nothing else ever is."""

from __future__ import annotations

import math
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.runtime import StepBudget, StepInterrupted

BUDGET_S = 0.02
ROOT = Path(__file__).parents[3]

STOPPED = """
import os, signal, subprocess, sys
from actors.runtime import StepBudget

def be_stopped():
    me = os.getpid()
    wake = f"import os, time; time.sleep(1); os.kill({me}, {signal.SIGCONT:d})"
    subprocess.Popen([sys.executable, "-c", wake])
    os.kill(me, signal.SIGSTOP)

with StepBudget(0.5) as budget:
    budget.call(be_stopped)
    assert budget.took_s > 0.5
print("in time")
"""


def spin() -> None:
    while True:
        pass


def catch_exceptions() -> None:
    while True:
        try:
            spin()
        except Exception:  # noqa: BLE001, S112  # the point: it does not help
            continue


def sleep_on() -> None:
    time.sleep(60)


def wait_for_nobody() -> None:
    threading.Event().wait()


def match_for_ever() -> None:
    re.match("(a+)+b", "a" * 60)


def multiply_for_ever() -> None:
    _ = 10**10**8


def spin_in_a_finalizer() -> None:
    class Cursed:
        def __del__(self) -> None:
            deadline = time.perf_counter() + 1
            while time.perf_counter() < deadline:
                pass

    Cursed()
    spin()


@pytest.mark.parametrize(
    "step",
    [spin, catch_exceptions, sleep_on, wait_for_nobody, match_for_ever, multiply_for_ever],
)
def test_what_takes_too_long_is_interrupted(step: Callable[[], None]) -> None:
    with StepBudget(BUDGET_S) as budget, pytest.raises(StepInterrupted):
        budget.call(step)

    assert budget.took_s > BUDGET_S
    assert budget.ended == 1


def test_an_interruption_that_a_finalizer_swallowed_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    swallowed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: swallowed.append(what.exc_type))

    with StepBudget(BUDGET_S) as budget, pytest.raises(StepInterrupted):
        budget.call(spin_in_a_finalizer)

    assert swallowed == [StepInterrupted]


def test_what_is_in_time_is_left_alone() -> None:
    with StepBudget(60.0) as budget:
        assert budget.call(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            budget.call(divmod, 7, 0)

    assert budget.ended == 2
    assert 0 <= budget.took_s < 60


def test_the_alarm_never_hits_what_stands_around_a_call() -> None:
    budget, inside, outside = StepBudget(0.000_5), 0, 0
    deadline = time.perf_counter() + 1.5

    with budget:
        while time.perf_counter() < deadline:
            try:
                try:
                    # It returns about when its time is up, so the alarm rings around its end.
                    budget.call(time.sleep, 0.000_3 + 0.000_1 * (budget.ended % 5))
                except StepInterrupted:
                    inside += 1
            except StepInterrupted:  # pragma: no cover
                outside += 1

    assert outside == 0
    assert 0 < inside < budget.ended


def test_nothing_is_interrupted_between_two_calls() -> None:
    with StepBudget(BUDGET_S) as budget:
        budget.call(divmod, 7, 2)
        deadline = time.perf_counter() + 4 * BUDGET_S
        while time.perf_counter() < deadline:
            pass


def test_a_process_that_was_stopped_in_the_middle_of_a_step_goes_on() -> None:
    out = subprocess.run(
        [sys.executable, "-c", STOPPED],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (out.returncode, out.stdout, out.stderr) == (0, "in time\n", "")


def test_outside_the_main_thread_a_long_step_is_only_noticed() -> None:
    took: list[float] = []

    def work() -> None:
        with StepBudget(BUDGET_S) as budget:
            budget.call(time.sleep, 2 * BUDGET_S)
            took.append(budget.took_s)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert took[0] > BUDGET_S


def test_somebody_elses_alarm_is_theirs_again_afterwards(request: pytest.FixtureRequest) -> None:
    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)

    with StepBudget(BUDGET_S), StepBudget(2 * BUDGET_S):
        assert signal.getsignal(signal.SIGALRM) is not before[0]

    handler, (left, interval) = (
        signal.getsignal(signal.SIGALRM),
        signal.getitimer(signal.ITIMER_REAL),
    )
    assert handler == before[0]
    assert interval == before[1][1]
    assert left <= before[1][0]
    assert (left > 0) == (before[1][0] > 0)


def test_somebody_elses_alarm_rings_when_it_would_have() -> None:
    rung: list[int] = []
    handler = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    left, interval = signal.setitimer(signal.ITIMER_REAL, BUDGET_S / 2)
    try:
        with StepBudget(BUDGET_S) as budget:
            budget.call(time.sleep, BUDGET_S)
            deadline = time.perf_counter() + 60
            while not rung and time.perf_counter() < deadline:
                pass
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, left, interval)

    assert rung == [signal.SIGALRM]


@pytest.mark.parametrize("budget_s", [0.0, -1.0, math.inf, math.nan])
def test_a_budget_is_some_time_and_not_endless(budget_s: float) -> None:
    with pytest.raises(ValueError, match="must be positive and finite"):
        StepBudget(budget_s)
