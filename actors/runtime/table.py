"""A table of actors: what each one is doing, and what waits for it.

The rule: it costs nothing until somebody asks.  An actor counts what it took and what it has done
with, once for each batch; everything else is read when the table is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from actors.runtime.actor import Actor


class ActorState(StrEnum):
    """What an actor is doing."""

    IDLE = "idle"
    BUSY = "busy"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ActorRow:
    """One actor.

    Attributes:
        name: What it is called.
        kind: The name of its class.
        state: `busy` while it has messages in hand, `stopping` once its mailbox is closed.
        waiting: How many messages are in its mailbox.
        high_water: The most that ever waited at one time.
        handled: How many it has done with.
    """

    name: str
    kind: str
    state: ActorState
    waiting: int
    high_water: int
    handled: int


def row_of(actor: Actor[Any, Any], *, ended: bool = False) -> ActorRow:
    """Return the row of `actor`.

    Args:
        actor: Whose.
        ended: Whether its task has ended.
    """
    mailbox = actor.mailbox
    if ended:
        state = ActorState.ENDED
    elif actor.messages_taken > actor.messages_handled:
        state = ActorState.BUSY
    else:
        state = ActorState.STOPPING if mailbox.closed else ActorState.IDLE
    kind = type(actor).__name__
    waiting, most = len(mailbox), mailbox.high_water
    return ActorRow(actor.name, kind, state, waiting, most, actor.messages_handled)
