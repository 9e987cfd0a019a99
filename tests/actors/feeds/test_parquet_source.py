"""A Parquet file is read as the CSV file with the same content, and damage to it is named."""

from __future__ import annotations

import builtins
import sys
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.feeds import DataError
from actors.feeds.store import Frame, SeriesKey, SeriesKind, Span, Store
from actors.feeds.stored import key_text, series_key, stored, with_provenance
from arena.exceptions import ValidationError
from arena.market import Provenance

DAY_MS = 86_400_000
FIRST_MS = 1_577_836_800_000
"""2020-01-01."""


@pytest.fixture
def parquet(tmp_path):
    """Write columns to `prices.parquet` and return its path."""

    def parquet(**columns):
        path = tmp_path / "prices.parquet"
        pq.write_table(pa.table(columns), path)
        return path

    return parquet


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3))
def test_it_is_read_as_the_csv_file_with_the_same_content(write, parquet, read, numbers):
    days = [date(2020, 1, day) for day in (1, 2, 3)]
    text = write("date,x", *(f"{day},{x!r}" for day, x in zip(days, numbers, strict=True)))
    source = {"series": {"x": "x"}}

    table = read(parquet(date=days, x=numbers), **source)

    assert np.array_equal(table.values[1:], read(text, **source).values[1:])


@pytest.mark.parametrize(
    ("stamps", "arguments"),
    [
        ([date(2020, 1, 1), date(2020, 1, 2)], {}),
        ([datetime(2020, 1, 1), datetime(2020, 1, 2)], {}),  # noqa: DTZ001 - what is tested
        ([datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC)], {}),
        ([FIRST_MS, FIRST_MS + DAY_MS], {"time_unit": "ms"}),
        (["2020-01-01", "2020-01-02T00:00:00Z"], {}),
        (
            [
                datetime(2020, 1, 1, 3, tzinfo=timezone(timedelta(hours=3))),
                datetime(2020, 1, 2, 3, tzinfo=timezone(timedelta(hours=3))),
            ],
            {},
        ),
        (
            [datetime(2020, 1, 1, 3), datetime(2020, 1, 2, 3)],  # noqa: DTZ001 - what is tested
            {"time_zone": "Europe/Moscow"},
        ),
    ],
)
def test_a_stamp_of_any_type_means_what_it_says(parquet, read, stamps, arguments):
    path = parquet(date=stamps, close=[1.0, 2.0])

    table = read(path, series={"BTC.close": "close"}, end="2020-01-02", **arguments)

    assert table.values[1:, 0].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("cell", [None, float("nan"), float("inf")])
def test_a_cell_without_a_number_is_refused_with_its_row(parquet, refuse, cell):
    path = parquet(date=["2020-01-01", "2020-01-02"], x=pa.array([1.0, cell]), y=[1.0, 2.0])

    error = refuse(path, series={"x": "x", "y": "y"}, end="2020-01-02")

    assert (error.file, error.line, error.column) == (str(path), 3, "x")


def test_a_column_that_is_not_there_is_named_with_those_that_are(parquet, refuse):
    error = refuse(parquet(date=["2020-01-01"], clsoe=[1.0]), series={"BTC.close": "close"})

    assert error.found == ["date", "clsoe"]
    assert "did you mean 'clsoe'" in error.needed


def test_what_is_no_parquet_file_is_refused(write, refuse):
    error = refuse(write("date,x", "2020-01-01,1", name="x.parquet"), series={"x": "x"})

    assert error.needed == "an intact Parquet file"


def test_a_file_that_is_not_there_is_named(tmp_path, refuse):
    assert refuse(tmp_path / "none.parquet", series={"x": "x"}).found == "no file there"


def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch, parquet, refuse):
    path = parquet(date=["2020-01-01"], x=[1.0])
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow")
        return real(name, *args, **kwargs)

    for name in [each for each in sys.modules if each.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("actors.feeds.parquet_rows", "actors.feeds.store", "actors.feeds.store.parquet"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(builtins, "__import__", without)

    error = refuse(path, series={"x": "x"})

    assert error.needed == "pip install 'treasury-arena[data]'"


# Series of the store

KEY = SeriesKey("binance", "BTC/USDT", SeriesKind.OHLCV, "1d")
TEXT = "binance/BTC/USDT/ohlcv/1d"
MAPPED = {"series": {"BTC.open": "open", "BTC.close": "close"}}


@pytest.fixture
def store(tmp_path):
    """A store with three days of one series."""
    store = Store(tmp_path / "data")
    times = FIRST_MS + DAY_MS * np.arange(3)
    span = Span(FIRST_MS, FIRST_MS + 3 * DAY_MS)
    values = np.array([[10.0, 11.0], [11.0, 12.0], [12.0, 0.1 + 0.2]])
    frame = Frame(times, values, ("open", "close"), "USDT", Provenance.SYNTHETIC, (span,))
    store.merge(KEY, frame)
    return store


@given(
    key=st.builds(
        SeriesKey,
        st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True),
        st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20),
        st.sampled_from(SeriesKind),
        st.from_regex(r"[1-9][0-9]?[mhd]", fullmatch=True),
    )
)
def test_the_name_of_a_series_is_read_as_it_is_written(key):
    assert series_key(key_text(key)) == key


@pytest.mark.parametrize("text", ["", "binance", "binance/ohlcv/1d", "binance/BTC/bars/1d"])
def test_a_name_that_no_series_has_is_refused(text):
    with pytest.raises(ValidationError, match="source/symbol/kind/timeframe"):
        series_key(text)


def test_a_stored_series_knows_its_file_its_stamps_and_its_provenance(store, read):
    source = with_provenance(stored(store.root, TEXT, MAPPED))

    table = read(
        source.path,
        **MAPPED,
        time_column=source.time_column,
        time_unit=source.time_unit,
        origin=source.origin,
        provenance=source.provenance,
    )

    assert table.values[1:].tolist() == [[10.0, 11.0], [11.0, 12.0], [12.0, 0.1 + 0.2]]
    assert {series.provenance for series in table.series} == {Provenance.SYNTHETIC}
    assert {series.origin for series in table.series} == {"binance BTC%2FUSDT ohlcv 1d"}


def test_a_stored_series_that_was_changed_outside_the_store_is_refused(store, refuse):
    path = store.path(KEY)
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, "open", pa.array([10.0, 11.5, 12.0])), path)

    error = refuse(path, **MAPPED, time_column="time", time_unit="ms")

    assert "rows with the hash" in str(error.found)


def test_a_series_that_is_not_stored_says_where_to_look(store):
    with pytest.raises(DataError, match="arena list-data"):
        with_provenance(stored(store.root, "binance/ETH/USDT/ohlcv/1d", MAPPED))
