"""However rows arrive, a frame is in order, finished, on the grid, and honest about its ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.clients import ProviderError, SeriesRequest
from actors.feeds.clients.port import SETTLE_MS
from actors.feeds.clients.rows import (
    TAIL_MS,
    Meaning,
    bar_that_closes_after,
    make_frame,
    on_grid,
)
from actors.feeds.store import Frame, SeriesKey, SeriesKind, Span
from arena.exceptions import ValidationError

DAY = 86_400_000
T0 = 19_000 * DAY
KEY = SeriesKey("binance", "BTC/USDT", SeriesKind.PRICE, "1d")
MEANING = Meaning(("price",), "USD")
NEVER = T0 + 10_000 * DAY


def made(days: list[int], *, end: int = 30, now_ms: int = NEVER, recent: bool = False) -> Frame:
    rows = [(T0 + day * DAY, [float(day)]) for day in days]
    return make_frame(KEY, Span(T0, T0 + end * DAY), rows, MEANING, now_ms=now_ms, recent=recent)


@given(st.lists(st.integers(-5, 40)))
def test_rows_come_out_in_order_once_and_inside(days):
    frame = made(days)

    assert frame.times.tolist() == [T0 + day * DAY for day in sorted({*days}) if 0 <= day < 30]
    assert frame.spans == (Span(T0, T0 + 30 * DAY),)


@given(days=st.lists(st.integers(0, 29), unique=True), age=st.integers(0, 10))
def test_a_tail_without_rows_is_answered_only_when_it_is_old(days, age):
    now_ms = T0 + (30 + age) * DAY
    frame = made(days, now_ms=now_ms)

    last = max(days, default=-1)
    settled = min(30, 30 + age - TAIL_MS // DAY)
    assert frame.spans == (Span(T0, T0 + max(last + 1, settled) * DAY),)


def test_a_provider_of_recent_rows_answers_from_its_first_one_on():
    assert made([7, 9], recent=True).spans == (Span(T0 + 7 * DAY, T0 + 30 * DAY),)
    assert made([], recent=True).spans == ()


def test_of_two_rows_with_one_stamp_the_later_sent_counts():
    rows = [(T0, [1.0]), (T0, [2.0])]
    frame = make_frame(KEY, Span(T0, T0 + DAY), rows, MEANING, now_ms=NEVER, recent=False)

    assert frame.column("price").tolist() == [2.0]


def test_a_number_that_the_provider_does_not_have_is_not_known():
    rows = [(T0, [None])]
    frame = make_frame(KEY, Span(T0, T0 + DAY), rows, MEANING, now_ms=NEVER, recent=False)

    assert np.isnan(frame.values).all()


def test_a_row_off_the_grid_is_refused():
    with pytest.raises(ProviderError, match="needed rows every 1d"):
        make_frame(KEY, Span(T0, T0 + DAY), [(T0 + 1, [1.0])], MEANING, now_ms=NEVER, recent=False)


@given(st.integers(1, 10**13), st.sampled_from([60_000, 3_600_000, DAY]))
def test_a_sample_belongs_to_the_bar_that_closes_at_it_or_after_it(stamp, step):
    bar = bar_that_closes_after(stamp, step)

    assert bar % step == 0
    assert bar < stamp <= bar + step


@given(st.integers(0, 10**6), st.integers(-2000, 2000))
def test_what_is_near_the_grid_is_on_it(number, off):
    step = 8 * 3_600_000
    found = on_grid(number * step + off, step, tolerance_ms=1000)

    assert found == (number * step if abs(off) <= 1000 else None)


@given(st.integers(0, 40 * DAY))
def test_only_finished_bars_are_asked_for(age):
    request = SeriesRequest(KEY, T0, T0 + 30 * DAY)
    span = request.finished(T0 + age)

    assert span.start == T0
    assert T0 <= span.end <= T0 + 30 * DAY
    assert span.end + SETTLE_MS <= T0 + age or span.end == T0
    assert span.end + DAY + SETTLE_MS > T0 + age or span.end == T0 + 30 * DAY


@pytest.mark.parametrize(
    ("start", "end"), [(T0, T0), (T0 + 5, T0 + DAY - 1), (T0 + DAY, T0), (-DAY, T0)]
)
def test_a_wish_without_a_bar_is_refused(start, end):
    with pytest.raises(ValidationError, match="at least one bar"):
        SeriesRequest(KEY, start, end)
