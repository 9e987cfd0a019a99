"""Nobody is asked faster than its rate, nor longer than our patience lasts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.clients import Patience, ProviderError
from actors.feeds.clients.answers import answered_at, judge, reason, retry_after_s
from actors.feeds.clients.errors import TransientError
from actors.feeds.clients.pace import Bucket, Pace
from actors.runtime.clock import ManualClock

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Sleeper:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)


@given(
    costs=st.lists(st.floats(0.01, 5), min_size=1, max_size=50),
    rate=st.floats(0.05, 50),
    burst=st.floats(1, 10),
)
def test_no_more_is_taken_than_the_rate_and_the_burst_allow(costs, rate, burst):
    sleeper = Sleeper()
    bucket = Bucket(rate, burst, sleeper.clock, sleeper.sleep)

    async def take_all() -> None:
        for cost in costs:
            await bucket.take(cost)

    asyncio.run(take_all())

    taken, elapsed = sum(costs), sleeper.clock.monotonic_s()
    assert taken <= burst + elapsed * rate + 1e-6
    assert elapsed <= max(0.0, taken - burst) / rate + 1e-6


def test_takers_that_come_together_wait_one_after_another():
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def take_four() -> None:
        bucket = Bucket(2.0, 1.0, ManualClock(NOW), sleep)
        await asyncio.gather(*(bucket.take() for _ in range(4)))

    asyncio.run(take_four())

    assert slept == [0.5, 1.0, 1.5]


def test_a_full_bucket_does_not_grow():
    sleeper = Sleeper()
    bucket = Bucket(1.0, 2.0, sleeper.clock, sleeper.sleep)
    sleeper.clock.advance(1000)

    async def take_three() -> None:
        for _ in range(3):
            await bucket.take()

    asyncio.run(take_three())

    assert sleeper.slept == [1.0]


def persist(errors: list[Exception], **patience: float) -> tuple[Sleeper, int, object]:
    """Return the sleeper, the number of attempts, and the value or the error at the end."""
    sleeper, attempts = Sleeper(), 0
    pace = Pace(
        "somebody",
        rate_per_s=1.0,
        burst=1.0,
        clock=sleeper.clock,
        sleep=sleeper.sleep,
        patience=Patience(**{"jitter_s": 0.0} | patience),  # type: ignore[arg-type]
    )

    async def call() -> str:
        nonlocal attempts
        attempts += 1
        if errors:
            raise errors.pop(0)
        return "an answer"

    try:
        end: object = asyncio.run(pace.persist("a place", call))
    except Exception as error:  # noqa: BLE001 - it is what the test looks at
        end = error
    return sleeper, attempts, end


def test_pauses_double_up_to_the_longest():
    sleeper, attempts, end = persist([TransientError("busy") for _ in range(5)], pause_max_s=5.0)

    assert (attempts, end) == (6, "an answer")
    assert sleeper.slept == [1.0, 2.0, 4.0, 5.0, 5.0]


@given(st.floats(0.1, 3))
def test_jitter_only_adds_and_only_so_much(jitter):
    sleeper, _, _ = persist([TransientError("busy") for _ in range(3)], jitter_s=jitter)

    for pause, base in zip(sleeper.slept, [1.0, 2.0, 4.0], strict=True):
        assert base <= pause <= base + jitter


def test_the_end_of_patience_is_a_typed_error_with_what_was_found():
    _, attempts, end = persist(
        [TransientError("status 503: down", status=503) for _ in range(9)], attempts=3
    )

    assert isinstance(end, ProviderError)
    assert (attempts, end.provider, end.status) == (3, "somebody", 503)
    assert str(end) == (
        "somebody: a place: found 'status 503: down (attempt 3)', "
        "needed an answer within 300 s; try again later"
    )


def test_no_attempt_begins_after_the_deadline():
    sleeper, attempts, end = persist(
        [TransientError("busy", retry_after_s=40.0) for _ in range(9)], total_s=100.0
    )

    assert isinstance(end, ProviderError)
    assert (attempts, sum(sleeper.slept)) == (3, 80.0)


@pytest.mark.parametrize(
    "error", [ValueError("ours"), ProviderError("x", "y", found="", needed="")]
)
def test_what_does_not_pass_is_not_asked_again(error):
    _, attempts, end = persist([error])

    assert (attempts, end) == (1, error)


# What an answer means


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_transient(status):
    with pytest.raises(TransientError, match=f"status {status}: busy"):
        judge("x", "y", status, {}, '{"error": "busy"}', NOW)


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 404, 410, 418, 422, 451])
def test_what_was_refused_is_not(status):
    with pytest.raises(ProviderError, match=f"status {status}: no") as caught:
        judge("x", "y", status, {}, "no", NOW)

    assert caught.value.status == status


@pytest.mark.parametrize("body", ["", "[1, 2", '{"a":', "<html></html>", "error code: 1015"])
def test_a_body_that_is_no_whole_json_is_transient(body):
    with pytest.raises(TransientError, match="no whole JSON"):
        judge("x", "y", 200, {}, body, NOW)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": "a"}', "a"),
        ('{"status": 500, "error": "b"}', "b"),
        ('{"status": {"error_code": 429, "error_message": "c"}}', "c"),
        ('{"error": {"status": {"error_code": 10012, "error_message": "d"}}}', "d"),
        ('{"error": ["EGeneral:e", "f"]}', "EGeneral:e, f"),
        ('{"code": -1121, "msg": "g"}', "g"),
        ('{"retCode": 1, "retMsg": "h"}', "h"),
        ('{"something": "else"}', '{"something": "else"}'),
        ("plain\n text", "plain text"),
        ("7", "7"),
        ("", ""),
    ],
)
def test_error_bodies_of_every_shape_are_understood_or_quoted(body, said):
    assert reason(body) == said


@given(st.text())
def test_whatever_a_body_is_a_short_line_of_it_is_quoted(body):
    found = reason(body)

    assert len(found) <= 203
    assert "\n" not in found


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("119", 119.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("1.5", 1.5),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after_s({"Retry-After": value}, NOW) == seconds
    assert retry_after_s({}, NOW) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Date": "Thu, 01 Jan 2026 00:01:00 GMT"}, 60.0),
        ({"date": "Thu, 01 Jan 2026 00:01:00 GMT", "AGE": "30"}, 90.0),
        ({"Date": "Thu, 01 Jan 2026 00:01:00 GMT", "Age": "-9"}, 60.0),
        ({"Date": "Thu, 01 Jan 2026 00:01:00 GMT", "Age": "1e99"}, 86_460.0),
        ({"Date": "now"}, None),
        ({}, None),
    ],
)
def test_a_server_tells_its_time_with_a_date_and_an_age(headers, seconds):
    found = answered_at(headers)

    assert (found and (found - NOW).total_seconds()) == seconds
