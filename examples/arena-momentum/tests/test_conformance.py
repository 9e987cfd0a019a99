"""What every strategy and every policy promises, asked of these two."""

from arena_momentum import Momentum, weigh_by_fitness

from actors.testing.conformance import PolicyConformance, StrategyConformance


class TestMomentum(StrategyConformance):
    strategy = Momentum
    quick = True


class TestByFitness(PolicyConformance):
    weigh = staticmethod(weigh_by_fitness)
