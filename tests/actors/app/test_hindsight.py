"""A result tells bulls from bears, for everyone who was ever born, from the NAVs on record."""

from __future__ import annotations

import math
import statistics
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.folding import fold_run
from actors.app.hindsight import look_back
from actors.app.stretches import Life, Stretch
from actors.journal.reader import open_run
from arena.events import TickSettled
from arena.metrics import sharpe_ratio
from arena.prices.regimes import Regime
from arena.regimes import label_hindsight

NAMES = ("bull", "bear", "sideways")


@pytest.fixture(scope="module")
def seen(lively):
    with open_run(lively) as run:
        return look_back(run)


@pytest.fixture(scope="module")
def treasury(lively):
    with open_run(lively) as run:
        return fold_run(run)


def test_what_an_agent_made_in_each_regime_is_what_it_made(seen, treasury):
    everyone = {**treasury.agents, **treasury.dead}
    agents = seen["regimes"]["agents"]

    assert treasury.dead
    assert agents.keys() == everyone.keys()
    for agent_id, agent in everyone.items():
        made = math.prod(1.0 + (agents[agent_id][name]["return"] or 0.0) for name in NAMES)
        assert made == pytest.approx(agent.nav, rel=1e-12)


def test_an_agent_has_a_day_for_each_close_that_it_saw(seen, treasury):
    for agent_id, agent in {**treasury.agents, **treasury.dead}.items():
        line = seen["regimes"]["agents"][agent_id]
        last = treasury.tick if agent.died is None else agent.died
        assert sum(line[name]["days"] for name in NAMES) == last - agent.genome.born


def test_the_days_are_those_of_the_reference_on_record(seen, lively):
    with open_run(lively) as run:
        closes = [event.prices["BTC"][1] for _, event in run.events() if hasattr(event, "prices")]
    labels = label_hindsight(np.array(closes))

    assert seen["regimes"]["reference"] == "BTC"
    assert seen["regimes"]["days"] == {
        name: int((labels == regime).sum()) for name, regime in zip(NAMES, Regime, strict=True)
    }


def test_the_reference_is_bought_at_the_first_open_and_held(seen, lively):
    with open_run(lively) as run:
        bars = [event.prices["BTC"] for _, event in run.events() if hasattr(event, "prices")]
    market = seen["regimes"]["market"]

    made = math.prod(1.0 + (market[name]["return"] or 0.0) for name in NAMES)
    assert made == pytest.approx(bars[-1][1] / bars[0][0], rel=1e-12)


def test_a_strategy_is_the_mean_of_everyone_born_with_it_the_dead_included(seen, treasury):
    dead = next(agent for agent in treasury.dead.values())
    agents = seen["regimes"]["agents"].values()
    strategy = dead.genome.strategy
    lines = [line for line in agents if line["strategy"] == strategy]

    group = seen["regimes"]["strategies"][strategy]

    assert group["agents"] == len(lines)
    for name in NAMES:
        there = [line[name]["return"] for line in lines if line[name]["days"]]
        assert group[name]["agents"] == len(there)
        if there:
            assert group[name]["return"] == pytest.approx(statistics.fmean(there))


def test_a_baseline_stands_for_itself(seen):
    groups = seen["regimes"]["strategies"]

    assert {name for name, group in groups.items() if group["baseline"]} == {
        "baseline-cash",
        "baseline-buy-and-hold",
        "baseline-random",
    }


def test_every_fill_met_the_data_of_its_instrument(seen, treasury):
    touched = seen["touched"]

    assert touched["fills"] == treasury.counts["executed"] + treasury.counts["forced_sales"]
    assert touched["share"] == {"real": 0, "resampled": 0, "estimated": 0, "synthetic": 1}
    assert touched["held"] == 0


def test_a_run_that_is_asked_again_says_the_same(arena, small, finished):
    again = arena("run", "--resume", finished, "--json").data

    with open_run(finished) as run:
        assert {name: again[name] for name in look_back(run)} == look_back(run)


def test_people_see_strategies_and_yardsticks_side_by_side(arena, small, tmp_path):
    out = arena("run", small, "--set", "market.reference=ETH", "--out", tmp_path).out

    assert "in hindsight, by ETH" in out
    assert "at prices that are 100.0% synthetic" in out


