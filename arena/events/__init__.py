"""What has happened: every fact that the journal can hold, and the registry that names them.

An event carries facts and nothing that could be looked up in the entry that holds it: sequence
number, time and run belong to the entry.  Amounts are micro-USD (`Money`), NAV and metrics are
finite floats; a metric that is not defined yet is None.  `agent_id` is whom the fact is about.
Adding a field with a default keeps a type's version; anything else makes a new version of it, and
needs a step in `actors.journal.upcasters` that leads there from the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, get_args

from arena.events.agents import (
    AgentDemoted,
    AgentFailed,
    AgentGraduated,
    AgentKilled,
    AgentMutated,
    AgentPaused,
    AgentQuarantined,
    AgentSpawned,
    AgentUnpaused,
)
from arena.events.capital import (
    AllocationError,
    CapitalAllocated,
    CapitalConservationCheck,
    CapitalRequested,
    CapitalReturned,
)
from arena.events.run import (
    ArenaOpened,
    EvolutionCycleComplete,
    EvolutionFailed,
    NoteRecorded,
    OperatorActed,
    Rank,
    RunCompleted,
    RunForked,
    StrategyChecked,
)
from arena.events.trading import (
    OpeningsPaused,
    OpeningsResumed,
    PositionLimitSet,
    PositionsReduced,
    ProtocolConfigured,
    Settlement,
    TickSettled,
    TradeSubmitted,
    TradingHalted,
    TradingResumed,
)

__all__ = [
    "EVENT_TYPES",
    "AgentDemoted",
    "AgentFailed",
    "AgentGraduated",
    "AgentKilled",
    "AgentMutated",
    "AgentPaused",
    "AgentQuarantined",
    "AgentSpawned",
    "AgentUnpaused",
    "AllocationError",
    "ArenaOpened",
    "CapitalAllocated",
    "CapitalConservationCheck",
    "CapitalRequested",
    "CapitalReturned",
    "Event",
    "EvolutionCycleComplete",
    "EvolutionFailed",
    "NoteRecorded",
    "OpeningsPaused",
    "OpeningsResumed",
    "OperatorActed",
    "PositionLimitSet",
    "PositionsReduced",
    "ProtocolConfigured",
    "Rank",
    "RunCompleted",
    "RunForked",
    "Settlement",
    "StrategyChecked",
    "TickSettled",
    "TradeSubmitted",
    "TradingHalted",
    "TradingResumed",
]

Event: TypeAlias = (
    ArenaOpened
    | AgentSpawned
    | AgentMutated
    | TickSettled
    | CapitalRequested
    | CapitalAllocated
    | PositionsReduced
    | CapitalReturned
    | AgentGraduated
    | AgentDemoted
    | AgentKilled
    | AgentFailed
    | AgentQuarantined
    | AgentPaused
    | AgentUnpaused
    | EvolutionCycleComplete
    | EvolutionFailed
    | CapitalConservationCheck
    | AllocationError
    | TradingHalted
    | TradingResumed
    | OpeningsPaused
    | OpeningsResumed
    | TradeSubmitted
    | ProtocolConfigured
    | PositionLimitSet
    | StrategyChecked
    | OperatorActed
    | NoteRecorded
    | RunForked
    | RunCompleted
)

EVENT_TYPES: Mapping[str, type[Event]] = {
    event_type.__name__: event_type for event_type in get_args(Event)
}
"""The registry: the name in the journal -> the class."""
