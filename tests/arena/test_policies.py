"""A policy divides to the micro-dollar, and no target is above any limit."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import pytest

from arena.ids import AgentId
from arena.policies import (
    Candidate,
    Target,
    limit_family,
    limit_targets,
    rank,
    select_tier,
    weigh_equal,
    weigh_tiered,
)
from arena.rules import AllocationRules
from arena.words import Tier
from tests.arena.builders import usd

RULES = AllocationRules()
ELITE, ACTIVE, CHALLENGER = Tier.ELITE, Tier.ACTIVE, Tier.CHALLENGER


def a_candidate(
    name: str = "a",
    *,
    fitness: float | None = 1.0,
    total_return: float = 0.0,
    family: str = "x",
    balance: float = 10_000,
    penalised: bool = False,
    requested: float | None = None,
) -> Candidate:
    return Candidate(
        agent_id=AgentId(name),
        family=family,
        fitness=fitness,
        total_return=total_return,
        balance=usd(balance),
        penalised=penalised,
        requested=None if requested is None else usd(requested),
    )


def candidates(count: int) -> list[Candidate]:
    return [a_candidate(f"{n:03d}", family=f"{n}") for n in range(count)]


def a_target(amount: float, **candidate: object) -> Target:
    return Target(
        candidate=a_candidate(**candidate),  # type: ignore[arg-type]
        tier=ELITE,
        amount=usd(amount),
    )


def limited(*targets: Target, capital: float = 100_000, **used: int) -> list[Target]:
    return limit_targets(targets, capital=usd(capital), family_used=used, rules=RULES)


class TestTiers:
    @pytest.mark.parametrize(
        ("count", "tiers"),
        [
            (1, "E"),
            (2, "EC"),
            (3, "EAC"),
            (4, "EACC"),
            (5, "EAACC"),
            (6, "EEACCC"),
            (7, "EEAACCC"),
            (10, "EEAAACCCCC"),
            (11, "EEEAAACCCCC"),
            (20, "EEEEAAAAAACCCCCCCCCC"),
        ],
    )
    def test_ranks_fall_into_the_tiers_that_people_count(self, count: int, tiers: str) -> None:
        letters = {ELITE: "E", ACTIVE: "A", CHALLENGER: "C"}

        found = [letters[select_tier(n, count, RULES)] for n in range(1, count + 1)]

        assert "".join(found) == tiers

    @pytest.mark.parametrize("count", range(1, 31))
    def test_the_edges_are_at_a_fifth_and_at_half_rounded_up(self, count: int) -> None:
        found = Counter(select_tier(n, count, RULES) for n in range(1, count + 1))

        assert found[ELITE] == math.ceil(Fraction(count, 5))
        assert found[ELITE] + found[ACTIVE] == math.ceil(Fraction(count, 2))
        assert found[CHALLENGER] == count - math.ceil(Fraction(count, 2))

    @pytest.mark.parametrize("amount", [usd(200_000), 7])
    def test_the_sum_is_exact_whatever_the_number(self, amount: int) -> None:
        for count in range(1, 301):
            ranked = candidates(count)
            targets = weigh_tiered(ranked, amount, RULES)

            assert sum(target.amount for target in targets) == amount, count
            assert [target.candidate for target in targets] == ranked
            for tier in {target.tier for target in targets}:
                parts = [target.amount for target in targets if target.tier is tier]
                assert max(parts) - min(parts) <= 1

    @pytest.mark.parametrize(
        ("count", "shares"),
        [
            (1, {ELITE: 1}),
            (2, {ELITE: Fraction(6, 7), CHALLENGER: Fraction(1, 7)}),
            (3, {ELITE: Fraction(6, 10), ACTIVE: Fraction(3, 10), CHALLENGER: Fraction(1, 10)}),
        ],
    )
    def test_the_share_of_an_empty_tier_goes_to_the_others(
        self, count: int, shares: dict[Tier, Fraction]
    ) -> None:
        targets = weigh_tiered(candidates(count), 7_000_000, RULES)

        assert {t.tier: Fraction(t.amount, 7_000_000) for t in targets} == shares


def test_equal_parts_differ_by_no_more_than_a_micro_dollar() -> None:
    for count in (1, 2, 3, 7, 147, 148, 149, 195, 196):
        parts = [t.amount for t in weigh_equal(candidates(count), usd(200_000), RULES)]

        assert sum(parts) == usd(200_000)
        assert max(parts) - min(parts) <= 1


class TestRanking:
    def test_fitness_decides_then_return_then_the_id(self) -> None:
        ranked = rank(
            [
                a_candidate("z", fitness=None, total_return=9.0),
                a_candidate("d", fitness=1.0, total_return=0.1),
                a_candidate("c", fitness=1.0, total_return=0.1),
                a_candidate("b", fitness=1.0, total_return=0.2),
                a_candidate("e", fitness=-3.0),
                a_candidate("a", fitness=2.0),
            ]
        )

        assert [one.agent_id for one in ranked] == ["a", "b", "c", "d", "e", "z"]

    def test_who_asks_in_which_order_makes_no_difference(self) -> None:
        some = [a_candidate(name, fitness=float(n % 2)) for n, name in enumerate("abcdef")]

        assert rank(some[::-1]) == rank(some)


class TestLimits:
    def test_no_agent_gets_more_than_thirty_per_cent_of_the_arena(self) -> None:
        (target,) = limited(a_target(60_000))

        assert (target.amount, target.limits) == (usd(30_000), ("per_agent",))

    def test_no_balance_grows_more_than_tenfold(self) -> None:
        (target,) = limited(a_target(20_000, balance=1_500))

        assert (target.amount, target.limits) == (usd(15_000), ("growth",))

    def test_a_first_funding_has_nothing_to_grow_from(self) -> None:
        (target,) = limited(a_target(20_000, balance=0))

        assert (target.amount, target.limits) == (usd(20_000), ())

    def test_a_penalised_agent_gets_half_of_what_it_would_have_got(self) -> None:
        plain, penalised = (
            limited(a_target(amount, penalised=who))[0].amount
            for amount, who in ((100_000, False), (100_000, True))
        )

        assert (plain, penalised) == (usd(30_000), usd(15_000))

    def test_a_family_is_cut_back_in_proportion(self) -> None:
        first, second, other = limited(
            a_target(30_000, name="a", family="x"),
            a_target(20_000, name="b", family="x"),
            a_target(10_000, name="c", family="y"),
        )

        assert (first.amount, second.amount) == (usd(24_000), usd(16_000))
        assert first.limits == second.limits == ("per_family",)
        assert (other.amount, other.limits) == (usd(10_000), ())

    def test_what_entrants_of_the_family_hold_counts_too(self) -> None:
        (target,) = limited(a_target(30_000), x=usd(25_000))
        (none,) = limited(a_target(30_000), x=usd(45_000))

        assert (target.amount, none.amount) == (usd(15_000), 0)

    def test_an_agent_is_given_no_more_than_it_asked_for(self) -> None:
        (less,) = limited(a_target(10_000, requested=4_000))
        (more,) = limited(a_target(10_000, requested=40_000))

        assert (less.amount, less.limits) == (usd(4_000), ("requested",))
        assert (more.amount, more.limits) == (usd(10_000), ())

    def test_a_family_with_room_is_left_alone(self) -> None:
        targets = [a_target(10, name="a"), a_target(20, name="b")]

        assert limit_family(targets, "x", usd(30)) == targets
        assert limit_family(targets, "unheard-of", 0) == targets
