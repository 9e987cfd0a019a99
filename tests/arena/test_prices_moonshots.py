"""Most tokens die, a few make up for some of it, and only hindsight knows which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from arena.market import Floats
from arena.prices import GROUPS, MoonshotParameters, Token, simulate_market, simulate_moonshots
from arena.prices.record import read_log_returns
from arena.seed import Seed

PATHS, BARS, TWO_YEARS = 40, 1100, 730
PLAIN = MoonshotParameters()


@dataclass(frozen=True, slots=True)
class Universe:
    """Every token of one path that was listed two years before its end.

    Attributes:
        multiples: Last close within two years of listing / price at listing, shape (tokens,).
        peaks: Highest close within them / price at listing.
        survived: Whether it still had a price after two years.
    """

    multiples: Floats
    peaks: Floats
    survived: Floats

    @property
    def all(self) -> float:
        """Return of an equal sum in every token at its listing, the dead included."""
        return float(self.multiples.mean()) - 1.0

    @property
    def survivors(self) -> float:
        """The same with the list of those that are still there: what hindsight buys."""
        return float(self.multiples[self.survived].mean()) - 1.0


@cache
def tokens(path: int) -> dict[str, Token]:
    returns = read_log_returns(simulate_market(BARS, Seed(path)).column("BTC.close"))
    return simulate_moonshots(returns, Seed(path).child("moonshots"), PLAIN)


@cache
def universe(path: int) -> Universe:
    found = []
    for token in tokens(path).values():
        days = np.flatnonzero(np.isfinite(token.bars.close))
        if len(days) and days[0] + TWO_YEARS <= BARS:
            closes = token.bars.close[days[0] : days[0] + TWO_YEARS] / token.bars.open[days[0]]
            alive = closes[np.isfinite(closes)]
            found.append((alive[-1], max(1.0, alive.max()), len(alive) == TWO_YEARS))
    multiples, peaks, survived = (np.array(column) for column in zip(*found, strict=True))
    return Universe(multiples, peaks, survived.astype(bool))


def universes() -> list[Universe]:
    return [universe(path) for path in range(PATHS)]


def lives() -> list[Token]:
    """Every token that was ever listed, on the first ten paths."""
    return [t for path in range(10) for t in tokens(path).values() if np.isfinite(t.expires).any()]


def test_two_of_three_tokens_lose_nine_tenths_within_two_years() -> None:
    lost = [float((u.multiples < 0.1).mean()) for u in universes()]

    assert 0.60 < np.median(lost) < 0.70
    assert 0.60 < np.mean(lost) < 0.70
    assert min(lost) > 0.2  # On no path is it a game for everybody.


def test_winners_follow_a_power_law_of_index_one_and_a_half() -> None:
    peaks = np.sort(np.concatenate([u.peaks for u in universes()]))[::-1]

    top = len(peaks) // 10
    hill = 1.0 / np.mean(np.log(peaks[:top] / peaks[top]))

    assert hill == pytest.approx(1.5, abs=0.3)
    assert 0.05 < (peaks > 10.0).mean() < 0.15
    assert peaks[0] > 50.0


def test_buying_the_survivors_beats_the_universe_of_the_day() -> None:
    everyone = np.array([u.all for u in universes()])
    survivors = np.array([u.survivors for u in universes()])

    gap = survivors - everyone

    assert (gap > 0.0).all()  # On each of forty paths.
    assert np.median(everyone) == pytest.approx(-0.34, abs=0.1)
    assert np.median(survivors) == pytest.approx(0.44, abs=0.2)
    assert np.median(gap) == pytest.approx(0.77, abs=0.2)


def test_no_more_than_half_survive_two_years() -> None:
    assert 0.35 < np.median([float(u.survived.mean()) for u in universes()]) < 0.55


def test_tokens_are_listed_one_after_another() -> None:
    listed = [
        [int(np.isfinite(t.bars.close).argmax()) for t in tokens(path).values()]
        for path in range(PATHS)
    ]

    for days in listed:
        assert days == sorted(days)
        assert days[: PLAIN.listed_before] == [0] * PLAIN.listed_before
        assert min(days[PLAIN.listed_before :]) > 0
    gaps = np.diff([days[PLAIN.listed_before - 1 :] for days in listed], axis=1)
    assert gaps.mean() == pytest.approx(20.5, abs=2.0)  # Rounded up to whole days.


def test_a_token_has_bars_from_its_listing_to_its_last_day_and_no_other() -> None:
    for token in lives():
        columns = np.array(
            [getattr(token.bars, f) for f in ("open", "high", "low", "close", "volume")]
        )
        days = np.flatnonzero(np.isfinite(token.expires))

        assert (np.diff(days) == 1).all()
        assert np.isfinite(columns[:, days]).all()
        assert np.isnan(np.delete(columns, days, axis=1)).all()


def test_bars_are_bars() -> None:
    for token in lives():
        days = np.isfinite(token.expires)
        bars = token.bars
        opens, high, low, closes = (
            getattr(bars, f)[days] for f in ("open", "high", "low", "close")
        )

        assert (low > 0.0).all()
        assert (low <= np.minimum(opens, closes)).all()
        assert (high >= np.maximum(opens, closes)).all()
        assert (bars.volume[days] > 0.0).all()
        assert np.array_equal(opens[1:], closes[:-1])


def test_a_token_expires_on_the_first_close_at_a_hundredth_of_its_listing() -> None:
    died = 0
    for token in lives():
        days = np.isfinite(token.expires)
        closes = token.bars.close[days] / token.bars.open[days][0]
        expires = token.expires[days]

        assert (closes[:-1] > PLAIN.delisted_at).all()
        assert (expires[:-1] == 0.0).all()
        assert (expires[-1] == 1.0) == (closes[-1] <= PLAIN.delisted_at)
        died += int(expires[-1])
    assert 0.4 < died / len(lives()) < 0.8


def test_an_abandoned_token_halves_each_day() -> None:
    mortal = MoonshotParameters(life_mean_days=1e-9, volatility_young=1e-9, volatility_old=1e-9)

    for token in simulate_moonshots(np.zeros(9), Seed(1), mortal).values():
        closes = token.bars.close[np.isfinite(token.bars.close)]
        if len(closes) > 2:
            assert closes[2] / closes[1] == pytest.approx(math.exp(-0.7))


def test_the_volume_is_so_small_that_a_limit_on_it_binds() -> None:
    volumes = [np.nanmedian(t.bars.volume) for t in lives()]

    # One per cent of a day's volume, bought by one who has $10,000 and wants a tenth of it there.
    assert np.median(volumes) == pytest.approx(47_000, rel=0.3)
    assert np.mean(0.01 * np.array(volumes) < 1_000.0) > 0.7


def test_a_token_is_wilder_than_any_coin() -> None:
    young = []
    for token in lives():
        closes = token.bars.close[np.isfinite(token.bars.close)]
        if len(closes) > 120:
            young.append(float(np.diff(np.log(closes[:120])).std()) * math.sqrt(365))

    assert np.median(young) > 1.6  # SOL: 1.42


def test_tokens_fall_with_the_market() -> None:
    calm, crash = np.zeros(60), np.where(np.arange(60) == 30, -0.3, 0.0)

    before, after = (simulate_moonshots(r, Seed(1), PLAIN)["MOON-02"] for r in (calm, crash))

    assert np.array_equal(before.bars.close[:30], after.bars.close[:30], equal_nan=True)
    assert after.bars.close[30] / before.bars.close[30] == pytest.approx(math.exp(-0.3))


def test_a_universe_of_another_size_keeps_the_tokens_that_it_shares() -> None:
    small = simulate_moonshots(np.zeros(50), Seed(1), MoonshotParameters(tokens=10))
    large = simulate_moonshots(np.zeros(50), Seed(1), PLAIN)

    assert list(small) == list(large)[:10]
    assert len(GROUPS["moonshots"]) == 6 * len(large)
    for name, token in small.items():
        assert np.array_equal(token.bars.close, large[name].bars.close, equal_nan=True)
