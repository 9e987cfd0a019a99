"""What is recorded of a live market is what is read, to the bit, and anything else is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.journal import bars as bars_file
from actors.journal.bars import BarRecorder, Bars, bars_path, begin_bars, copy_bars, read_bars
from arena.exceptions import EventSourcingError
from arena.market import DAY_S, Market, Provenance, Series

numbers = st.floats(allow_infinity=False) | st.just(math.nan)
tables = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=8)
SERIES = (
    Series("ONE.close", "USD", Provenance.REAL, "prices.csv"),
    Series("a feature, ü", "ratio", Provenance.ESTIMATED),
)


def bars_of(table: list[tuple[float, float]]) -> Bars:
    market = Market(
        opens_at=DAY_S * np.arange(len(table), dtype=np.int64),
        series=SERIES,
        values=np.array(table, dtype=np.float64).reshape(-1, 2),
        periods_per_year=252,
    )
    return Bars(market, tuple((n,) * (n % 2) for n in range(len(table))))


def first(bars: Bars, count: int) -> Bars:
    market = bars.market
    part = Market(
        opens_at=market.opens_at[:count].copy(),
        series=market.series,
        values=market.values[:count].copy(),
        periods_per_year=market.periods_per_year,
    )
    return Bars(part, bars.absent[:count])


def same(one: Bars, other: Bars) -> bool:
    bits = [np.where(np.isnan(b.market.values), 0, b.market.values).tobytes() for b in (one, other)]
    unknown = [np.isnan(b.market.values).tobytes() for b in (one, other)]
    facts = [(b.absent, b.market.series, b.market.opens_at.tolist()) for b in (one, other)]
    year = [(b.market.periods_per_year, b.market.bar_s) for b in (one, other)]
    return all(a == b for a, b in (bits, unknown, facts, year))


@settings(max_examples=30)
@given(tables, st.data())
def test_what_is_recorded_in_pieces_is_read_to_the_bit(tmp_path_factory, table, data):
    database, whole = tmp_path_factory.mktemp("bars") / "run.db", bars_of(table)
    cut = data.draw(st.integers(0, len(table)))
    begin_bars(database, "some-run", first(whole, cut))
    recorder = BarRecorder(database, "some-run")
    assert same(recorder.bars, first(whole, cut))
    recorder.append(first(whole, max(cut, len(table) - 1)))
    recorder.append(whole)
    recorder.append(whole)

    assert same(read_bars(database).bars, whole)
    assert same(BarRecorder(database, "some-run").bars, whole)


@pytest.fixture
def database(tmp_path):
    begin_bars(tmp_path / "run.db", "some-run", bars_of([(1.5, 2.5)] * 4))
    return tmp_path / "run.db"


def test_a_last_line_that_was_cut_anywhere_is_dropped_and_written_anew(database):
    whole = bars_path(database).read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for cut in range(1, len(last) + 1):
        bars_path(database).write_bytes(whole[:-cut])
        recorder = BarRecorder(database, "some-run")
        assert len(recorder.bars.market) == 3
        recorder.append(bars_of([(1.5, 2.5)] * 4))
        assert bars_path(database).read_bytes() == whole


def test_zeros_where_the_last_line_was_to_be_are_none(database):
    whole = bars_path(database).read_bytes()
    size = len(whole.splitlines(keepends=True)[-1])
    bars_path(database).write_bytes(whole[:-size] + bytes(size))

    assert len(read_bars(database).bars.market) == 3


@pytest.mark.parametrize("line", range(4))
def test_any_byte_that_changed_in_another_line_is_damage(database, line):
    lines = bars_path(database).read_bytes().splitlines(keepends=True)
    for at in range(0, len(lines[line]), 7):
        changed = bytearray(lines[line])
        changed[at] ^= 1
        content = [*lines[:line], bytes(changed), *lines[line + 1 :]]
        bars_path(database).write_bytes(b"".join(content))
        with pytest.raises(EventSourcingError, match=f"line {line + 1}"):
            read_bars(database)


def test_the_bars_of_another_run_are_not_taken_up(database):
    with pytest.raises(EventSourcingError, match="has the bars of 'some-run', not 'another'"):
        BarRecorder(database, "another")


def test_no_bars_and_no_file_are_no_recording(database):
    bars_path(database).write_bytes(b"")
    with pytest.raises(EventSourcingError, match="damaged"):
        read_bars(database)
    bars_path(database).unlink()
    with pytest.raises(EventSourcingError, match="missing"):
        read_bars(database)


def test_a_copy_has_what_counts_and_nothing_that_was_cut_off(database, tmp_path):
    whole = bars_path(database).read_bytes()
    bars_path(database).write_bytes(whole + b'{"opens')

    copy_bars(database, tmp_path / "copy.db")
    copy_bars(tmp_path / "none.db", tmp_path / "other.db")

    assert bars_path(tmp_path / "copy.db").read_bytes() == whole
    assert not bars_path(tmp_path / "other.db").exists()


def test_what_never_became_a_run_is_begun_again(database):
    begin_bars(database, "another", bars_of([(3.0, 4.0)] * 2))

    assert read_bars(database).run_id == "another"


def test_what_a_newer_version_recorded_is_not_guessed_at(tmp_path, monkeypatch):
    monkeypatch.setattr(bars_file, "VERSION", 2)
    begin_bars(tmp_path / "run.db", "some-run", bars_of([(3.0, 4.0)] * 2))
    monkeypatch.undo()

    with pytest.raises(EventSourcingError, match="newer version"):
        read_bars(tmp_path / "run.db")
