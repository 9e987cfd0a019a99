"""Several rows a day become the day's bar: what is settled by its close, or the bars in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.feeds import CsvSource
from arena.exceptions import ValidationError
from arena.market import Provenance

FUNDING = {
    "series": {"BTC.funding": "rate"},
    "time_column": "time",
    "unit": "fraction/settlement",
    "aggregate": "sum",
    "every_s": 28_800,
}
BARS = {
    "series": {f"BTC.{name}": name for name in ("open", "high", "low", "close", "volume")},
    "time_column": "time",
    "aggregate": "ohlcv",
    "every_s": 28_800,
}
START = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def settled(write):
    """Write settlements at the given hours after the start of January 2020; rate n + 1 is 10^n."""

    def settled(*hours: float):
        stamps = [(START + timedelta(hours=hour)).isoformat() for hour in hours]
        return write("time,rate", *(f"{at},{10.0**n}" for n, at in enumerate(stamps)))

    return settled


def test_a_day_has_the_settlements_after_its_open_up_to_and_including_its_close(settled, read):
    table = read(settled(0, 8, 16, 24, 32, 40, 48), **FUNDING, end="2020-01-02")

    assert table.values[1:, 0].tolist() == [10 + 100 + 1_000, 10_000 + 100_000 + 1_000_000]
    assert table.series[0].unit == "1/day"
    assert table.series[0].provenance is Provenance.RESAMPLED


def test_what_was_made_or_estimated_does_not_become_resampled(settled, read):
    path = settled(8, 16, 24)

    table = read(path, **FUNDING, end="2020-01-01", provenance=Provenance.SYNTHETIC)

    assert table.series[0].provenance is Provenance.SYNTHETIC


def test_a_settlement_that_is_missing_makes_the_day_a_gap(settled, read, refuse):
    path = settled(8, 16, 24, 32, 48, 56, 64, 72)

    error = refuse(path, **FUNDING)
    table = read(path, **FUNDING, gaps="hold:1")

    assert "rows for 2020-01-02 to 2020-01-02 after line 4: 1 missing" in error.needed
    assert error.needed.endswith("a day has 3 rows, and some are missing")
    assert table.held == (date(2020, 1, 2),)
    assert table.values[2, 0] == table.values[1, 0] == 111


def test_a_file_that_holds_no_whole_day_is_refused(settled, refuse):
    error = refuse(settled(8, 16), **FUNDING)

    assert error.needed == "a whole day: 3 rows from open to close, 28800 s apart"


def test_milliseconds_after_the_instant_do_not_count(write, read):
    late = [(1_577_865_600 + 28_800 * n) * 1000 + 7 * n for n in range(3)]
    path = write("time,rate", *(f"{stamp},0.01" for stamp in late))

    table = read(path, **FUNDING, time_unit="ms", end="2020-01-01")

    assert table.values[1, 0] == pytest.approx(0.03)


def test_a_stamp_off_the_grid_is_refused_unless_it_may_be_that_much_off(settled, read, refuse):
    path = settled(8 - 2 / 3600, 16, 24 + 3 / 3600)

    error = refuse(path, **FUNDING, end="2020-01-01", snap_s=2)
    table = read(path, **FUNDING, end="2020-01-01", snap_s=3)

    assert error.found == "2020-01-02T00:00:03+00:00"
    assert error.needed == "a whole multiple of 28800 s after 00:00 UTC, give or take 2 s"
    assert table.values[1, 0] == 111


def test_two_rates_for_one_settlement_are_refused(write, refuse):
    path = write("time,rate", "2020-01-01T08:00:00Z,1", "2020-01-01T08:00:01Z,2")

    error = refuse(path, **FUNDING, snap_s=1)

    assert "one row a time: line 2 has that time with other values" in error.needed


def test_short_bars_become_the_bar_of_the_day_in_which_they_open(write, read):
    path = write(
        "time,open,high,low,close,volume",
        "2020-01-01T00:00:00Z,10,12,9,11,100",
        "2020-01-01T08:00:00Z,11,15,11,14,200",
        "2020-01-01T16:00:00Z,14,14,8,13,300",
        "2020-01-02T00:00:00Z,13,13,13,13,1",
    )

    table = read(path, **BARS, end="2020-01-01")

    assert table.values[1].tolist() == [10, 15, 8, 13, 600]


def test_the_last_sample_by_the_close_is_that_of_the_day(write, read):
    path = write(
        "time,apr",
        "2020-01-01T09:30:00Z,0.01",
        "2020-01-02T00:00:00Z,0.02",
        "2020-01-02T00:00:01Z,0.03",
        "2020-01-02T12:00:00Z,0.04",
    )
    source = {"series": {"aave.apr": "apr"}, "unit": "fraction", "time_column": "time"}

    table = read(path, **source, aggregate="last", end="2020-01-02")

    assert table.values[1:, 0].tolist() == [0.02, 0.04]


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    prices=st.lists(st.integers(1, 1_000), min_size=24, max_size=72),
    hours=st.sampled_from([1, 2, 4, 6, 8, 12]),
)
def test_a_bar_made_of_bars_made_of_bars_is_made_of_the_shortest(write, read, prices, hours):
    whole = len(prices) // 24 * 24
    rows = [(hour, prices[hour], prices[hour - 1] if hour else prices[0]) for hour in range(whole)]
    hourly = [(hour, was, max(was, now), min(was, now), now) for hour, now, was in rows]
    groups = [hourly[n : n + hours] for n in range(0, whole, hours)]
    longer = [
        (g[0][0], g[0][1], max(b[2] for b in g), min(b[3] for b in g), g[-1][4]) for g in groups
    ]

    def daily(bars, every):
        text = [
            f"{(START + timedelta(hours=h)).isoformat()},{','.join(map(str, bar))},1"
            for h, *bar in bars
        ]
        path = write("time,open,high,low,close,volume", *text)
        end = str(date(2020, 1, 1) + timedelta(days=whole // 24 - 1))
        return read(path, **BARS | {"every_s": every * 3600}, end=end).values[1:, :4]

    assert np.array_equal(daily(hourly, 1), daily(longer, hours))


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"aggregate": "mean"}, "aggregate"),
        ({"every_s": None}, "every_s"),
        ({"every_s": 7_000}, "every_s"),
        ({"every_s": 86_400}, "every_s"),
        ({"aggregate": "last"}, "every_s"),
        ({"aggregate": None, "unit": "fraction/day"}, "every_s"),
        ({"snap_s": -1}, "snap_s"),
        ({"snap_s": 14_400}, "snap_s"),
        ({"unit": "fraction"}, "unit of BTC.funding"),
        ({"unit": "fraction/day"}, "unit of BTC.funding"),
        ({"unit": None}, "unit of BTC.funding"),
        ({"series": {"BTC.close": "close"}}, "aggregate"),
        ({"aggregate": "ohlcv", "series": {"x": "x"}}, "aggregate"),
    ],
)
def test_a_way_to_aggregate_that_has_no_meaning_is_refused(arguments, field):
    with pytest.raises(ValidationError) as caught:
        CsvSource(**{"path": "x.csv", "time_zone": "UTC"} | FUNDING | arguments)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("target", "written", "needed"),
    [
        ("BTC.iv", ("percent", "65.5"), (0.655, "ratio")),
        ("BTC.iv", ("ratio", "0.655"), (0.655, "ratio")),
        ("BTC.venue_spread", ("bps", "-15"), (-0.0015, "ratio")),
        ("ETH.staking_apr", ("percent", "3.5"), (0.035, "1/year")),
        ("BTC.funding", ("fraction/day", "-0.001"), (-0.001, "1/day")),
        ("ETH-USDC.tvl", ("USD", "1000"), (1_000, "USD")),
        ("BTC-PERP.open", (None, "1000"), (1_000, "USD")),
    ],
)
def test_base_series_come_in_the_unit_that_the_market_needs(write, read, target, written, needed):
    unit, text = written
    path = write("date,x", f"2020-01-01,{text}")

    table = read(path, series={target: "x"}, unit=unit, end="2020-01-01")

    assert (table.values[1, 0], table.series[0].unit) == needed


def test_a_volume_in_coins_is_worth_its_close_and_an_estimate(bars, read):
    table = read(bars(), units={"BTC.volume": "base/day"})

    assert table.values[1:, 4].tolist() == [1000 * 11, 2000 * 12, 3000 * 13]
    assert [series.provenance for series in table.series][3:] == [
        Provenance.REAL,
        Provenance.ESTIMATED,
    ]


def test_a_volume_in_coins_needs_the_close_beside_it():
    source = {"path": "x.csv", "time_column": "t", "time_zone": "UTC"}

    with pytest.raises(ValidationError, match=r"BTC\.close in series to multiply by"):
        CsvSource(**source, series={"BTC.volume": "v"}, units={"BTC.volume": "base/day"})


def test_a_file_that_begins_before_the_market_did_is_refused(write, read, refuse):
    path = write("date,x", "2019-12-30,1", "2019-12-31,1", "2020-01-01,1")
    days = {"series": {"x": "x"}, "end": "2020-01-01"}

    error = refuse(path, **days, not_before=date(2019, 12, 31))

    assert (error.line, error.found) == (2, "2019-12-30")
    assert error.needed.startswith("2019-12-31 or later: there was nothing to quote before")
    assert read(path, **days, not_before=date(2019, 12, 30)).values[1, 0] == 1


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rates=st.lists(st.integers(-50, 50), min_size=24, max_size=24),
    lost=st.sets(st.integers(0, 23), max_size=4),
    last=st.integers(2, 7),
)
def test_what_is_settled_after_the_close_changes_no_bar_before(write, read, rates, lost, last):
    def days(settlements, end):
        lines = [
            f"{(START + timedelta(hours=8 * n)).isoformat()},{rates[n - 1]}"
            for n in range(1, settlements + 1)
            if n - 1 not in lost
        ]
        path = write("time,rate", *lines)
        return read(path, **FUNDING, gaps="halt", end=f"2020-01-{end:02}").values[1 : last + 1]

    if {0, 1, 2} & lost or {3, 4, 5} & lost:
        return
    assert np.array_equal(days(3 * last, last), days(24, 8), equal_nan=True)
