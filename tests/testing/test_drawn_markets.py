"""A market in a test says what its author meant, and calls itself synthetic."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from actors.feeds import CsvSource
from actors.testing import crash, deposit, flat, from_csv, from_table, gap, synthetic, trend
from actors.testing.markets import DailyMarket
from arena.exceptions import ValidationError
from arena.instruments import Instrument, Kind
from arena.market import DAY_S, Provenance

BUILDERS = {
    "flat": flat(days=9, warmup=3),
    "trend": trend(days=9, warmup=3, daily=-0.02),
    "crash": crash(days=9, warmup=3, on=4),
    "gap": gap(days=9, warmup=3, on=4),
    "deposit": deposit(days=9, warmup=3),
    "table": from_table("BTC\n1\n2\n3\n1\n2\n3\n4\n5\n6\n7\n8\n9", warmup=3),
}


def opens_and_closes(market: DailyMarket, name: str = "BTC") -> list[tuple[float, float]]:
    """Return the bars of the days that are settled."""
    columns = (market.market.column(f"{name}.{field}") for field in ("open", "close"))
    return [*zip(*(column[market.warmup :].tolist() for column in columns), strict=True)]


@pytest.mark.parametrize("market", BUILDERS.values(), ids=BUILDERS)
def test_what_is_drawn_is_daily_honest_and_possible(market: DailyMarket) -> None:
    bars = market.market

    assert (market.days, market.warmup, bars.bar_s) == (9, 3, DAY_S)
    assert bars.opens_on(market.warmup).date() == date(2020, 1, 1)
    assert {series.provenance for series in bars.series} == {Provenance.SYNTHETIC}
    assert all(series.origin for series in bars.series)
    for one in market.instruments:
        opens, closes = bars.column(one.open_column), bars.column(one.close_column)
        assert (opens > 0).all()
        if one.kind is Kind.SPOT:
            assert (bars.column(f"{one.name}.low") == np.minimum(opens, closes)).all()
            assert (bars.column(f"{one.name}.high") == np.maximum(opens, closes)).all()


def test_a_trend_opens_where_it_closed_and_moves_by_the_same_fraction() -> None:
    bars = opens_and_closes(trend(daily=0.1, days=3))

    assert bars == [pytest.approx(each) for each in ((100, 110), (110, 121), (121, 133.1))]


def test_a_crash_falls_within_its_day_and_a_gap_between_two() -> None:
    assert opens_and_closes(crash(fall=0.4, on=2, days=3)) == [(100, 100), (100, 60), (60, 60)]
    assert opens_and_closes(gap(jump=-0.4, on=2, days=3)) == [(100, 100), (60, 60), (60, 60)]


def test_a_deposit_earns_its_rate() -> None:
    ((opened, _), *_, (_, closed)) = opens_and_closes(deposit(apr=0.0365, days=100), "aave")

    assert closed / opened == pytest.approx(1.0001**100, rel=1e-9)


def test_markets_of_the_same_days_are_added() -> None:
    both = trend("BTC", days=5) + flat("ETH", days=5) + deposit("aave", days=5)

    assert [one.name for one in both.instruments] == ["BTC", "ETH", "aave"]
    assert opens_and_closes(both, "ETH") == [(100, 100)] * 5
    with pytest.raises(ValidationError, match="BTC"):
        both + flat("BTC", days=5)
    with pytest.raises(ValidationError, match="warmup"):
        both + flat("SOL", days=35, warmup=0)


def test_more_can_be_held_where_the_market_has_what_it_is_made_of() -> None:
    staked = Instrument("ETH-STAKED", Kind.STAKING, "lido", underlying="ETH")

    offered = synthetic(days=5, universe="full")
    with pytest.raises(ValidationError, match="staking_apr"):
        flat("ETH").offering(staked)

    assert {one.kind for one in offered.instruments} == {*Kind}
    assert "ETH-STAKED.close" in offered.market.columns
    assert synthetic(days=5).offering(Instrument("SOL", Kind.SPOT)).days == 5


TABLE = """
    day          BTC     ETH   aave.apr   btc_mvrv
    2024-02-28   1,000   -     3.65 %     1.5       # ETH is not there yet
    2024-02-29   1_100   20    3.65 %     1.6

    2024-03-01 | 990   | 25  | 0.0365   | -         # and this is a Friday
"""


def test_a_table_says_what_a_trader_would_read_in_it() -> None:
    market = from_table(TABLE, warmup=1, features=["btc_mvrv"])

    assert market.market.opens_on(1).date() == date(2024, 2, 29)
    assert opens_and_closes(market) == [(1000, 1100), (1100, 990)]
    assert opens_and_closes(market, "ETH") == [(20, 20), (20, 25)]
    assert np.isnan(market.market.column("ETH.close")[0])
    assert market.market.column("btc_mvrv")[:2].tolist() == [1.5, 1.6]
    assert market.market.column("aave.close")[-1] == pytest.approx(1.0001**3)
    assert [one.kind for one in market.instruments] == [Kind.SPOT, Kind.SPOT, Kind.LENDING]


def test_days_are_numbered_from_wherever_one_likes() -> None:
    market = from_table("day BTC\n-1 10\n0 11\n1 12", warmup=2)

    assert (market.days, market.market.opens_on(2).date()) == (1, date(2020, 1, 1))


def test_a_column_that_is_named_is_taken_as_it_stands() -> None:
    market = from_table("day BTC BTC.open BTC.high BTC.volume\n1 10 9 12 5000")

    assert opens_and_closes(market) == [(9, 10)]
    assert market.market.column("BTC.high").tolist() == [12]
    assert market.market.column("BTC.low").tolist() == [9]
    assert market.market.column("BTC.volume").tolist() == [5000]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a heading, and a line"),
        ("day BTC", "a line for each day"),
        ("day BTC\n1 ten", "table:2 BTC: found 'ten', needed a number"),
        ("day BTC\n1 10 11", "table:2: found '3 cells', needed 2: day, BTC"),
        ("day BTC\n1 10\n3 11", "table:3 day: found '3', needed the day after"),
        ("day BTC\nMonday 10", "table:2 day: found 'Monday'"),
        ("BTC BTC\n1 10", "a column twice"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        from_table(text)


def test_a_file_keeps_the_provenance_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "btc.csv"
    path.write_text(
        "date,open,close\n" + "".join(f"2021-05-0{n},{n},{n + 1}\n" for n in range(1, 8))
    )
    source = CsvSource(
        path=path,
        series={"BTC.open": "open", "BTC.close": "close"},
        time_column="date",
        time_zone="UTC",
    )

    market = from_csv(source, start=date(2021, 5, 3), days=4, warmup=2)

    assert opens_and_closes(market) == [(3, 4), (4, 5), (5, 6), (6, 7)]
    assert {series.provenance for series in market.market.series} == {Provenance.REAL}
    assert [one.name for one in market.instruments] == ["BTC"]
