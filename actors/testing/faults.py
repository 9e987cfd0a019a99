"""What can be made to go wrong in an arena under test, and when.

The rule: a fault happens to one agent on one day, whatever the schedule, and again when that day is
carried out again after a crash.  Day n is the one after whose close the agent is asked; the failure
that follows is journalled with tick n.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from actors.messages.allocator import AGENTS, AllocatorMessage, Answer
from actors.runtime import Ref, StepInterrupted
from arena.commands import RequestCapital
from arena.ids import AgentId
from arena.market import MarketView
from arena.strategies import BookView, Decision, Memory, Strategy


class InjectedError(Exception):
    """What an agent raises that was told to."""


class Trouble(StrEnum):
    """What an agent does instead of deciding."""

    RAISES = "raises"
    HANGS = "hangs"
    FLOODS = "floods"
    NAN = "returns NaN"


@dataclass(frozen=True, slots=True)
class Fault:
    """One agent, one day, one trouble.

    Attributes:
        agent_id: Whose.
        day: After whose close.
        trouble: What it does.
    """

    agent_id: str
    day: int
    trouble: Trouble


def raises(agent_id: str, *, on: int) -> Fault:
    """Let an agent raise an exception on day `on`."""
    return Fault(agent_id, on, Trouble.RAISES)


def hangs(agent_id: str, *, on: int) -> Fault:
    """Let an agent take longer than a step may on day `on`; no time passes in the test."""
    return Fault(agent_id, on, Trouble.HANGS)


def floods(agent_id: str, *, on: int) -> Fault:
    """Let an agent send the allocator messages on day `on` until it accepts no more."""
    return Fault(agent_id, on, Trouble.FLOODS)


def returns_nan(agent_id: str, *, on: int) -> Fault:
    """Let an agent answer with a weight that is not a number on day `on`."""
    return Fault(agent_id, on, Trouble.NAN)


class Troubles:
    """The faults of one arena.

    Attributes:
        allocator: Whom a flood goes to: that of the life that is led now.
    """

    allocator: Ref[AllocatorMessage, Answer]

    def __init__(self, faults: Iterable[Fault], *, warmup: int, instrument: str) -> None:
        """Plan `faults`.

        Args:
            faults: What goes wrong.
            warmup: Bars before day 1.
            instrument: What a weight can be asked of.
        """
        self._planned: dict[tuple[str, int], Trouble] = {}
        self._warmup = warmup
        self._instrument = instrument
        for fault in faults:
            self.plan(fault)

    def plan(self, fault: Fault) -> None:
        """Let `fault` happen."""
        self._planned[fault.agent_id, fault.day] = fault.trouble

    def strike(self, agent_id: AgentId, market: MarketView) -> Mapping[str, float] | None:
        """Do what is planned for an agent today; None where nothing is."""
        day = market.now + 1 - self._warmup
        trouble = self._planned.get((agent_id, day))
        match trouble:
            case Trouble.RAISES:
                raise InjectedError(f"{agent_id} was told to raise on day {day}")
            case Trouble.HANGS:
                raise StepInterrupted
            case Trouble.FLOODS:
                self._flood(agent_id, day)
            case Trouble.NAN:
                return {self._instrument: math.nan}
        return None

    def _flood(self, agent_id: AgentId, day: int) -> None:
        wish = RequestCapital(command_id=f"flood-{day}-{agent_id}", agent_id=agent_id, amount=None)
        while True:  # Until the lane is at its bound, and says so.
            self.allocator.tell(wish, lane=AGENTS)


def troubled(strategy: type[Strategy], troubles: Callable[[], Troubles]) -> type[Strategy]:
    """Return `strategy` as it is, but for the troubles that are planned for its agents."""

    def decide(self: Strategy, market: MarketView, book: BookView, memory: Memory) -> Decision:
        answer = troubles().strike(book.agent_id, market)
        return strategy.decide(self, market, book, memory) if answer is None else answer

    names = {"__module__": strategy.__module__, "__qualname__": strategy.__qualname__}
    made: type[Strategy] = type(
        strategy.__name__, (strategy,), {**names, "__doc__": strategy.__doc__, "decide": decide}
    )
    return made
