"""The pace is kept by a clock that stands still until it is told to move."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.live import Pace
from actors.runtime import ManualClock

START = datetime(2024, 1, 1, tzinfo=UTC)

seconds = st.integers(0, 400).map(lambda quarters: quarters / 4)  # Exact, however they are added.


def a_pace(interval_s: float = 10.0) -> tuple[Pace, ManualClock]:
    clock = ManualClock(START)
    return Pace(clock, interval_s), clock


@given(st.lists(seconds, max_size=30), seconds.filter(bool))
def test_bar_n_is_due_n_intervals_after_the_first_however_long_each_one_took(took, interval_s):
    pace, clock = a_pace(interval_s)
    for n, work_s in enumerate(took):
        due_s = n * interval_s
        assert pace.due_in_s() == max(0.0, due_s - clock.monotonic_s())
        assert pace.lag_s == max(0.0, clock.monotonic_s() - due_s)
        clock.advance(pace.due_in_s() + work_s)
        pace.mark()


@given(st.lists(seconds, max_size=10))
def test_at_full_speed_every_bar_is_due_and_none_is_late(took):
    pace, clock = a_pace(0.0)
    for work_s in took:
        assert (pace.due_in_s(), pace.lag_s) == (0.0, 0.0)
        clock.advance(work_s)
        pace.mark()


@given(seconds, seconds, seconds)
def test_what_it_was_paused_is_no_lag(before_s, paused_s, after_s):
    pace, clock = a_pace()
    pace.mark()
    clock.advance(before_s)
    due_in_s, lag_s = pace.due_in_s(), pace.lag_s
    pace.pause()
    pace.pause()
    clock.advance(paused_s)
    assert (pace.paused, pace.due_in_s(), pace.lag_s) == (True, math.inf, lag_s)
    pace.resume()
    pace.resume()
    assert (pace.paused, pace.due_in_s(), pace.lag_s) == (False, due_in_s, lag_s)
    clock.advance(after_s)
    assert pace.due_in_s() == max(0.0, 10.0 - before_s - after_s)


@pytest.mark.parametrize(("old", "new"), [(10.0, 4.0), (10.0, 0.0), (0.0, 10.0), (4.0, 10.0)])
def test_another_speed_counts_from_the_last_bar(old, new):
    pace, clock = a_pace(old)
    pace.mark()
    clock.advance(3.0)

    pace.set_speed(new)

    assert pace.due_in_s() == max(0.0, new - 3.0)


def test_what_could_not_be_done_is_not_made_up_for():
    pace, clock = a_pace()
    clock.advance(95.0)

    pace.skip()

    assert (pace.due_in_s(), pace.lag_s) == (0.0, 0.0)
    pace.mark()
    assert pace.due_in_s() == 10.0


@pytest.mark.asyncio
async def test_waiting_moves_the_clock_to_where_the_bar_is_due():
    pace, clock = a_pace()
    await pace.wait()
    pace.mark()
    clock.advance(2.5)
    await pace.wait()
    assert clock.monotonic_s() == 10.0
    pace.pause()
    with pytest.raises(ValueError, match="paused"):
        await pace.wait()


@pytest.mark.parametrize("wrong", [-1.0, math.inf, math.nan])
def test_an_interval_is_a_length_of_time(wrong):
    with pytest.raises(ValueError, match="interval_s"):
        a_pace(wrong)
