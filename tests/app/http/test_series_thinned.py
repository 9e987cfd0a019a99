"""A thinned series begins and ends as the whole one does, and keeps its order and its peaks."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.http.navs import READ_MAX, looked_at
from actors.app.http.series import lttb

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=0, max_size=80)


@given(values=VALUES, most=st.integers(2, 90))
def test_few_points_are_kept_in_order_with_the_first_and_the_last(values, most):
    points = [*enumerate(values)]

    kept = lttb(points, most)

    assert len(kept) == min(most, len(points))
    assert kept == sorted(set(kept))
    assert not points or (kept[0], kept[-1]) == (0, len(points) - 1)


@given(values=VALUES, most=st.integers(3, 90))
def test_every_bucket_keeps_one_point(values, most):
    n = len(values)
    kept = lttb([*enumerate(values)], most)

    if n > most:
        size = (n - 2) / (most - 2)
        buckets = [math.floor((row - 1) / size + 1e-9) for row in kept[1:-1]]
        assert all(abs(bucket - row) <= 1 for row, bucket in enumerate(buckets))


@given(start=st.floats(-10, 10), slope=st.floats(-10, 10), height=st.floats(1e3, 1e6))
def test_a_lone_peak_is_kept(start, slope, height):
    points = [(float(x), start + slope * x) for x in range(50)]
    points[23] = (23.0, start + height)

    assert 23 in lttb(points, 6)


def test_a_known_series_is_thinned_as_the_method_says():
    points = [*enumerate([0.0, 1.0, 5.0, 1.0, 0.0, -4.0, 0.0, 1.0])]

    # Buckets [1, 2, 3] and [4, 5, 6]; their means, and the triangles, by hand.
    assert lttb(points, 4) == [0, 2, 5, 7]


def test_a_series_of_one_point_makes_no_sense():
    with pytest.raises(ValueError, match="two points"):
        lttb([], 1)


@given(born=st.integers(0, 5000), lived=st.integers(0, 9000), later=st.integers(0, 3))
def test_the_closes_that_are_looked_at_are_evenly_spread_and_the_same_ones_again(
    born, lived, later
):
    last = born + lived
    ticks = looked_at(born, last)
    gaps = [b - a for a, b in itertools.pairwise(ticks)]

    assert ticks == sorted(set(ticks))
    assert len(ticks) == lived or READ_MAX // 2 <= len(ticks) <= READ_MAX
    assert not ticks or (born < ticks[0] and ticks[-1] == last)
    assert len(set(gaps[:-1])) <= 1
    assert set(gaps[-1:]) <= set(range(1, max(gaps[:-1], default=1) + 1))
    if len(looked_at(born, last + later)) >= len(ticks):  # The step is the same.
        assert set(ticks[:-1]) <= set(looked_at(born, last + later))
