"""A process in which nothing moves ends and says where it stood; a busy one is left alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SCRIPT = """
import asyncio, sys, time
from actors.runtime import StepBudget, Watchdog

def keep_the_interpreter():
    sum(range(10**12))

def swallow_everything():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

def step_by_step():
    with StepBudget(60) as budget:
        watched.append(budget)
        for _ in range(60):
            budget.call(time.sleep, 0.05)

def stop_and_go_on():
    print("stopped", flush=True)
    sys.stdin.readline()

watched = []

async def main():
    with Watchdog(1.0, exit_code=7, progress=lambda: watched[0].ended if watched else 0):
        await asyncio.sleep(0.1)
        globals()[sys.argv[1]]()
    print("alive")

asyncio.run(main())
"""


def start(what: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, what],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("hang", ["keep_the_interpreter", "swallow_everything"])
def test_a_process_in_which_nothing_moves_ends_and_says_where_it_stood(hang: str) -> None:
    process = start(hang)
    out, error = process.communicate(timeout=60)

    assert (process.returncode, out) == (7, "")
    assert f"in {hang}" in error


@pytest.mark.slow
def test_many_slow_steps_in_one_turn_of_the_loop_are_progress() -> None:
    process = start("step_by_step")
    out, error = process.communicate(timeout=60)

    assert (process.returncode, out, error) == (0, "alive\n", "")


@pytest.mark.slow
def test_a_process_that_was_stopped_for_long_goes_on() -> None:
    process = start("stop_and_go_on")
    assert process.stdout is not None
    assert process.stdout.readline() == "stopped\n"
    process.send_signal(signal.SIGSTOP)
    threading.Event().wait(3)  # Longer than the limit, on the clock of the wall.
    process.send_signal(signal.SIGCONT)

    out, error = process.communicate("go on\n", timeout=60)

    assert (process.returncode, out, error) == (0, "alive\n", "")
