"""`PolicyConformance`: it divides what there is, and no more, and no target is above a limit.

class TestMine(PolicyConformance):
weigh = staticmethod(weigh_mine)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from arena.ids import AgentId
from arena.money import MICRO, Money
from arena.policies import Candidate, Target, limit_targets, rank
from arena.rules import AllocationRules
from arena.seed import Seed
from arena.words import Tier

RULES = AllocationRules()
FAMILIES = ("x", "y", "z")
CASES = 150
"""How many questions each test asks, the same ones each time."""

MOST_USD = 300_000


def questions() -> Iterator[tuple[list[Candidate], Money, dict[str, int]]]:
    """Yield candidates, best first; what there is to divide; and what families hold already."""
    for number in range(CASES):
        draw = Seed(number).child("policy").generator()
        count = 1 + int(draw.integers(12)) if number else 1
        drawn = [
            Candidate(
                agent_id=AgentId(f"g{number:03d}-{n:03d}"),
                family=FAMILIES[int(draw.integers(3))],
                fitness=None if draw.random() < 0.2 else round(float(draw.normal()), 1),
                total_return=float(draw.normal(scale=0.2)),
                balance=Money(int(draw.integers(MOST_USD)) * MICRO if draw.random() < 0.8 else 0),
                penalised=bool(draw.random() < 0.2),
                requested=Money(int(draw.integers(MOST_USD * MICRO)))
                if draw.random() < 0.3
                else None,
            )
            for n in range(count)
        ]
        amount = (0, 1, 7, int(draw.integers(MOST_USD * MICRO)))[min(number, 3)]
        used = {family: int(draw.integers(MOST_USD)) * MICRO for family in FAMILIES}
        yield rank(drawn), Money(amount), used


class PolicyConformance:
    """What every policy promises; see `arena.policies.policy`."""

    def weigh(
        self, candidates: Sequence[Candidate], amount: int, rules: AllocationRules
    ) -> list[Target]:
        """Return a target for each candidate; assign your policy here, as a `staticmethod`."""
        raise NotImplementedError

    def test_every_candidate_has_one_target_in_its_place(self) -> None:
        for candidates, amount, _ in questions():
            targets = self.weigh(candidates, amount, RULES)

            assert [target.candidate for target in targets] == candidates
            assert all(isinstance(target.tier, Tier) for target in targets)

    def test_together_they_are_no_more_than_there_is(self) -> None:
        for candidates, amount, _ in questions():
            parts = [target.amount for target in self.weigh(candidates, amount, RULES)]

            assert all(type(part) is int for part in parts), "whole micro-dollars, and no float"
            assert all(part >= 0 for part in parts)
            assert sum(parts) <= amount

    def test_the_same_question_has_the_same_answer(self) -> None:
        for candidates, amount, _ in questions():
            asked = list(candidates)
            first = self.weigh(candidates, amount, RULES)

            assert self.weigh(candidates, amount, RULES) == first
            assert candidates == asked, "what it is asked is not its own to change"

    def test_a_name_is_worth_nothing(self) -> None:
        for candidates, amount, _ in questions():
            renamed = [
                Candidate(
                    agent_id=AgentId(f"h{n:03d}"),
                    family=one.family,
                    fitness=one.fitness,
                    total_return=one.total_return,
                    balance=one.balance,
                    penalised=one.penalised,
                    requested=one.requested,
                )
                for n, one in enumerate(candidates)
            ]
            amounts = [target.amount for target in self.weigh(candidates, amount, RULES)]

            assert [t.amount for t in self.weigh(renamed, amount, RULES)] == amounts

    def test_no_target_is_above_a_limit(self) -> None:
        for candidates, amount, used in questions():
            wanted = self.weigh(candidates, amount, RULES)
            targets = limit_targets(wanted, capital=amount, family_used=used, rules=RULES)

            assert [target.candidate for target in targets] == candidates
            for before, after in zip(wanted, targets, strict=True):
                check_limits(before, after, amount)
            for family in FAMILIES:
                held = sum(t.amount for t in targets if t.candidate.family == family)
                assert held <= max(amount * RULES.per_family_bp // 10_000 - used[family], 0)


def check_limits(before: Target, after: Target, capital: int) -> None:
    """Check one target under every limit that is its own.

    Raises:
        AssertionError: It is above one, or was lowered without a reason.
    """
    candidate = after.candidate
    assert 0 <= after.amount <= before.amount
    assert bool(after.limits) == (after.amount < before.amount)
    assert after.amount * 10_000 <= capital * RULES.per_agent_bp
    assert candidate.balance == 0 or after.amount <= RULES.growth_max * candidate.balance
    assert candidate.requested is None or after.amount <= candidate.requested
    assert not candidate.penalised or after.amount <= before.amount // 2
