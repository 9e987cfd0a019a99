"""Dead letters: the latest messages that nobody handled, and how many there ever were.

The rule: a message that is not handled leaves a trace, whether its sender was told or had asked for
no answer.  The trace is bounded: the latest 1,000 are kept, all are counted, and a warning comes
with the first, the second, the fourth, the eighth.  An actor adds what it could not make sense of
itself; it answers that with the error, each time, and goes on: in an experiment whoever repeats it
hurts nobody else.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

KEPT_MAX = 1_000
"""How many dead letters are kept."""

log = structlog.wrap_logger(logging.getLogger(__name__))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was not handled, or not to its end.

    Attributes:
        to: Whom it was for.
        message: What was told or asked.
        reason: Why: the name of the error that its sender got, or would have got.
    """

    to: str
    message: object
    reason: str


class DeadLetters:
    """The dead letters of one system, the oldest first.

    Attributes:
        count: How many there ever were.
    """

    def __init__(self) -> None:
        self.count = 0
        self._latest: deque[DeadLetter] = deque(maxlen=KEPT_MAX)

    def __iter__(self) -> Iterator[DeadLetter]:
        return iter(self._latest)

    def __len__(self) -> int:
        return len(self._latest)

    def add(self, to: str, message: object, error: Exception) -> None:
        """Keep `message`, which `to` did not handle because of `error`."""
        self.count += 1
        letter = DeadLetter(to, message, type(error).__name__)
        self._latest.append(letter)
        if self.count & (self.count - 1) == 0:
            kind = type(message).__name__
            log.warning("dead_letter", to=to, message=kind, reason=letter.reason, count=self.count)
