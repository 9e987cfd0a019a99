"""What was stored comes back as it was, is never asked for again, and never changes in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.feeds import DataError
from actors.feeds.store import Frame, SeriesKey, SeriesKind, Span, Store, step_ms
from arena.exceptions import ValidationError
from arena.market import Provenance

DAY = 86_400_000
T0 = 18_000 * DAY
KEY = SeriesKey("binance", "BTC/USDT", SeriesKind.OHLCV, "1d")


def frame(first: int, last: int, *, price: float = 100.0, without: tuple[int, ...] = ()) -> Frame:
    """Return daily rows from day `first` up to but not including `last`."""
    days = np.array([day for day in range(first, last) if day not in without], dtype=np.int64)
    return Frame(
        times=T0 + days * DAY,
        values=np.column_stack([price + days, price + days + 1.0]).reshape(-1, 2),
        columns=("open", "close"),
        unit="USDT",
        provenance=Provenance.REAL,
        spans=(Span(T0 + first * DAY, T0 + last * DAY),),
    )


def day(number: int) -> int:
    return T0 + number * DAY


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_what_was_merged_is_read_back_bit_by_bit(store):
    written = frame(0, 5)

    store.merge(KEY, written)
    found = Store(store.root).read(KEY)

    assert found.times.tolist() == written.times.tolist()
    assert found.values.tobytes() == written.values.tobytes()
    assert (found.columns, found.unit, found.provenance) == (("open", "close"), "USDT", "real")
    assert found.spans == written.spans
    assert found.sha256 == written.sha256


def test_a_number_that_the_source_does_not_have_stays_unknown(store):
    written = frame(0, 2)
    holed = Frame(written.times, np.array([[1.0, np.nan], [2.0, 3.0]]), *_rest(written))

    store.merge(KEY, holed)
    store.merge(KEY, holed)

    assert np.isnan(store.read(KEY).column("close")).tolist() == [True, False]


def _rest(of: Frame) -> tuple[object, ...]:
    return of.columns, of.unit, of.provenance, of.spans


def test_everything_is_missing_before_anything_was_stored(store):
    assert store.missing(KEY, day(0), day(9)) == (Span(day(0), day(9)),)


def test_only_what_no_source_has_answered_is_missing(store):
    store.merge(KEY, frame(2, 4))
    store.merge(KEY, frame(6, 8, without=(7,)))

    assert store.missing(KEY, day(0), day(10)) == (
        Span(day(0), day(2)),
        Span(day(4), day(6)),
        Span(day(8), day(10)),
    )
    assert store.missing(KEY, day(6), day(8)) == ()


def test_a_wish_is_rounded_to_whole_bars(store):
    store.merge(KEY, frame(0, 3))

    assert store.missing(KEY, day(0) + 1, day(3) + DAY - 1) == ()


@given(pieces=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_pieces_in_any_order_make_the_same_series(tmp_path_factory, pieces):
    one, other = (Store(tmp_path_factory.mktemp("store")) for _ in range(2))
    for start, days in pieces:
        one.merge(KEY, frame(start, start + days))
    for start, days in reversed(pieces):
        other.merge(KEY, frame(start, start + days))

    covered = {d for start, days in pieces for d in range(start, start + days)}
    found = one.read(KEY)
    assert found.sha256 == other.read(KEY).sha256
    assert found.times.tolist() == [day(d) for d in sorted(covered)]
    assert found.spans == other.read(KEY).spans
    left = one.missing(KEY, day(0), day(40))
    assert {d for s in left for d in range((s.start - T0) // DAY, (s.end - T0) // DAY)} == {
        *range(40)
    } - covered


def test_another_value_for_the_same_stamp_is_refused_and_changes_nothing(store):
    store.merge(KEY, frame(0, 3))
    before = store.path(KEY).read_bytes()

    with pytest.raises(DataError, match="2019-04-15") as caught:
        store.merge(KEY, frame(1, 5, price=200.0))

    assert caught.value.column == "open"
    assert caught.value.file == str(store.path(KEY))
    assert "101.0, as stored (2 rows differ)" in caught.value.needed
    assert store.path(KEY).read_bytes() == before


def test_who_says_so_may_overwrite(store):
    store.merge(KEY, frame(0, 3))

    found = store.merge(KEY, frame(1, 3, price=200.0), overwrite=True)

    assert found.column("open").tolist() == [100.0, 201.0, 202.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("columns", ("open", "last")), ("unit", "USD"), ("provenance", Provenance.SYNTHETIC)],
)
def test_a_series_does_not_change_its_meaning(store, name, value):
    store.merge(KEY, frame(0, 3))
    other = frame(3, 5)
    parts = {part: getattr(other, part) for part in ("columns", "unit", "provenance", "spans")}

    with pytest.raises(DataError, match=f", {name}: found"):
        store.merge(KEY, Frame(other.times, other.values, **parts | {name: value}))


def test_the_same_again_does_not_touch_the_file(store):
    store.merge(KEY, frame(0, 3))
    before = store.path(KEY).stat()

    store.merge(KEY, frame(1, 3))

    assert store.path(KEY).stat().st_ino == before.st_ino


def test_a_bar_that_is_not_finished_cannot_be_stored():
    whole = frame(0, 3)

    with pytest.raises(ValidationError, match="needed rows inside"):
        Frame(whole.times, whole.values, *_rest(whole)[:-1], (Span(day(0), day(2)),))


@pytest.mark.parametrize(
    ("times", "values", "found"),
    [
        ([day(1), day(0)], [[1.0], [1.0]], "times out of order"),
        ([day(0), day(0)], [[1.0], [1.0]], "times out of order"),
        ([day(0)], [[float("inf")]], "an infinite value"),
        ([day(0)], [[1.0, 2.0]], r"\(1, 2\)"),
    ],
)
def test_rows_that_make_no_sense_are_refused(times, values, found):
    spans = (Span(day(0), day(2)),)

    with pytest.raises(ValidationError, match=found):
        Frame(
            np.array(times, dtype=np.int64),
            np.array(values),
            ("price",),
            "USD",
            Provenance.REAL,
            spans,
        )


def test_a_gap_is_a_bar_that_was_asked_for_after_the_first_one():
    found = frame(0, 9, without=(0, 1, 4, 5, 8)).gaps(DAY)

    assert found == (Span(day(4), day(6)), Span(day(8), day(9)))


def test_a_piece_has_the_rows_and_the_spans_of_its_time():
    piece = frame(0, 9).between(day(2), day(4))

    assert piece.times.tolist() == [day(2), day(3)]
    assert piece.spans == (Span(day(2), day(4)),)


def test_the_hash_is_that_of_the_numbers_and_not_of_the_file(store):
    store.merge(KEY, frame(0, 2))
    store.merge(KEY, frame(2, 5))

    assert store.read(KEY).sha256 == frame(0, 5).sha256
    assert frame(0, 5).sha256 == (
        "36d49f26a074e22bd8d179c559bf6d683a49c6ea3c717d49a6725d91ffd6c6ed"
    )
    assert frame(0, 5).sha256 != frame(0, 5, price=100.5).sha256


def test_minus_zero_and_odd_nans_have_one_hash():
    odd = np.array([0x7FF8000000000001, 0x8000000000000000], dtype=np.uint64).view(np.float64)
    plain = np.array([np.nan, 0.0])
    rest = (("price",), "USD", Provenance.REAL, (Span(0, 2),))
    times = np.arange(2, dtype=np.int64)

    one = Frame(times, odd.reshape(-1, 1), *rest)
    assert one.sha256 == Frame(times, plain.reshape(-1, 1), *rest).sha256


def test_everything_that_is_stored_is_listed_in_order(store):
    funding = SeriesKey("binance", "BTC/USDT:USDT", SeriesKind.FUNDING, "8h")
    price = SeriesKey("coingecko", "bitcoin", SeriesKind.PRICE, "1d")
    for key in (price, KEY, funding):
        store.merge(key, frame(0, 3))

    entries = store.list()

    assert [entry.header.key for entry in entries] == [KEY, funding, price]
    assert {entry.header.rows for entry in entries} == {3}
    assert {entry.header.sha256 for entry in entries} == {frame(0, 3).sha256}
    assert entries[1].path == store.root / "binance/BTC%2FUSDT%3AUSDT/funding-8h.parquet"


def test_an_empty_store_lists_nothing(store):
    assert store.list() == ()


def test_a_series_that_is_not_there_is_named_with_what_to_do(store):
    with pytest.raises(DataError, match="binance BTC/USDT ohlcv 1d: download or import it first"):
        store.read(KEY)


@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
@example(at=3684, bit=0)  # A digit became an `E`: infinity.
@settings(max_examples=60, deadline=None)
def test_a_flipped_bit_is_found_or_changes_nothing(tmp_path_factory, at, bit):
    store = Store(tmp_path_factory.mktemp("store"))
    store.merge(KEY, frame(0, 20))
    path = store.path(KEY)
    raw = bytearray(path.read_bytes())
    raw[at % len(raw)] ^= 1 << bit
    path.write_bytes(bytes(raw))

    try:
        found, said = store.read(KEY).sha256, ""
    except DataError as error:
        found, said = "", str(error)

    assert said or found == frame(0, 20).sha256
    assert not said or (str(path) in said and "delete the file" in said)


@pytest.mark.parametrize("size", [0, 3, 100, -1])
def test_a_cut_file_is_named_by_whoever_touches_it(store, size):
    store.merge(KEY, frame(0, 3))
    path = store.path(KEY)
    path.write_bytes(path.read_bytes()[:size])

    for use in (
        lambda: store.read(KEY),
        lambda: store.missing(KEY, day(0), day(5)),
        lambda: store.merge(KEY, frame(3, 5)),
        store.list,
    ):
        with pytest.raises(DataError, match="delete the file") as caught:
            use()
        assert caught.value.file == str(path)


def test_a_parquet_file_of_somebody_else_is_not_taken_for_a_series(store):
    store.merge(KEY, frame(0, 3))
    table = pq.read_table(store.path(KEY))
    pq.write_table(table.replace_schema_metadata(None), store.path(KEY))

    with pytest.raises(DataError, match="a series of format 1 of this store"):
        store.read(KEY)


def test_a_series_under_another_name_is_not_taken_for_it(store):
    other = SeriesKey("binance", "ETH/USDT", SeriesKind.OHLCV, "1d")
    store.merge(KEY, frame(0, 3))
    store.path(other).parent.mkdir(parents=True)
    os.replace(store.path(KEY), store.path(other))

    with pytest.raises(DataError, match="found 'binance BTC/USDT ohlcv 1d'"):
        store.read(other)
    with pytest.raises(DataError, match="found 'binance BTC/USDT ohlcv 1d'"):
        store.missing(other, day(0), day(1))


def test_a_disk_that_refuses_leaves_what_was_there_and_no_rest(store, monkeypatch):
    store.merge(KEY, frame(0, 3))

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.merge(KEY, frame(3, 5))

    assert len(store.read(KEY)) == 3
    assert [path.name for path in store.path(KEY).parent.iterdir()] == ["ohlcv-1d.parquet"]


@pytest.mark.slow
def test_a_killed_writer_leaves_a_whole_file(store):
    """A process merges day after day and is killed in the middle, three times."""
    code = """
