"""A causal label knows nothing of tomorrow; a hindsight label knows where the turns were."""

from __future__ import annotations

import csv
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.market import Floats
from arena.prices.regimes import Regime
from arena.regimes import Phases, Trend, label_causal, label_hindsight

PRICES = Path(__file__).parents[2].parent / "shared" / "data" / "crypto" / "daily_ohlcv.csv"
NEEDS_PRICES = pytest.mark.skipif(
    not PRICES.exists(), reason="the shared price file may not be shipped with the project"
)
BULL, BEAR, SIDEWAYS = Regime.BULL, Regime.BEAR, Regime.SIDEWAYS
TURNS = Phases(box_rows=1_000_000)
"""Bulls and bears alone: no box is that long."""

walks = st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=200).map(
    lambda steps: 100.0 * np.exp(np.cumsum(steps))
)


def bitcoin() -> Floats:
    with PRICES.open(newline="") as file:
        return np.array([float(r["close"]) for r in csv.DictReader(file) if r["asset"] == "BTC"])


def spells(labels: np.ndarray) -> list[tuple[int, int]]:
    return [(label, len([*rows])) for label, rows in groupby(labels.tolist())]


# Causal


@given(walks, st.data())
def test_a_causal_label_is_the_same_however_much_of_the_future_is_there(closes, data):
    now = data.draw(st.integers(1, len(closes)))

    assert label_causal(closes)[:now].tolist() == label_causal(closes[:now]).tolist()


@given(walks, st.integers(1, 30))
def test_what_is_not_listed_yet_goes_sideways_and_changes_nothing_later(closes, missing):
    labels = label_causal(np.concatenate([np.full(missing, np.nan), closes]))

    assert (labels[:missing] == SIDEWAYS).all()
    assert labels[missing:].tolist() == label_causal(closes).tolist()


@pytest.mark.parametrize(("step", "regime"), [(0.01, BULL), (-0.01, BEAR), (0.0005, SIDEWAYS)])
def test_a_steady_market_is_called_what_it_is_in_the_end(step, regime):
    closes = 100.0 * np.exp(step * np.arange(200))

    labels = label_causal(closes)

    assert labels[0] == SIDEWAYS
    assert (labels[-100:] == regime).all()


def test_a_crash_is_a_bear_on_the_day_it_happens():
    closes = np.array([100.0] * 50 + [60.0] * 5)
    patient = Trend(band=1.0)

    assert (label_causal(closes, patient) == BEAR).tolist() == [False] * 50 + [True] * 5


def test_a_crash_is_forgotten_when_it_is_old():
    closes = np.array([100.0] * 5 + [60.0] * 20)

    labels = label_causal(closes, Trend(band=1.0, fall_rows=10))

    assert (labels == BEAR).tolist() == [False] * 5 + [True] * 9 + [False] * 11


# Hindsight


def test_a_turn_is_where_the_market_turned_and_not_where_it_was_seen():
    closes = np.array([100.0, 150.0, 200.0, 180.0, 130.0, 100.0, 120.0, 150.0, 160.0])

    labels = label_hindsight(closes, TURNS)

    assert labels.tolist() == [BULL] * 3 + [BEAR] * 3 + [BULL] * 3


def test_the_first_phase_that_is_confirmed_reaches_back_to_the_beginning():
    closes = np.array([100.0, 90.0, 100.0, 136.0])

    assert label_hindsight(closes, TURNS).tolist() == [BULL] * 4


@pytest.mark.parametrize(("last", "regime"), [(110.0, BULL), (100.0, BULL), (90.0, BEAR)])
def test_where_nothing_is_confirmed_all_is_one_phase(last, regime):
    assert label_hindsight(np.array([100.0, 95.0, last]), TURNS).tolist() == [regime] * 3


def test_what_stays_in_a_box_for_long_is_sideways():
    quiet = np.tile([100.0, 119.0], 30)
    closes = np.concatenate([np.linspace(50.0, 95.0, 10), quiet, np.linspace(125.0, 300.0, 10)])

    labels = label_hindsight(closes)

    assert spells(labels) == [(BULL, 10), (SIDEWAYS, 60), (BULL, 10)]


@given(walks)
def test_each_bull_rises_and_each_bear_falls_by_what_its_name_needs(closes):
    labels = label_hindsight(closes, TURNS)

    ends = np.cumsum([count for _, count in spells(labels)]) - 1
    for turn, following in pairwise(ends):
        move = closes[following] / closes[turn]
        if labels[following] == BULL:
            assert move >= 1.5 or following == len(closes) - 1
        else:
            assert move <= 0.65 or following == len(closes) - 1


@given(walks, st.floats(0.01, 1000.0))
def test_the_currency_does_not_matter(closes, rate):
    steps = np.exp(np.round(np.log(closes), 2) * 8)  # Nothing stands exactly on a threshold.

    assert spells(label_hindsight(steps * rate, TURNS)) == spells(label_hindsight(steps, TURNS))


@pytest.mark.parametrize("label", [label_causal, label_hindsight])
def test_a_close_that_is_no_price_is_refused(label):
    with pytest.raises(ValueError, match="positive, the lowest was 0"):
        label(np.array([100.0, 0.0, np.nan]))


@pytest.mark.parametrize("label", [label_causal, label_hindsight])
def test_no_rows_have_no_labels(label):
    assert label(np.array([])).tolist() == []


@NEEDS_PRICES
def test_bitcoin_had_five_bulls_and_four_bears():
    """`quant.md` 3.4: 2019-01 to 2023-06, mean 193 and 170 days, drift +59 and -53 bp a day."""
    closes = bitcoin()
    returns = np.diff(np.log(closes))

    labels = label_hindsight(closes, TURNS)

    found = spells(labels)
    bulls = [days for regime, days in found if regime == BULL]
    bears = [days for regime, days in found if regime == BEAR]
    assert (len(bulls), sum(bulls), len(bears), sum(bears)) == (5, 963, 4, 679)
    assert (round(np.mean(bulls)), round(np.mean(bears))) == (193, 170)
    assert round(10_000 * returns[labels[1:] == BULL].mean()) == 59
    assert round(10_000 * returns[labels[1:] == BEAR].mean()) == -53
    assert round(returns[labels[1:] == BULL].std(ddof=1), 3) == 0.032
    assert round(returns[labels[1:] == BEAR].std(ddof=1), 3) == 0.041


@NEEDS_PRICES
def test_bitcoin_went_sideways_in_a_fifth_of_its_days():
    """The synthetic market's regimes are sideways in about as many, and drift as little."""
    closes = bitcoin()
    labels = label_hindsight(closes)

    sideways = labels == SIDEWAYS
    returns = np.diff(np.log(closes))[sideways[1:]]
    assert [days for regime, days in spells(labels) if regime == SIDEWAYS] == [89, 64, 66, 98]
    assert round(sideways.mean(), 2) == 0.19
    assert abs(10_000 * returns.mean()) < 10


@NEEDS_PRICES
def test_bitcoin_was_called_right_at_the_time_on_three_days_of_five():
    closes = bitcoin()

    assert round((label_causal(closes) == label_hindsight(closes)).mean(), 2) == 0.61
