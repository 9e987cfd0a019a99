"""A tape deals out a market; what lies ahead of now is what the tape says, and nothing else."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.app.gate.tapes import HIGH, LOW, Cut, Poisoned, Told
from actors.app.gate.worlds import World, the_quick_world, the_worlds
from arena.instruments import Kind
from arena.market import Market
from arena.seed import Seed

WORLD = the_quick_world(Seed(1))
TRUTH = WORLD.market.values.copy()
STAMPS = WORLD.market.opens_at.copy()


def agree(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.sampled_from([LOW, HIGH]))
def test_the_truth_is_nowhere_before_it_is_dealt(steps: list[int], level: float) -> None:
    world = WORLD.copy()
    tape, rows = Poisoned(world, level=level), 0

    for step in steps:
        before, rows = rows, min(rows + step, len(TRUTH))
        tape.deal(rows - before)
        tape.show()
        assert agree(tape.market.values[:rows], TRUTH[:rows])
        assert agree(tape.market.opens_at[:rows], STAMPS[:rows])
        assert tape.view.now == rows - 1
        assert agree(tape.view.history("BTC.close"), TRUTH[:rows, column("BTC.close")])
        assert not np.isin(world.market.values[rows:], TRUTH[rows:]).any()
        assert not np.isin(tape.view._seen[:, rows:], TRUTH[rows:]).any()
        assert not np.isin(tape.market.opens_at[rows:], STAMPS[rows:]).any()


def column(name: str) -> int:
    return WORLD.market.columns[name]


def test_no_market_in_the_process_knows_what_a_poisoned_tape_has_not_dealt() -> None:
    world = the_quick_world(Seed(2))
    ahead = float(world.market.column("BTC.close")[80])
    tape = Poisoned(world, level=HIGH)

    tape.deal(80)
    tape.show()

    owners = [each for each in gc.get_objects() if isinstance(each, Market)]
    assert any(each is tape.market for each in owners)
    assert not any(ahead in each.values for each in owners)


def test_a_cut_tape_ends_now() -> None:
    tape = Cut(WORLD)

    for rows in (1, 5, 20):
        tape.deal(rows - len(tape.market))
        tape.show()
        assert len(tape.market) == len(tape.view.opens_at) == rows
        assert agree(tape.view.history("BTC.close"), TRUTH[:rows, column("BTC.close")])


def test_a_told_tape_is_the_market_of_a_run() -> None:
    tape = Told(WORLD)

    tape.deal(5)
    tape.show()

    assert tape.market is WORLD.market
    assert tape.view.now == 4
    assert len(tape.view.opens_at) == len(TRUTH)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_worlds_are_made_from_their_seed_and_differ(seed: int) -> None:
    once, again = the_worlds(Seed(seed)), the_worlds(Seed(seed))

    assert [world.name for world in once] == ["everything", "holes", "crash"]
    for one, other in zip(once, again, strict=True):
        assert agree(one.market.values, other.market.values)
    assert not agree(once[0].market.values[:100], the_worlds(Seed(3))[0].market.values[:100])


def test_between_them_the_worlds_have_what_real_ones_have() -> None:
    everything, holes, crash = the_worlds(Seed(1))

    assert {one.kind for one in everything.terms.instruments.values()} == {*Kind}
    assert holes.warmup == 1
    closes = holes.market.column("ETH.close")
    assert np.isnan(closes[:40]).all()
    assert np.isfinite(closes[40:]).any()
    assert np.isnan(holes.market.column("SOL.close")[70:]).all()
    closes = crash.market.column("BTC.close")
    assert closes[crash.warmup :].min() < 0.7 * closes[: crash.warmup].min()


def test_a_column_that_a_strategy_needs_is_there() -> None:
    for world in the_worlds(Seed(1), ("my_feature", "BTC.close")):
        assert isinstance(world, World)
        assert np.nanmin(world.market.column("my_feature")) > 0