def test_the_reference_changes_nothing_in_the_run(arena, small, finished, tmp_path):
    one = arena("run", "--resume", finished, "--json").data
    other = arena(
        "run", small, "--set", "market.reference=SOL", "--json", "--out", tmp_path / "other"
    ).data

    assert one["head"] == other["head"]
    assert other["regimes"]["reference"] == "SOL"


def test_a_reference_that_cannot_be_held_is_refused(arena, small, tmp_path):
    answer = arena("run", small, "--set", "market.reference=aave", "--out", tmp_path / "none")

    assert answer.code == 2
    assert "market.reference" in answer.err
    assert "a spot instrument: BTC, ETH, SOL" in answer.err


# The sums


def per_million(count: int) -> float:
    return count / 1e6


@given(st.lists(st.integers(-500_000, 500_000).map(per_million), min_size=2, max_size=60))
def test_a_stretch_says_what_the_whole_list_of_returns_would(returns):
    stretch = Stretch()
    for each in returns:
        stretch.add(each)

    expected = float(sharpe_ratio(np.array(returns), 365))
    assert stretch.growth == pytest.approx(math.prod(1.0 + each for each in returns))
    assert stretch.sharpe(365) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_stretch_of_one_day_has_no_sharpe():
    stretch = Stretch()
    stretch.add(0.1)

    assert stretch.sharpe(365) is None


def test_what_is_sold_after_the_close_belongs_to_the_day_that_closed():
    life = Life("any", baseline=False)
    life.close(1.1, Regime.BULL)
    life.touch(0.9)
    life.close(0.45, Regime.BEAR)
    life.end()

    bull, bear, _ = life.stretches
    assert (bull.growth, bear.growth) == (pytest.approx(0.9), pytest.approx(0.5))


def test_who_has_nothing_left_earns_nothing():
    life = Life("any", baseline=False)
    for nav in (0.0, 0.0):
        life.close(nav, Regime.BULL)
    life.end()

    assert (life.stretches[Regime.BULL].days, life.stretches[Regime.BULL].growth) == (2, 0.0)


# Data with gaps

GAPPY = """
[run]
name = "gappy"
[market]
source = "csv"
start = 2020-01-05
end = 2020-02-25
warmup_days = 3
[[market.sources]]
path = "prices.csv"
time_column = "day"
time_zone = "UTC"
gaps = "hold:1"
series = { "BTC.open" = "open", "BTC.close" = "close" }
[[instruments]]
name = "BTC"
kind = "spot"
[population]
agents = 3
mix = { random = 1 }
baselines = []
"""


def test_a_fill_on_a_bar_that_was_carried_over_a_gap_is_counted(arena, tmp_path):
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(60) if n % 4 != 2]
    rows = [f"{day},{100 + n % 7},{101 + n % 5}" for n, day in enumerate(days)]
    (tmp_path / "prices.csv").write_text("\n".join(["day,open,close", *rows]) + "\n")
    (tmp_path / "gappy.toml").write_text(GAPPY)

    answer = arena("run", tmp_path / "gappy.toml", "--out", tmp_path / "run")

    with open_run(tmp_path / "run") as run:
        settled = [event for _, event in run.events() if isinstance(event, TickSettled)]
        touched = look_back(run)["touched"]
    on_held = sum(fill.instrument in event.held for event in settled for fill in event.fills)
    assert on_held > 0
    assert touched["held"] >= on_held
    assert touched["share"]["real"] == 1.0
    assert f"100.0% real; {touched['held']} on bars carried over a gap" in answer.out


def test_everyone_who_was_ever_born_is_in_the_line_of_a_strategy(seen, treasury):
    lines = seen["archetypes"]
    everyone = [*treasury.agents.values(), *treasury.dead.values()]
    born = [agent for agent in everyone if not agent.genome.baseline]

    for name, line in lines.items():
        members = [agent for agent in born if agent.genome.strategy == name]
        returns = [agent.nav - 1.0 for agent in members]
        assert line["born"] == len(members)
        assert line["killed"] == sum(agent.died is not None for agent in members)
        assert line["trades"] == sum(agent.trades for agent in members)
        assert line["median_return"] == statistics.median(returns)
        assert line["best_return"] == max(returns)
    assert sum(line["born"] for line in lines.values()) == treasury.counts["born"]
    for layer in ("proving", "arena"):
        risen = sum(line["graduated"][layer] for line in lines.values())
        assert risen == treasury.counts.get(f"graduated_to_{layer}", 0)
