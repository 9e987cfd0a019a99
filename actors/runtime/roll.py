"""A roll: who is expected, and who has not come yet.

The rule: a roll is complete when everyone has answered or is reported absent.  It waits for nobody
itself: whoever called it looks at `missing` after each answer.
"""

from __future__ import annotations

from collections.abc import Iterable


class Roll:
    """One roll call."""

    __slots__ = ("_missing",)

    def __init__(self, expected: Iterable[str]) -> None:
        """Expect each of these names once, in this order."""
        self._missing = dict.fromkeys(expected)

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
        return self._missing.pop(name, _NEVER) is not _NEVER


_NEVER = object()
