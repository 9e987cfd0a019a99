"""What a process and its machine do meanwhile is not the strategy's doing: its report stays."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from itertools import count

import pytest

from actors.app.gate import check_strategy
from actors.runtime import StepBudget, StepInterrupted
from arena.market import MarketView
from arena.strategies import BookView, Cash, Decision, Memory

BUDGET_S = 0.08
A_QUARTER_S = BUDGET_S / 8 / 4
"""A quarter of the time between two rings of the alarm."""


class Collects(Cash):
    """Tidies up after everybody."""

    name = "collects"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        gc.collect(0)
        return {}


@pytest.fixture
def listened() -> Iterator[list[int]]:
    """Whoever listens to the collector, and reads the clock; it collects as often as it can."""
    heard: list[int] = []

    def listen(phase: str, info: dict[str, int]) -> None:
        time.perf_counter()
        heard.append(os.getpid())

    before = gc.get_threshold()
    gc.callbacks.insert(0, listen)
    gc.set_threshold(1, 1, 1000)
    yield heard
    gc.set_threshold(*before)
    gc.callbacks.remove(listen)


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A machine that gives this thread a quarter of its time; grows twice at each ring."""
    given, clock = [], count()

    def thread_time() -> float:
        given.append(next(clock) * A_QUARTER_S)
        return given[-1]

    monkeypatch.setattr(time, "thread_time", thread_time)
    return given


def test_no_garbage_is_collected_in_the_middle_of_a_step(listened: list[int]) -> None:
    report = check_strategy(Cash, quick=True)

    assert listened
    assert report.passed, report.explain()
    assert gc.isenabled()


def test_who_collects_the_garbage_of_others_is_refused() -> None:
    report = check_strategy(Collects, quick=True)

    assert report.failed == ("purity",)
    assert "gc.collect" in report.explain()


def test_a_slow_machine_fails_nobody_at_the_gate(rings: list[float]) -> None:
    class Waits(Cash):
        name = "waits"

        def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
            while len(rings) < 32:
                pass
            return {}

    report = check_strategy(Waits, quick=True, step_budget_s=BUDGET_S)

    assert report.passed, report.explain()


def test_on_a_slow_machine_too_a_step_that_hangs_comes_to_its_end(rings: list[float]) -> None:
    def spin() -> None:
        while True:
            pass

    with StepBudget(BUDGET_S) as budget, pytest.raises(StepInterrupted):
        budget.call(spin)

    assert len(rings) > 4 * 8
