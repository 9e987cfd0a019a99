"""A decision in the making: the events so far, and the treasury as it will be after them."""

from __future__ import annotations

from typing import NamedTuple

from arena.apply import apply
from arena.events import AllocationError, Event
from arena.ids import AgentId
from arena.money import Money
from arena.state import Treasury
from arena.words import Refusal, Status


def refuses_agent(treasury: Treasury, agent_id: AgentId) -> Refusal | None:
    """Return why nothing may be done with an agent, or None: the first reason that applies."""
    agent = treasury.find(agent_id)
    if agent is None:
        return Refusal.UNKNOWN_AGENT
    if agent.status is Status.DEAD:
        return Refusal.AGENT_IS_DEAD
    if agent.genome.baseline:
        return Refusal.AGENT_IS_BASELINE
    if agent.status is Status.QUARANTINED:
        return Refusal.AGENT_IS_QUARANTINED
    return Refusal.AGENT_IS_PAUSED if agent.paused else None


class Decided(NamedTuple):
    """An event that a command caused, and the earlier event that it follows from, if one."""

    event: Event
    caused_by: int | None


class Draft:
    """Collects events and applies each at once, so that the next step sees its effect.

    Attributes:
        treasury: Changes with every event.
        decided: The events, in order.
        root: The event that all the later ones follow from, at least; None where there is none.
    """

    __slots__ = ("decided", "root", "treasury")

    def __init__(self, treasury: Treasury) -> None:
        self.treasury = treasury
        self.decided: list[Decided] = []
        self.root: int | None = None

    def emit(self, event: Event, because: int | None = None) -> int:
        """Add `event`, caused by the event `because`, and return its sequence number."""
        apply(self.treasury, event)
        if self.root is not None and (because is None or because < self.root):
            because = self.root
        self.decided.append(Decided(event, because))
        return self.treasury.seq

    def refuse(
        self,
        command: str,
        reason: Refusal,
        *,
        agent_id: AgentId | None = None,
        amount: Money | None = None,
        detail: str = "",
    ) -> None:
        """Add the refusal of the command."""
        self.emit(
            AllocationError(
                agent_id=agent_id, command=command, amount=amount, reason=reason, detail=detail
            )
        )
