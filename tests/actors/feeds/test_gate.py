"""The gate finds what was planted in a good series, and nothing in a series that is good."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.feeds import CsvSource, DataError
from actors.feeds.gate import Gate, autocorrelation
from actors.feeds.samples import read_samples

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAYS = 300
BAR = {f"BTC.{name}": name for name in ("open", "high", "low", "close")}
GATE = Gate()


def walk(seed: int, scale: float = 0.03, days: int = DAYS) -> np.ndarray:
    """Return closes of a random walk, one more than there are days."""
    steps = np.random.default_rng(seed).normal(0, scale, days)
    return 1_000 * np.exp(np.concatenate(([0.0], np.cumsum(steps))))


@pytest.fixture
def bars(write):
    """Write a walk as bars of `hours` and read it; `closes` can differ from the next opens."""

    def bars(prices, *, closes=None, hours=24, name="prices.csv", shift_h=0):
        start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=shift_h)
        closes = prices[1:] if closes is None else closes
        rows = [
            f"{(start + timedelta(hours=hours * n)).isoformat()},"
            f"{o:.6f},{max(o, c):.6f},{min(o, c):.6f},{c:.6f}"
            for n, (o, c) in enumerate(zip(prices[:-1], closes, strict=True))
        ]
        path = write("date,open,high,low,close", *rows, name=name)
        source = CsvSource(path=path, series=BAR, time_column="date", time_zone="UTC")
        return read_samples(source, not_after=NOW)

    return bars


@pytest.fixture
def rates(write):
    """Write numbers as a lending rate, one a day, and read it."""

    def rates(values):
        days = (date(2020, 1, 1) + timedelta(days=n) for n in range(len(values)))
        rows = [f"{day},{x:.8f}" for day, x in zip(days, values, strict=True)]
        path = write("date,apr", *rows, name="rates.csv")
        source = CsvSource(
            path=path,
            series={"aave.apr": "apr"},
            time_column="date",
            time_zone="UTC",
            unit="fraction",
        )
        return read_samples(source, not_after=NOW)

    return rates


SLOW = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SLOW
@given(seed=st.integers(0, 10**6))
def test_a_random_walk_and_its_copy_pass(bars, seed):
    samples, second = bars(walk(seed)), bars(walk(seed), name="second.csv")

    assert [*GATE.check(samples), *GATE.compare(samples, second)] == []


@SLOW
@given(seed=st.integers(0, 10**6), at=st.integers(1, DAYS - 1))
def test_a_price_that_is_off_by_ten_is_a_jump_there_and_back(bars, seed, at):
    prices = walk(seed)
    prices[at] *= 10

    found = [p for p in GATE.check(bars(prices)) if p.column == "open"]

    assert [p.line for p in found] == [at + 2, at + 3][: DAYS - at]
    assert found[0].needed.startswith("within a factor of 2 of the ")


@SLOW
@given(seed=st.integers(0, 10**6), at=st.integers(1, DAYS - 9))
def test_a_run_that_stands_still_is_found_once(bars, seed, at):
    prices = walk(seed)
    prices[at : at + 8] = prices[at]

    (found,) = [p for p in GATE.check(bars(prices)) if "rows in succession" in p.needed]

    # Bars from `at` on are flat, the first that repeats is the next, and the fourth is too many.
    assert found.line == at + 1 + 4 + 1


@SLOW
@given(seed=st.integers(0, 10**6))
def test_noise_around_a_slow_mean_is_no_rate(rates, seed):
    rng = np.random.default_rng(seed)
    mean = 0.04 + 0.01 * np.sin(np.arange(2_500) / 100)
    steps = rng.normal(0, 0.002, 2_500)

    drawn = [*GATE.check(rates(np.abs(mean + steps)))]
    walked = [*GATE.check(rates(0.04 + np.abs(np.cumsum(steps))))]

    assert [p.column for p in drawn] == ["apr"]
    assert "-0.5 is noise" in drawn[0].needed
    assert walked == []


@SLOW
@given(seed=st.integers(0, 10**6), lag=st.integers(-5, 5).filter(bool))
def test_a_series_that_is_shifted_by_some_bars_is_found_with_its_shift(bars, seed, lag):
    prices = walk(seed, days=DAYS + 10)
    samples = bars(prices[5 + lag : 5 + lag + DAYS])
    second = bars(prices[5 : 5 + DAYS], name="second.csv")

    found = [*GATE.compare(samples, second)]

    assert {p.column for p in found} == {"open", "high", "low", "close"}
    assert all(f"when it is moved by {lag * 86_400} s" in str(p.found) for p in found)


def test_bars_of_eight_hours_are_compared_with_hourly_ones_by_their_opens(bars):
    hourly = walk(3, scale=0.005, days=24 * 40)
    second = bars(hourly, hours=1, name="hourly.csv")

    right = bars(hourly[::8], hours=8)
    early = bars(hourly[4::8], hours=8, shift_h=8)

    assert [*GATE.compare(right, second)] == []
    (found,) = GATE.compare(early, second)
    assert found.column == "open"
    assert "moved by -14400 s" in str(found.found)


def test_a_price_that_a_second_source_does_not_have_is_found_on_its_day(bars):
    prices, other = walk(5), walk(5)
    prices[100] *= 1.08

    found = [*GATE.compare(bars(prices), bars(other, name="second.csv"))]

    assert {(p.line, p.column) for p in found} >= {(101, "close"), (102, "open")}
    assert {p.line for p in found} == {101, 102}


def test_two_sources_that_are_a_little_apart_everywhere_agree_and_more_is_another_asset(bars):
    samples = bars(walk(5))

    assert [*GATE.compare(samples, bars(walk(5) * 1.04, name="second.csv"))] == []
    found = [*GATE.compare(samples, bars(walk(5) * 1.25, name="second.csv"))]
    assert len(found) == 4
    assert "-20.0% of " in str(found[0].found)


def test_sources_that_hardly_meet_cannot_be_compared(bars):
    (found,) = GATE.compare(bars(walk(5)), bars(walk(6, days=5), name="second.csv"))

    assert found.found == "2020-01-01 00:00: 5 rows in common"


def test_closes_taken_in_the_middle_of_the_day_are_found_where_they_begin(bars):
    prices = walk(7)
    middles = prices[1:] * np.exp(np.random.default_rng(1).normal(0, 0.02, DAYS))
    closes = np.where(np.arange(DAYS) < 200, prices[1:], middles)

    (found,) = GATE.check(bars(prices, closes=closes))

    assert 195 <= found.line - 2 <= 205
    assert "snapshots of the day" in found.needed


def test_a_row_between_two_others_is_found(write):
    days = [f"2020-01-0{day}" for day in range(1, 8)]
    path = write(
        "date,x",
        *(f"{day},1" for day in days[:4]),
        "2020-01-04T12:00:00Z,2",
        *(f"{day},1" for day in days[4:]),
    )
    source = CsvSource(path=path, series={"x": "x"}, time_column="date", time_zone="UTC")

    found = [*GATE.check(read_samples(source, not_after=NOW))]

    assert [p.line for p in found] == [6, 7]
    assert found[0].found == "2020-01-04 12:00: a row 43200 s after the one before"


@pytest.mark.parametrize(
    ("rows", "needed"),
    [
        (["2020-01-02,1,1,1,1", "2020-01-01,1,1,1,1"], "oldest row first"),
        (["2020-01-01,1,1,1,1", "2020-01-01,2,2,2,2"], "one row a time"),
        (["2020-01-01,1,1,2,1"], "a high that is not below the low"),
    ],
)
def test_what_reading_refuses_does_not_reach_the_gate(write, rows, needed):
    path = write("date,open,high,low,close", *rows)
    source = CsvSource(path=path, series=BAR, time_column="date", time_zone="UTC")

    with pytest.raises(DataError, match=needed):
        read_samples(source, not_after=NOW)


def test_what_a_source_does_about_frozen_prices_hides_nothing_from_the_gate(write):
    rows = [f"{date(2020, 1, 1) + timedelta(n)},{5 if 20 <= n < 40 else 4}" for n in range(60)]
    path = write("date,close", *rows)
    source = CsvSource(
        path=path,
        series={"BTC.close": "close"},
        time_column="date",
        time_zone="UTC",
        frozen_rows=2,
        frozen="halt",
    )

    found = [*GATE.check(read_samples(source, not_after=NOW))]

    assert [problem.line for problem in found] == [2 + 4, 2 + 20 + 4, 2 + 40 + 4]


def test_what_hardly_has_rows_is_not_judged_as_a_whole(rates):
    assert [*GATE.check(rates([0.01, 0.05] * 20))] == []
    assert [*GATE.check(rates([0.01]))] == []


def test_autocorrelation_of_alternating_numbers_is_minus_one_and_of_equal_ones_nothing():
    assert autocorrelation(np.array([1.0, -1.0] * 500)) == pytest.approx(-0.999)
    assert autocorrelation(np.ones(10)) == 0.0
    assert autocorrelation(np.empty(0)) == 0.0
