"""A plugin: the strategy `momentum`, the policy `by-fitness`, and a sponsor with a budget."""

from arena_momentum.policy import weigh_by_fitness
from arena_momentum.sponsor import Sponsor
from arena_momentum.strategy import Momentum

__all__ = ["Momentum", "Sponsor", "weigh_by_fitness"]
