"""`FeedConformance`: what it says of the market can be, is said twice alike, and names its origin.

class TestMine(FeedConformance):
def make_market(self, folder: Path) -> Market:
return load_mine("BTC", days=100)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from arena.market import Floats, Market, Provenance

UNITS = frozenset({"USD", "USD/day", "index", "1/year", "1/day", "ratio", "flag", "gwei"})
"""What a column can be in."""

PRICED = ("USD", "index")


class FeedConformance:
    """What a market promises, wherever it comes from; see `arena.market`."""

    def make_market(self, folder: Path) -> Market:
        """Return the market that the feed makes of what it is fed with; the same one each time.

        Args:
            folder: For its files; each test has one of its own.
        """
        raise NotImplementedError

    def test_the_same_feed_says_the_same_twice(self, tmp_path: Path) -> None:
        one, other = (self.make_market(_folder(tmp_path, name)) for name in ("one", "other"))

        assert np.array_equal(one.opens_at, other.opens_at)
        assert one.columns == other.columns
        for name in one.columns:
            assert one.sha256(name) == other.sha256(name), name

    def test_every_column_says_what_it_is_and_where_it_is_from(self, tmp_path: Path) -> None:
        for series in self.make_market(tmp_path).series:
            assert series.unit in UNITS, series
            assert isinstance(series.provenance, Provenance), series
            assert series.origin, series

    def test_bars_open_on_their_grid_and_nothing_is_infinite(self, tmp_path: Path) -> None:
        market = self.make_market(tmp_path)

        assert len(market) > 0
        assert not np.any(market.opens_at % market.bar_s)
        assert not np.any(np.isinf(market.values))

    def test_nobody_can_change_what_was_said(self, tmp_path: Path) -> None:
        market = self.make_market(tmp_path)

        assert not market.values.flags.writeable
        assert not market.opens_at.flags.writeable

    def test_there_is_something_to_hold_and_its_bars_are_whole(self, tmp_path: Path) -> None:
        market = self.make_market(tmp_path)
        priced = [*_priced(market)]

        assert priced, "no column is called `<instrument>.close`"
        for name in priced:
            opens, closes = market.column(f"{name}.open"), market.column(f"{name}.close")
            assert np.array_equal(np.isnan(opens), np.isnan(closes)), f"half a bar of {name}"
            assert not np.all(np.isnan(closes)), f"{name} never trades"

    def test_prices_are_above_nothing_and_within_their_bar(self, tmp_path: Path) -> None:
        market = self.make_market(tmp_path)
        for name in _priced(market):
            opens, closes = market.column(f"{name}.open"), market.column(f"{name}.close")
            known = ~np.isnan(closes)
            assert np.all(opens[known] > 0), name
            assert np.all(closes[known] > 0), name
            high = _known(market, f"{name}.high")
            low = _known(market, f"{name}.low")
            assert high is None or not np.any(high < np.fmax(opens, closes)), name
            assert low is None or not np.any(low > np.fmin(opens, closes)), name

    def test_volumes_are_not_below_nothing(self, tmp_path: Path) -> None:
        market = self.make_market(tmp_path)
        for series in market.series:
            if series.unit == "USD/day":
                assert not np.any(market.column(series.name) < 0), series.name


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def _priced(market: Market) -> Iterator[str]:
    """Yield what can be held and is priced as it is: coins and deposits."""
    for series in market.series:
        name, _, field = series.name.rpartition(".")
        if field == "close" and series.unit in PRICED:
            yield name


def _known(market: Market, name: str) -> Floats | None:
    return market.column(name) if name in market.columns else None
