"""How the population renews itself: select parents, mutate them, draw fresh ones.

Each function is pure: its randomness is the seed that it is given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arena.ids import AgentId
from arena.rules import EvolutionRules, count_top
from arena.seed import Seed
from arena.strategies import Number, Strategy
from arena.words import Scalar

_ZERO_STEP = 0.2
"""A parameter that stands at 0 moves as if it stood at this share of its range."""


@dataclass(frozen=True, slots=True)
class Individual:
    """What evolution sees of an agent."""

    agent_id: AgentId
    fitness: float
    strategy: str
    parameters: Mapping[str, Scalar]


def select_top(individuals: Sequence[Individual], share: float) -> list[Individual]:
    """Return the best `share` of them, rounded up; ties go to the smaller id."""
    ranked = sorted(individuals, key=lambda one: (-one.fitness, one.agent_id))
    return ranked[: count_top(share, len(ranked))]


def select_tournament(individuals: Sequence[Individual], *, size: int, seed: Seed) -> Individual:
    """Return the fittest of `size` individuals drawn with replacement.

    Raises:
        ValueError: There is nobody to draw from.

    Source:
        Goldberg & Deb, A Comparative Analysis of Selection Schemes (1991).
    """
    if not individuals:
        raise ValueError("a tournament needs at least one individual")
    drawn = seed.generator().integers(len(individuals), size=size)
    entrants = [individuals[int(i)] for i in drawn]
    return min(entrants, key=lambda one: (-one.fitness, one.agent_id))


def mutate_parameters(
    strategy: type[Strategy], parameters: Mapping[str, Scalar], *, rules: EvolutionRules, seed: Seed
) -> dict[str, Scalar]:
    """Return `parameters` with every number multiplied by U(low, high), inside its bounds.

    A whole number moves by at least 1, a 0 can move, and a pair that must ascend is put in order.
    Choices stay.
    """
    mutated = dict(parameters)
    for parameter in strategy.parameters:
        if isinstance(parameter, Number):
            value = float(parameters[parameter.name])  # type: ignore[arg-type]  # a number
            mutated[parameter.name] = mutate_number(
                parameter, value, rules=rules, seed=seed.child("parameter", parameter.name)
            )
    return repair(strategy, mutated)


def mutate_number(
    parameter: Number, value: float, *, rules: EvolutionRules, seed: Seed
) -> int | float:
    """Return one number's mutation."""
    factor = float(seed.generator().uniform(rules.mutation_low, rules.mutation_high))
    step = value * (factor - 1.0)
    if value == 0.0:
        step = (factor - 1.0) * _ZERO_STEP * (parameter.high - parameter.low)
    if parameter.integer and abs(step) < 1.0:
        step = math.copysign(1.0, step)
    moved = parameter.fit(value + step)
    return parameter.fit(value - step) if moved == value else moved


def repair(strategy: type[Strategy], parameters: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return `parameters` with each pair (low, high) that must ascend doing so.

    A pair out of order changes places; where the bounds of one forbid that, both go to their
    defaults.
    """
    repaired = dict(parameters)
    declared = {p.name: p for p in strategy.parameters if isinstance(p, Number)}
    for low, high in strategy.ordered:
        below, above = float(repaired[low]), float(repaired[high])  # type: ignore[arg-type]  # numbers
        if below < above:
            continue
        swapped = declared[low].fit(above), declared[high].fit(below)
        if swapped[0] >= swapped[1]:
            swapped = (
                declared[low].fit(declared[low].default),
                declared[high].fit(declared[high].default),
            )
        repaired[low], repaired[high] = swapped
    return repaired


def draw_parameters(strategy: type[Strategy], seed: Seed) -> dict[str, Scalar]:
    """Return fresh parameters: numbers uniform inside their bounds, choices equally likely."""
    drawn: dict[str, Scalar] = {
        parameter.name: parameter.draw(seed.child("parameter", parameter.name))
        for parameter in strategy.parameters
    }
    return repair(strategy, drawn)


def draw_strategy(mix: Mapping[str, int], seed: Seed) -> str:
    """Return the name of a strategy, each drawn in proportion to its whole-numbered weight."""
    names = sorted(mix)  # The manifest does not keep the order in which the config names them.
    point = int(seed.generator().integers(sum(mix.values())))
    for name in names:
        point -= mix[name]
        if point < 0:
            return name
    raise AssertionError("the weights sum to more than the point that was drawn")
