"""Moments are aware and in UTC; intervals never run backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from actors.runtime import Clock, ManualClock, WallClock

START = datetime(2024, 3, 1, 1, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize("clock", [WallClock(), ManualClock(START)], ids=["wall", "manual"])
def test_every_clock_tells_aware_moments_and_intervals_that_do_not_shrink(clock: Clock) -> None:
    assert clock.stamp().tzinfo is UTC
    assert clock.monotonic_s() <= clock.monotonic_s()


def test_a_manual_clock_moves_when_it_is_told_to() -> None:
    clock = ManualClock(START)

    clock.advance(1.5)

    assert clock.stamp() == datetime(2024, 3, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert clock.monotonic_s() == 1.5


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_manual_clock_cannot_go_back(seconds: float) -> None:
    with pytest.raises(ValueError, match="a clock moves forward"):
        ManualClock(START).advance(seconds)


def test_a_clock_does_not_start_at_a_moment_without_a_zone() -> None:
    with pytest.raises(ValueError, match="aware of its zone"):
        ManualClock(START.replace(tzinfo=None))
