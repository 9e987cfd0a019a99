"""What the feed, the agents and the arena manager receive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from arena.events import AgentFailed
from arena.ids import AgentId
from arena.market import Market

MANAGER_LANES = {"control": 16_384, "agents": 16_384}
"""How many messages may wait in each lane of the manager's mailbox: one of every agent's, always.

Each agent has at most one message of a kind on its way, and a config allows 10,000 agents: so these
bounds, the desk's and the allocator's are reached by a flood from outside or by a bug."""


@dataclass(frozen=True, slots=True)
class Advance:
    """To the feed: settle the next bar.  Answered with its tick; None where there is no bar yet."""


@dataclass(frozen=True, slots=True)
class Extend:
    """To the feed: this is the market now.  Answered with its number of bars.

    Attributes:
        market: What the feed has, bar by bar, and maybe more bars after it.
    """

    market: Market


@dataclass(frozen=True, slots=True)
class MarketMoved:
    """To an agent: the bar of `tick` has closed, your book is settled; what do you want to hold?"""

    tick: int


@dataclass(frozen=True, slots=True)
class CycleOpened:
    """To an agent: the cycle after `tick` begins; how much capital can you use?

    Attributes:
        name: What the ids of its commands hold; no two attempts at a cycle have the same.
    """

    tick: int
    name: str


@dataclass(frozen=True, slots=True)
class KeepInStep:
    """To the manager: take on who was born since, and let go who died."""


@dataclass(frozen=True, slots=True)
class TickDone:
    """To the manager: `tick` is settled and revealed; do what is due."""

    tick: int


@dataclass(frozen=True, slots=True)
class CycleNow:
    """To the manager: run a cycle now, due or not."""


@dataclass(frozen=True, slots=True)
class Requested:
    """To the manager: this agent's wish for the cycle is in the allocator's mailbox."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class AgentExited:
    """To the manager: an agent's task has ended, and why."""

    failure: AgentFailed


FeedMessage: TypeAlias = Advance | Extend
AgentMessage: TypeAlias = MarketMoved | CycleOpened
ManagerMessage: TypeAlias = KeepInStep | TickDone | CycleNow | Requested | AgentExited
