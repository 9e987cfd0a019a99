"""A source that cannot mean anything is refused before its file is opened."""

from __future__ import annotations

import pytest

from actors.feeds import CsvSource
from arena.exceptions import ValidationError
from arena.market import Provenance

GOOD = {"path": "x.csv", "series": {"x": "x"}, "time_column": "date", "time_zone": "UTC"}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"series": {}}, "series"),
        ({"time_zone": "London"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_unit": "min"}, "time_unit"),
        ({"lag_bars": -1}, "lag_bars"),
        ({"frozen_rows": -1}, "frozen_rows"),
        ({"gaps": "fill"}, "gaps"),
        ({"gaps": "hold:0"}, "gaps"),
        ({"gaps": "hold:999"}, "gaps"),
        ({"unit": "%"}, "unit of x"),
        ({"units": {"y": "ratio"}}, "units"),
        ({"series": {"aave.apr": "apr"}}, "unit of aave.apr"),
        ({"series": {"aave.apr": "apr"}, "unit": "USD"}, "unit of aave.apr"),
        (
            {"series": {"BTC.close": "close"}, "units": {"BTC.close": "percent"}},
            "unit of BTC.close",
        ),
        ({"series": {"BTC.close": "close"}, "lag_bars": 1}, "lag_bars"),
        ({"series": {"BTC.open": "open"}, "gaps": "hold:1"}, "gaps"),
    ],
)
def test_a_source_says_which_of_its_fields_has_no_meaning(arguments, field):
    with pytest.raises(ValidationError) as caught:
        CsvSource(**GOOD | arguments)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("unit", "text", "needed"),
    [("fraction", "0.0375", 0.0375), ("percent", "3.75", 0.0375), ("bps", "375", 0.0375)],
)
def test_rates_become_fractions_a_year(write, read, unit, text, needed):
    path = write("date,apr", f"2020-01-01,{text}")

    table = read(path, series={"aave.apr": "apr"}, unit=unit, end="2020-01-01")

    assert table.values[1, 0] == needed
    assert table.series[0].unit == "1/year"


def test_a_negative_rate_is_refused(write, refuse):
    path = write("date,apr", "2020-01-01,-0.01")

    error = refuse(path, series={"aave.apr": "apr"}, unit="fraction", end="2020-01-01")

    assert (error.found, error.needed) == ("-0.01", "0 or more")


def test_a_unit_for_one_column_wins_over_the_unit_of_the_source():
    source = CsvSource(
        **GOOD
        | {
            "series": {"aave.apr": "apr", "aave.index": "index", "tvl": "tvl", "BTC.close": "c"},
            "unit": "percent",
            "units": {"tvl": "USD"},
        }
    )

    assert [source.unit_of(target) for target in source.series] == [
        "percent",
        "index",
        "USD",
        "USD",
    ]


def test_a_series_knows_its_unit_its_provenance_and_its_file(bars, read):
    path = bars()

    table = read(path, provenance=Provenance.RESAMPLED)

    assert [series.unit for series in table.series] == ["USD"] * 4 + ["USD/day"]
    assert {series.provenance for series in table.series} == {Provenance.RESAMPLED}
    assert {series.origin for series in table.series} == {str(path)}
