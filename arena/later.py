"""Fields that came later: a record that was written before they were there still means the same.

Such a field has a default that means "as before", and the journal leaves it out while it holds
that: equal values still have equal bytes, and what an older release wrote is what this one writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, field, fields
from functools import cache
from typing import Any

_LATER = "later"


def later(default: Any = MISSING, *, factory: Callable[[], Any] | None = None) -> Any:
    """Return a dataclass field that a released form of the class did not have.

    Args:
        default: What it holds where nobody says otherwise.
        factory: Makes the default, where that can be changed.
    """
    metadata = {_LATER: True}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


@cache
def later_defaults(kind: type) -> dict[str, Any]:
    """Return the later fields of a dataclass, each with its default."""
    found: dict[str, Any] = {}
    for each in fields(kind):
        if _LATER in each.metadata:
            made = each.default_factory
            found[each.name] = each.default if made is MISSING else made()
    return found
