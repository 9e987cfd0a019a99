"""What became of an ask: one of four things, and never a fifth.

The rule: `NOT_EXECUTED` is a promise, made only where the message can never be handled any more.
Whoever reads `UNKNOWN` asks again with the same id: that is answered with what it was, or is done.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum

from actors.runtime.exceptions import ActorError


class Outcome(StrEnum):
    """How an ask ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_EXECUTED = "not_executed"
    UNKNOWN = "unknown"


def outcome_of(error: ActorError | asyncio.CancelledError) -> Outcome:
    """Return what is known of a message whose ask ended with `error`.

    An asker that was cancelled does not know how far the actor had come.
    """
    definite = isinstance(error, ActorError) and error.definite
    return Outcome.NOT_EXECUTED if definite else Outcome.UNKNOWN
