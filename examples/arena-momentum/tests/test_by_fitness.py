"""The policy divides all that there is, in proportion to fitness."""

import pytest
from arena_momentum import Momentum, weigh_by_fitness

from actors.testing import ArenaHarness, assert_conserved, synthetic
from arena.ids import AgentId
from arena.money import Money
from arena.policies import Candidate
from arena.rules import AllocationRules


def candidates(*fitness: float | None) -> list[Candidate]:
    return [
        Candidate(
            agent_id=AgentId(f"a{n}"),
            family="f",
            fitness=each,
            total_return=0.0,
            balance=Money(0),
        )
        for n, each in enumerate(fitness)
    ]


@pytest.mark.parametrize(
    ("fitness", "parts"),
    [
        ((3.0, 1.0), [75, 25]),
        ((2.0, -1.0, None), [100, 0, 0]),
        ((-1.0, None), [50, 50]),
        ((1.0, 1.0, 1.0), [34, 33, 33]),
    ],
)
def test_capital_goes_by_fitness(fitness: tuple[float | None, ...], parts: list[int]) -> None:
    targets = weigh_by_fitness(candidates(*fitness), 100, AllocationRules())

    assert [target.amount for target in targets] == parts


@pytest.mark.arena(seeds=2)
async def test_an_arena_that_divides_by_it_loses_nothing() -> None:
    async with ArenaHarness(
        strategies=[Momentum],
        policy=weigh_by_fitness,
        market=synthetic(days=40),
        agents=6,
        open_gates=True,
        config={"allocation": {"entrant_days": 7}},
    ) as arena:
        await arena.run()

        assert arena.events("EvolutionFailed") == []
        assert arena.events("CapitalAllocated")
        assert_conserved(arena)
