"""The population renews itself inside its bounds, and nobody's draw depends on another's."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.evolution import (
    Individual,
    draw_parameters,
    draw_strategy,
    mutate_number,
    mutate_parameters,
    repair,
    select_top,
    select_tournament,
)
from arena.ids import AgentId
from arena.rules import EvolutionRules
from arena.seed import Seed
from arena.strategies import BUILT_IN, Choice, Number, Strategy, TacticalTrader
from tests.arena.builders import Idle

RULES = EvolutionRules()
seeds = st.integers(0, 2**64).map(Seed)
built_in = st.sampled_from(sorted(BUILT_IN)).map(BUILT_IN.__getitem__)


class Pairs(Idle):
    """A strategy with a pair of whole numbers that must ascend."""

    name = "pairs"
    parameters = (
        Number(name="fast", default=10, low=2, high=50, integer=True),
        Number(name="slow", default=30, low=2, high=50, integer=True),
        Choice(name="side", default="long", options=("long", "flat")),
    )
    ordered = (("fast", "slow"),)


def a_number(**changes: object) -> Number:
    fields: dict[str, object] = {"name": "n", "default": 5.0, "low": 0.0, "high": 10.0}
    return Number(**{**fields, **changes})  # type: ignore[arg-type]


def an_individual(name: str, fitness: float) -> Individual:
    return Individual(AgentId(name), fitness, "idle", {})


class TestMutation:
    @settings(max_examples=200)
    @given(built_in | st.just(Pairs), seeds)
    def test_a_mutant_is_as_valid_as_its_parent(self, strategy: type[Strategy], seed: Seed) -> None:
        parameters = draw_parameters(strategy, seed)

        for generation in range(5):
            strategy.check_settings(parameters)
            parameters = mutate_parameters(
                strategy, parameters, rules=RULES, seed=seed.child("mutate", generation)
            )
        strategy.check_settings(parameters)

    @settings(max_examples=100)
    @given(seeds)
    def test_every_number_moves_and_every_choice_stays(self, seed: Seed) -> None:
        parent = TacticalTrader.defaults()

        child = mutate_parameters(TacticalTrader, parent, rules=RULES, seed=seed)

        for parameter in TacticalTrader.parameters:
            moved = child[parameter.name] != parent[parameter.name]
            assert moved == isinstance(parameter, Number), parameter.name

    @settings(max_examples=200)
    @given(seeds, st.floats(0.5, 9.0))
    def test_a_number_moves_by_no_more_than_a_fifth(self, seed: Seed, value: float) -> None:
        moved = mutate_number(a_number(), value, rules=RULES, seed=seed)

        assert 0.8 * value - 1e-12 <= moved <= min(1.2 * value, 10.0) + 1e-12

    @settings(max_examples=200)
    @given(seeds, st.integers(-3, 3))
    def test_a_whole_number_moves_by_at_least_one_and_stays_whole(
        self, seed: Seed, value: int
    ) -> None:
        number = a_number(low=-3, high=3, integer=True)

        moved = mutate_number(number, float(value), rules=RULES, seed=seed)

        assert type(moved) is int
        assert -3 <= moved <= 3
        assert abs(moved - value) >= 1

    def test_a_zero_can_move_either_way_by_a_share_of_its_range(self) -> None:
        number = a_number(low=-10.0, high=10.0)

        moved = [
            mutate_number(number, 0.0, rules=RULES, seed=Seed(1).child("n", n)) for n in range(200)
        ]

        assert all(0 < abs(value) <= 0.2 * 0.2 * 20 for value in moved)
        assert 60 < sum(value > 0 for value in moved) < 140

    @pytest.mark.parametrize("bound", [0.5, 10.0])
    def test_a_number_at_its_bound_moves_inwards(self, bound: float) -> None:
        number = a_number(low=0.5)

        for n in range(50):
            moved = mutate_number(number, bound, rules=RULES, seed=Seed(n))
            assert 0.5 <= moved <= 10.0
            assert moved != bound

    def test_mutation_has_no_drift_in_the_mean_and_a_known_one_in_the_logarithm(self) -> None:
        number = a_number(low=0.0, high=100.0)

        moved = np.array(
            [
                mutate_number(number, 1.0, rules=RULES, seed=Seed(7).child("n", n))
                for n in range(4_000)
            ]
        )

        error = moved.std() / math.sqrt(len(moved))
        assert abs(moved.mean() - 1.0) < 4 * error
        assert np.log(moved).mean() == pytest.approx(-0.0067, abs=4 * error)

    def test_the_same_seed_makes_the_same_mutant_and_another_seed_another(self) -> None:
        parent = TacticalTrader.defaults()

        first, again, other = (
            mutate_parameters(TacticalTrader, parent, rules=RULES, seed=Seed(n)) for n in (1, 1, 2)
        )

        assert first == again != other
        assert parent == TacticalTrader.defaults()


class TestRepair:
    def test_a_pair_out_of_order_changes_places(self) -> None:
        assert repair(Pairs, {"fast": 40, "slow": 20, "side": "flat"}) == {
            "fast": 20,
            "slow": 40,
            "side": "flat",
        }

    def test_a_pair_in_order_is_left_alone(self) -> None:
        assert repair(Pairs, {"fast": 20, "slow": 21})["fast"] == 20

    def test_a_pair_that_cannot_ascend_goes_to_its_defaults(self) -> None:
        assert repair(Pairs, {"fast": 7, "slow": 7}) == {"fast": 10, "slow": 30}

    def test_bounds_are_kept_where_places_are_changed(self) -> None:
        settings_ = {**TacticalTrader.defaults(), "ratio_buy": 1.8, "ratio_sell": 1.5}

        TacticalTrader.check_settings(repair(TacticalTrader, settings_))


class TestDrawing:
    @settings(max_examples=200)
    @given(built_in | st.just(Pairs), seeds)
    def test_what_is_drawn_is_valid(self, strategy: type[Strategy], seed: Seed) -> None:
        strategy.check_settings(draw_parameters(strategy, seed))

    def test_whole_numbers_are_equally_likely_their_bounds_too(self) -> None:
        number = a_number(low=1, high=3, integer=True)

        drawn = Counter(number.draw(Seed(1).child("n", n)) for n in range(3_000))

        assert set(drawn) == {1, 2, 3}
        assert all(abs(count - 1_000) < 110 for count in drawn.values())  # Four deviations.

    def test_strategies_are_drawn_by_their_weights_and_one_of_weight_zero_never(self) -> None:
        mix = {"a": 3, "b": 0, "c": 1}

        drawn = Counter(draw_strategy(mix, Seed(1).child("n", n)) for n in range(2_000))

        assert set(drawn) == {"a", "c"}
        assert abs(drawn["a"] - 1_500) < 80

    def test_the_order_in_which_a_config_names_them_changes_nothing(self) -> None:
        mix = {"a": 3, "b": 1, "c": 1}
        turned = dict(reversed(mix.items()))

        for n in range(50):
            assert draw_strategy(mix, Seed(n)) == draw_strategy(turned, Seed(n))


class TestSelection:
    def test_the_top_share_is_rounded_up_and_ties_go_to_the_smaller_id(self) -> None:
        some = [an_individual(name, 1.0) for name in "edcba"] + [an_individual("z", 2.0)]

        assert [one.agent_id for one in select_top(some, 0.2)] == ["z", "a"]
        assert select_top(some[:1], 0.2) == some[:1]
        assert select_top([], 0.2) == []

    def test_a_tournament_is_won_by_the_fittest_who_was_drawn(self) -> None:
        some = [an_individual(f"{n}", float(n)) for n in range(10)]

        for n in range(50):
            seed = Seed(n)
            drawn = seed.generator().integers(10, size=3)
            winner = select_tournament(some, size=3, seed=seed)
            assert winner.fitness == max(drawn)

    def test_a_larger_tournament_is_harder_to_win(self) -> None:
        some = [an_individual(f"{n}", float(n)) for n in range(10)]

        means = [
            np.mean([select_tournament(some, size=k, seed=Seed(n)).fitness for n in range(300)])
            for k in (1, 3, 9)
        ]

        assert means == sorted(means)
        assert means[0] == pytest.approx(4.5, abs=0.7)

    def test_a_tie_goes_to_the_smaller_id_wherever_it_stands(self) -> None:
        some = [an_individual("b", 1.0), an_individual("a", 1.0)]

        winners = {select_tournament(some, size=20, seed=Seed(n)).agent_id for n in range(10)}

        assert winners == {"a"}

    def test_nobody_wins_where_nobody_is(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            select_tournament([], size=3, seed=Seed(1))
