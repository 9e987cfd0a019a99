"""The words of the game: where agents compete, how they stand, whose money it is, why not."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

Metrics: TypeAlias = dict[str, float | None]
"""Metric name -> value; None where it is not defined yet."""

Scalar: TypeAlias = str | int | float | bool | None


class Layer(StrEnum):
    """Where an agent competes."""

    SIMULATION = "simulation"
    PROVING = "proving"
    ARENA = "arena"


class Status(StrEnum):
    """Whether an agent competes."""

    ALIVE = "alive"
    PAUSED = "paused"
    QUARANTINED = "quarantined"
    DEAD = "dead"


class Tier(StrEnum):
    """An arena agent's standing at the last cycle."""

    ELITE = "elite"
    ACTIVE = "active"
    CHALLENGER = "challenger"
    ENTRANT = "entrant"


class Book(StrEnum):
    """Whose money it is: the treasury's, or the play money of the simulation."""

    REAL = "real"
    VIRTUAL = "virtual"


ALL = "all"
"""The scope of a halt that binds everyone."""

ARENA_SCOPE = "arena"
"""The scope of what binds the arena's agents."""


class StopMode(StrEnum):
    """What an emergency stop does with what is held."""

    PAUSE = "pause"
    """It stays as it is."""

    WIND_DOWN = "wind_down"
    """It is sold at the last close."""


class Action(StrEnum):
    """What somebody who runs the arena can have done, from outside and on the record."""

    PAUSE = "pause"
    """No more ticks, until `resume`."""

    RESUME = "resume"
    PANIC = "panic"
    """All trading stops, until `reset_panic`."""

    RESET_PANIC = "reset_panic"
    SPAWN = "spawn"
    KILL = "kill"
    PAUSE_AGENT = "pause_agent"
    UNPAUSE_AGENT = "unpause_agent"
    EVOLVE = "evolve"
    """A cycle, due or not: it follows."""

    RELOAD = "reload"
    """Other rules: the fork follows."""


class Refusal(StrEnum):
    """Why a command was refused, in order of precedence: the first that applies is given."""

    TICK_OUT_OF_ORDER = "tick_out_of_order"
    UNKNOWN_AGENT = "unknown_agent"
    UNKNOWN_STRATEGY = "unknown_strategy"
    PARAMETERS_OUT_OF_BOUNDS = "parameters_out_of_bounds"
    AGENT_IS_DEAD = "agent_is_dead"
    AGENT_IS_BASELINE = "agent_is_baseline"
    AGENT_IS_QUARANTINED = "agent_is_quarantined"
    AGENT_IS_PAUSED = "agent_is_paused"
    AGENT_IS_NOT_PAUSED = "agent_is_not_paused"
    WRONG_LAYER = "wrong_layer"
    AMOUNT_MUST_BE_POSITIVE = "amount_must_be_positive"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
    TRADING_HALTED = "trading_halted"
    NOT_HALTED = "not_halted"
    REQUIREMENTS_NOT_MET = "requirements_not_met"
    GATE_NOT_PASSED = "gate_not_passed"
    LAYER_IS_FULL = "layer_is_full"
    POPULATION_IS_FULL = "population_is_full"
    AGENT_LIMIT_EXCEEDED = "agent_limit_exceeded"
    POOL_INSUFFICIENT = "pool_insufficient"
    BALANCE_INSUFFICIENT = "balance_insufficient"
