"""Reading JSON values of strangers: what is not as expected is an error that names the place."""

from __future__ import annotations

import math
from typing import Any

from actors.feeds.clients.errors import ProviderError

SHOWN_MAX = 80


def number(value: object) -> float | None:
    """Return `value` as a float; None for null, and for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


class Reader:
    """Takes values apart, on behalf of one provider and one place."""

    def __init__(self, provider: str, place: str) -> None:
        """Blame `place` of `provider` for what is wrong."""
        self._provider, self._place = provider, place

    def table(self, value: object) -> dict[str, Any]:
        """Return `value`, an object."""
        if not isinstance(value, dict):
            raise self.wrong(value, "a JSON object")
        return value

    def items(self, value: object) -> list[Any]:
        """Return `value`, an array."""
        if not isinstance(value, list):
            raise self.wrong(value, "a JSON array")
        return value

    def field(self, value: object, name: str) -> Any:
        """Return `value[name]`."""
        table = self.table(value)
        if name not in table:
            raise self.wrong(sorted(table), f"the field {name!r}")
        return table[name]

    def row(self, value: object, width: int) -> tuple[int, list[float | None]]:
        """Return `[ms, number, ...]` as time and numbers; `width` counts the numbers."""
        row = self.items(value)
        time = number(row[0]) if len(row) == width + 1 else None
        if time is None:
            raise self.wrong(row, f"a time in ms and {width} numbers")
        return int(time), [number(each) for each in row[1:]]

    def wrong(self, found: object, needed: str) -> ProviderError:
        """Return the error for a value that is not what the provider's manual says."""
        shown = repr(found)
        shown = shown if len(shown) <= SHOWN_MAX else f"{shown[:SHOWN_MAX]}..."
        return ProviderError(
            self._provider,
            self._place,
            found=shown,
            needed=f"{needed}; the provider has changed its answers, or it is not the provider",
        )
