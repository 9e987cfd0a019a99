"""Tables become one market: a deposit is an index that opens at 1, and what is mixed says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from actors.feeds import Table, assemble, badge, merge
from actors.feeds.align import day_number
from arena.exceptions import ValidationError
from arena.market import DAY_S, Market, Provenance, Series

NAN = float("nan")


def a_table(*, start: date = date(2020, 1, 1), **columns: list[float]) -> Table:
    """Return a table; the first number of each column is for the day before `start`."""
    names = [name.replace("_", ".") for name in columns]
    values = np.column_stack(list(columns.values()))
    first = day_number(start) - 1
    return Table(
        "a.csv",
        np.arange(first, first + len(values)),
        tuple(Series(name, "", Provenance.REAL, "a.csv") for name in names),
        values,
    )


def a_market(name: str, provenance: Provenance, *, opens_at: int = 0) -> Market:
    return Market(
        opens_at=np.array([opens_at, opens_at + DAY_S], dtype=np.int64),
        series=(Series(name, "ratio", provenance),),
        values=np.array([[1.0], [2.0]]),
    )


def test_tables_stand_side_by_side_from_the_first_bar_on():
    market = assemble([a_table(BTC_close=[9, 10, 11]), a_table(x=[NAN, 1, 2])])

    assert [series.name for series in market.series] == ["BTC.close", "x"]
    assert market.values.tolist() == [[10, 1], [11, 2]]
    assert market.closes_at(0).isoformat() == "2020-01-02T00:00:00+00:00"


def test_a_deposit_follows_its_index_from_the_day_before_the_first_bar():
    market = assemble([a_table(aave_apr=[0.1] * 3, aave_index=[2.0, 2.2, 2.2])])

    assert [series.name for series in market.series] == ["aave.apr", "aave.open", "aave.close"]
    assert market.column("aave.open").tolist() == [1.0, 1.1]
    assert market.column("aave.close").tolist() == [1.1, 1.1]
    assert market.series[1].provenance is Provenance.REAL


def test_a_deposit_without_a_day_before_does_not_accrue_on_its_first_bar():
    market = assemble([a_table(aave_index=[NAN, NAN, 2.0, 2.2])])

    np.testing.assert_array_equal(market.column("aave.open"), [NAN, 1.0, 1.0])
    np.testing.assert_array_equal(market.column("aave.close"), [NAN, 1.0, 1.1])


def test_a_held_index_does_not_accrue_and_catches_up(write, read):
    path = write("date,index", "2020-01-01,1.0", "2020-01-02,1.1", "2020-01-04,1.3")

    table = read(path, series={"aave.index": "index"}, end="2020-01-04", gaps="hold:1")
    market = assemble([table])

    assert market.column("aave.open").tolist() == [1.0, 1.0, 1.1, 1.1]
    assert market.column("aave.close").tolist() == [1.0, 1.1, 1.1, 1.3]


def test_a_deposit_without_an_index_accrues_its_rate_from_when_it_is_known():
    market = assemble([a_table(aave_apr=[NAN, NAN, 0.365, 0.73])])

    np.testing.assert_allclose(market.column("aave.open"), [NAN, 1.0, 1.001])
    np.testing.assert_allclose(market.column("aave.close"), [NAN, 1.001, 1.001 * 1.002])
    assert market.series[-1] == Series("aave.close", "index", Provenance.ESTIMATED, "a.csv")


def test_a_deposit_that_misses_bars_goes_on_from_its_last_known_close():
    market = assemble([a_table(aave_index=[1.0, 1.1, NAN, NAN, 1.4, 1.5])])

    np.testing.assert_array_equal(market.column("aave.open"), [1.0, NAN, NAN, 1.1, 1.4])
    np.testing.assert_array_equal(market.column("aave.close"), [1.1, NAN, NAN, 1.4, 1.5])


def test_a_deposit_accrues_nothing_on_days_whose_rate_is_missing():
    market = assemble([a_table(aave_apr=[NAN, 0.365, NAN, 0.73])])

    np.testing.assert_allclose(market.column("aave.open"), [1.0, NAN, 1.001])
    np.testing.assert_allclose(market.column("aave.close"), [1.001, NAN, 1.001 * 1.002])


def held(table: Table, *days: date) -> Table:
    return replace(table, held=days)


def test_bars_that_were_held_are_marked_beside_the_prices():
    day = date(2020, 1, 2)

    market = assemble([held(a_table(BTC_close=[9, 10, 10], BTC_open=[9, 9, 10]), day)])

    assert market.column("BTC.held").tolist() == [0.0, 1.0]
    assert market.series[-1] == Series("BTC.held", "flag", Provenance.REAL, "a.csv")


def test_where_nothing_was_held_nothing_is_marked():
    market = assemble([a_table(BTC_close=[9, 10, 10])])

    assert [series.name for series in market.series] == ["BTC.close"]


def test_a_held_feature_or_rate_does_not_mark_what_has_its_own_prices():
    day = date(2020, 1, 2)
    funding = held(a_table(BTC_funding=[0.1] * 3, x=[1] * 3), day)
    rate = held(a_table(aave_apr=[0.1] * 3), day)

    market = assemble([a_table(BTC_close=[9, 10, 10]), a_table(aave_index=[1] * 3), funding, rate])

    assert not [series.name for series in market.series if series.name.endswith(".held")]


def test_a_deposit_is_held_where_its_index_is_or_its_rate_if_that_is_all():
    day = date(2020, 1, 2)
    both = held(a_table(aave_apr=[0.1] * 3, aave_index=[1] * 3), day)

    assert assemble([both]).column("aave.held").tolist() == [0.0, 1.0]
    assert assemble([held(a_table(c_apr=[0.1] * 3), day)]).column("c.held").tolist() == [0, 1]


def test_a_column_that_two_tables_bring_is_refused_by_name():
    with pytest.raises(ValidationError, match=r"BTC\.close in a\.csv and a\.csv"):
        assemble([a_table(BTC_close=[1, 1]), a_table(BTC_close=[1, 1])])


def test_an_index_beside_its_own_prices_is_refused():
    with pytest.raises(ValidationError, match=r"aave\.close in"):
        assemble([a_table(aave_index=[1, 1], aave_close=[1, 1])])


def test_tables_of_other_days_and_no_tables_are_refused():
    with pytest.raises(ValidationError, match="on other days"):
        assemble([a_table(x=[1, 1]), a_table(y=[1, 1], start=date(2020, 1, 2))])
    with pytest.raises(ValidationError, match="at least one"):
        assemble([])


def test_markets_of_the_same_bars_are_merged_and_leave_their_parts_alone():
    real, synthetic = a_market("x", Provenance.REAL), a_market("y", Provenance.SYNTHETIC)

    both = merge([real, synthetic])

    assert both.column("x").tolist() == both.column("y").tolist() == [1, 2]
    assert len(real.series) == len(synthetic.series) == 1


def test_markets_of_other_bars_or_with_the_same_column_cannot_be_merged():
    real = a_market("x", Provenance.REAL)

    with pytest.raises(ValidationError, match="bars that differ"):
        merge([real, a_market("y", Provenance.REAL, opens_at=DAY_S)])
    with pytest.raises(ValidationError, match="'x in"):
        merge([real, real])
    with pytest.raises(ValidationError, match="at least one"):
        merge([])


@pytest.mark.parametrize(
    ("provenances", "needed"),
    [
        ([Provenance.REAL, Provenance.RESAMPLED, Provenance.ESTIMATED], "real"),
        ([Provenance.SYNTHETIC, Provenance.SYNTHETIC], "synthetic"),
        ([Provenance.REAL, Provenance.SYNTHETIC], "mixed"),
    ],
)
def test_the_badge_says_where_the_numbers_come_from(provenances, needed):
    assert badge(merge([a_market(f"x{i}", each) for i, each in enumerate(provenances)])) == needed