import sys, numpy as np
from actors.feeds.store import Frame, SeriesKey, SeriesKind, Span, Store
from arena.market import Provenance
store, day = Store(sys.argv[1]), 86_400_000
key = SeriesKey("binance", "BTC/USDT", SeriesKind.OHLCV, "1d")
for n in range(18_000, 30_000):
    times, span = np.array([n * day]), Span(n * day, (n + 1) * day)
    store.merge(key, Frame(times, np.full((1, 2), float(n)), ("open", "close"), "USDT",
                           Provenance.REAL, (span,)))
    print(n, flush=True)
"""
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(store.root)], stdout=subprocess.PIPE, text=True
        ) as writer:
            written = [int(writer.stdout.readline()) for _ in range(20)]
            writer.kill()

        found = store.read(KEY)
        assert found.times[-1] >= written[-1] * DAY
        assert np.diff(found.times).tolist() == [DAY] * (len(found) - 1)
        assert [entry.header.key for entry in store.list()] == [KEY]


@pytest.mark.parametrize(
    ("text", "expected"), [("1m", 60_000), ("4h", 14_400_000), ("1d", DAY), ("30m", 1_800_000)]
)
def test_a_timeframe_has_a_length(text, expected):
    assert step_ms(text) == expected


@pytest.mark.parametrize("text", ["", "d", "0d", "1w", "1M", "-1h", "1.5h", "1000d"])
def test_a_timeframe_that_is_none_is_refused(text):
    with pytest.raises(ValidationError, match="minutes, hours or days"):
        step_ms(text)


@pytest.mark.parametrize(
    ("source", "symbol"),
    [("../up", "BTC"), ("", "BTC"), ("Up", "BTC"), ("binance", ""), ("binance", "a\nb")],
)
def test_a_name_that_could_leave_the_store_is_refused(source, symbol):
    with pytest.raises(ValidationError):
        SeriesKey(source, symbol, SeriesKind.OHLCV, "1d")


@pytest.mark.parametrize("symbol", ["..", "../../etc", "/etc/passwd", "a/b:c"])
def test_a_symbol_stays_inside_the_store(store, symbol):
    path = store.path(SeriesKey("binance", symbol, SeriesKind.OHLCV, "1d"))

    assert path.resolve().relative_to(store.root.resolve()).parts[0] == "binance"
    assert len(path.relative_to(store.root).parts) == 3


def test_without_the_extra_the_error_says_how_to_get_it():
    code = "import sys; sys.modules['pyarrow'] = None; import actors.feeds.store"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert "needed pip install 'treasury-arena[data]'" in found.stderr
