"""A view of the market ends at now, and there is no future behind it to reach for."""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.exceptions import ValidationError
from arena.market import DAY_S, Floats, Market, MarketView, Provenance, Series, restrict

BARS = 6
OPENS_AT = 1_577_836_800
"""2020-01-01, UTC."""


def a_series(name: str) -> Series:
    """Return what a column called `name` means."""
    return Series(name, "USD", Provenance.SYNTHETIC)


@pytest.fixture
def market() -> Market:
    """Six days of two coins; the second is listed on the third day."""
    values = np.arange(2.0 * BARS).reshape(BARS, 2) + 100.0
    values[:2, 1] = np.nan
    opens_at = OPENS_AT + DAY_S * np.arange(BARS)
    return Market(opens_at, (a_series("BTC.close"), a_series("SOL.close")), values)


@pytest.fixture
def view(market: Market) -> MarketView:
    """The market after its third bar has closed."""
    view = MarketView(market)
    for row in range(3):
        view.reveal(market.values[row : row + 1])
    return view


def owner_of(array: Floats) -> Floats:
    """Return the array at the end of the chain of `.base`."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def test_a_view_shows_everything_up_to_now_and_nothing_after_it(
    market: Market, view: MarketView
) -> None:
    assert view.now == 2
    assert view.history("BTC.close").tolist() == market.column("BTC.close")[:3].tolist()
    assert view.last("BTC.close") == market.values[2, 0]


def test_a_view_before_the_first_bar_shows_nothing(market: Market) -> None:
    view = MarketView(market)

    assert view.now == -1
    assert len(view.history("BTC.close")) == 0
    assert np.isnan(view.last("BTC.close"))


def test_there_is_no_future_behind_an_array_of_the_past(market: Market, view: MarketView) -> None:
    behind = owner_of(view.history("BTC.close"))

    assert not np.isin(behind, market.values[3:]).any()
    assert np.isnan(behind[:, 3:]).all()


@given(now=st.integers(0, BARS - 1), noise=st.floats(-1e6, 1e6))
def test_whatever_the_future_is_the_past_looks_the_same(now: int, noise: float) -> None:
    known = np.arange(float(BARS))[:, np.newaxis]
    other = np.where(np.arange(BARS)[:, np.newaxis] > now, noise, known)
    opens_at = DAY_S * np.arange(BARS)
    seen = []

    for values in (known, other):
        view = MarketView(Market(opens_at.copy(), (a_series("BTC.close"),), values.copy()))
        view.reveal(values[: now + 1])
        seen.append(owner_of(view.history("BTC.close")).tobytes())

    assert seen[0] == seen[1]


def test_the_past_cannot_be_rewritten(view: MarketView) -> None:
    past = view.history("BTC.close")

    for array in (past, owner_of(past)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0
    with pytest.raises(ValueError, match="WRITEABLE"):
        past.flags.writeable = True


def test_an_array_of_the_past_does_not_grow_when_time_goes_on(
    market: Market, view: MarketView
) -> None:
    past = view.history("BTC.close")
    before = past.tolist()

    view.reveal(market.values[3:5])

    assert past.tolist() == before
    assert view.history("BTC.close").tolist() == market.column("BTC.close")[:5].tolist()


def test_a_coin_that_is_not_listed_yet_is_not_known(view: MarketView) -> None:
    assert np.isnan(view.history("SOL.close")).tolist() == [True, True, False]


def test_a_column_that_is_not_there_is_refused_and_the_nearest_name_is_offered(
    market: Market, view: MarketView
) -> None:
    for ask in (
        market.column,
        view.history,
        view.last,
        lambda name: restrict(market, slice(None), [name]),
    ):
        with pytest.raises(ValidationError, match=r"did you mean 'BTC\.close'\?"):
            ask("BTC.clsoe")
    with pytest.raises(ValidationError, match="a known column"):
        market.column("mvrv")


@pytest.mark.parametrize(
    ("days", "names", "width", "complaint"),
    [
        ([0, 1, 3], ["a", "b"], 2, "bars out of step"),
        ([0, 2, 1], ["a", "b"], 2, "bars out of step"),
        ([0, 0, 1], ["a", "b"], 2, "bars out of step"),
        ([0, 1, 2], ["a", "a"], 2, "a column name twice"),
        ([0, 1, 2], ["a", "b"], 3, r"\(3, 3\)"),
        ([0, 1], ["a", "b"], 2, r"\(3, 2\)"),
    ],
)
def test_a_market_that_does_not_fit_together_is_refused(
    days: list[int], names: list[str], width: int, complaint: str
) -> None:
    opens_at = DAY_S * np.array(days)

    with pytest.raises(ValidationError, match=complaint):
        Market(opens_at, tuple(a_series(name) for name in names), np.zeros((3, width)))


def test_the_numbers_of_a_market_are_frozen(market: Market) -> None:
    with pytest.raises(ValueError, match="read-only"):
        market.values[0, 0] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        market.opens_at[0] = 0


def test_a_bar_is_known_at_its_close(market: Market) -> None:
    assert market.closes_at(0) == datetime(2020, 1, 2, tzinfo=UTC)


def test_a_column_is_hashed_as_little_endian_numbers_in_order_of_time(market: Market) -> None:
    prices = struct.pack("<6d", 100.0, 102.0, 104.0, 106.0, 108.0, 110.0)

    assert market.sha256("BTC.close") == hashlib.sha256(prices).hexdigest()


def test_a_part_of_a_market_is_a_market(market: Market) -> None:
    part = restrict(market, slice(2, 5), ["SOL.close"])

    assert len(part) == 3
    assert list(part.columns) == ["SOL.close"]
    assert part.column("SOL.close").tolist() == market.values[2:5, 1].tolist()
    assert part.opens_at.tolist() == market.opens_at[2:5].tolist()
    assert restrict(market, slice(None)).columns == market.columns


def test_a_view_goes_on_in_a_market_that_has_grown(market: Market) -> None:
    view = MarketView(restrict(market, slice(0, 3)))
    view.reveal(market.values[:3])
    before = view.history("BTC.close")

    view.extend(restrict(market, slice(0, 4)))
    view.extend(market)

    assert view.now == 2
    assert view.history("BTC.close").tolist() == before.tolist() == [100.0, 102.0, 104.0]
    assert view.opens_at.tolist() == market.opens_at.tolist()
    assert not view.history("BTC.close").flags.writeable
    view.reveal(market.values[3:])
    assert view.history("SOL.close").tolist()[2:] == market.column("SOL.close").tolist()[2:]
    assert before.tolist() == [100.0, 102.0, 104.0]


@pytest.mark.parametrize(
    "part",
    [(slice(0, 2), None), (slice(1, 5), None), (slice(None), ["BTC.close"])],
    ids=["shorter", "other days", "other columns"],
)
def test_a_view_goes_on_in_no_other_market(
    market: Market, part: tuple[slice, list[str] | None]
) -> None:
    view = MarketView(restrict(market, slice(0, 4)))
    with pytest.raises(ValidationError, match="the same 4 bars of 2 columns, and more after them"):
        view.extend(restrict(market, *part))
