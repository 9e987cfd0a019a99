"""Upcasters: an event of an older version, as today's code would have written it.

History is never rewritten: its bytes stay as they were stored, and so do the hashes over them.
What is read is lifted, one version at a time, to the version that this code knows.  A type's
version is one more than the number of its steps, so no version can be without a way up.

A step is a pure function of plain JSON data.  It returns new data, takes everything that its
version could hold, and is never edited once released.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Data: TypeAlias = Mapping[str, Any]
Upcaster: TypeAlias = Callable[[Data], Data]

UPCASTERS: dict[str, tuple[Upcaster, ...]] = {}
"""Event type -> its steps: the first makes version 2 of version 1.  So far, no type has changed."""


def version_of(event_type: str) -> int:
    """Return the version in which this code writes events of `event_type`."""
    return 1 + len(UPCASTERS.get(event_type, ()))


def upcast(event_type: str, version: int, data: Data) -> Data:
    """Return `data` of `version` as data of the current version.

    Raises:
        ValueError: There never was such a version.
    """
    if version < 1:
        raise ValueError(f"version {version} never was")
    for step in UPCASTERS.get(event_type, ())[version - 1 :]:
        data = step(data)
    return data
