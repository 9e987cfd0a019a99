"""A failure counts for one window, whatever the unit of the window is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime import Intensity, RestartPolicy

IN_TICKS = RestartPolicy(restarts_max=2, window=20)


def test_the_third_failure_within_twenty_ticks_is_one_too_many() -> None:
    intensity = Intensity(IN_TICKS)

    assert [intensity.record(tick) for tick in (5, 9, 24)] == [False, False, True]


def test_a_failure_that_is_a_window_old_no_longer_counts() -> None:
    intensity = Intensity(IN_TICKS)

    assert [intensity.record(tick) for tick in (5, 9, 25)] == [False, False, False]
    assert intensity.failures == 2


def test_a_policy_without_restarts_allows_no_failure() -> None:
    assert Intensity(RestartPolicy(restarts_max=0, window=1)).record(0.0)


def test_the_wait_doubles_until_it_meets_its_bound() -> None:
    policy = RestartPolicy(restarts_max=3, window=60, backoff_min=0.5, backoff_max=30)

    assert [policy.backoff(failures) for failures in (1, 2, 3, 7, 10_000)] == [0.5, 1, 2, 30, 30]


def test_a_policy_waits_for_nothing_unless_it_says_so() -> None:
    assert IN_TICKS.backoff(5) == 0


@pytest.mark.parametrize(
    "numbers",
    [
        {"restarts_max": -1, "window": 1},
        {"restarts_max": 1, "window": 0},
        {"restarts_max": 1, "window": 1, "backoff_min": 2, "backoff_max": 1},
        {"restarts_max": 1, "window": 1, "backoff_min": -1},
    ],
)
def test_a_policy_that_means_nothing_cannot_be_made(numbers: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        RestartPolicy(**numbers)


@given(st.lists(st.integers(0, 60)).map(sorted), st.integers(0, 4), st.integers(1, 30))
def test_the_count_is_that_of_the_failures_younger_than_the_window(
    failures: list[int], restarts_max: int, window: int
) -> None:
    intensity = Intensity(RestartPolicy(restarts_max=restarts_max, window=window))

    for place, now in enumerate(failures, start=1):
        young = sum(now - failure < window for failure in failures[:place])
        assert intensity.record(now) == (young > restarts_max)
