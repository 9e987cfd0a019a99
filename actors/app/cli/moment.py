"""What time it is: the one question that a command may ask the machine."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)  # noqa: TID251 - experiments are told the time, a command must ask
