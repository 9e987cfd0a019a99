"""What the trading desk receives, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from arena.bars import Bars
from arena.events import AgentFailed
from arena.ids import AgentId
from arena.orders import Order
from arena.strategies import Decision

CONTROL, AGENTS, API = "control", "agents", "api"
LANES = {CONTROL: 16_384, AGENTS: 16_384, API: 1_024}
"""How many messages may wait in each lane of the desk's mailbox."""


@dataclass(frozen=True, slots=True)
class CallRoll:
    """Wait until every one of `expected` has sent its orders for `tick` or is reported absent."""

    tick: int
    expected: tuple[AgentId, ...]


@dataclass(frozen=True, slots=True)
class Orders:
    """What an agent wants to hold from the next open on."""

    agent_id: AgentId
    tick: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class Absent:
    """An agent broke and will not answer for this tick."""

    failure: AgentFailed


@dataclass(frozen=True, slots=True)
class Decided:
    """What agents decided at one close, and waits for its open.

    Attributes:
        decisions: Of each agent that does not hold.
        seq: The last entry on record when they were asked.
    """

    decisions: Mapping[AgentId, Decision]
    seq: int


@dataclass(frozen=True, slots=True)
class SettleBar:
    """Execute what waits at the opens of a bar, then have the tick settled at its closes.

    Attributes:
        tick: Of the bar.
        bars: Of every instrument that has one.
        stamp: When the bar closes, as the journal writes it.
    """

    tick: int
    bars: Bars
    stamp: str


@dataclass(frozen=True, slots=True)
class ValidateTrade:
    """Ask if `order` could be executed at the latest closes; answered with a reason or None."""

    order: Order


@dataclass(frozen=True, slots=True)
class SubmitTrade:
    """Let `order` wait for the next open, on record; answered with its status, `pending`."""

    order: Order


@dataclass(frozen=True, slots=True)
class ExecuteTrade:
    """As `SubmitTrade`, but answered at the next open, with a `Fill` or a `RefusedOrder`."""

    order: Order


@dataclass(frozen=True, slots=True)
class TellCancelled:
    """Tell whoever waits for a trade that is not pending any more; answered with None."""


DeskMessage: TypeAlias = (
    CallRoll
    | Orders
    | Absent
    | SettleBar
    | ValidateTrade
    | SubmitTrade
    | ExecuteTrade
    | TellCancelled
)
