"""A roll: who is expected, and who has not come yet.

The rule: a roll is complete when everyone has answered or is reported absent.  It waits for nobody
itself: whoever called it looks at `missing` after each answer.  But nobody has to wait in silence:
as long as it is not complete it can `complain`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from functools import partial

import structlog

PATIENCE_S = 30.0
"""How long a roll may be incomplete before the log says who is missing, and how often."""

log = structlog.wrap_logger(logging.getLogger(__name__))


class Roll:
    """One roll call."""

    __slots__ = ("_missing", "_timer")

    def __init__(self, expected: Iterable[str]) -> None:
        """Expect each of these names once, in this order."""
        self._missing = dict.fromkeys(expected)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Who has neither answered nor been reported absent, in the order of the call."""
        return tuple(self._missing)

    @property
    def complete(self) -> bool:
        """Whether nobody is missing."""
        return not self._missing

    def mark(self, name: str) -> bool:
        """Take note that `name` answered, or will not; say whether it was still missing.

        A name that was not expected, or has answered already, changes nothing.
        """
        known = self._missing.pop(name, _NEVER) is not _NEVER
        if known and not self._missing:
            self.close()
        return known

    def complain(self, name: str, *, every_s: float = PATIENCE_S) -> None:
        """Let the log say who is missing from roll `name`, again and again, until it is closed."""
        if self._timer is not None:
            log.error("roll_incomplete", roll=name, missing=self.missing)
        if not self.complete:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(every_s, partial(self.complain, name, every_s=every_s))

    def close(self) -> None:
        """Complain no more: it is complete, or whoever called it has given up."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


_NEVER = object()
"""What `pop` returns for a name that is not expected."""
