"""From the text of a stamp to an instant in UTC, without guessing.

A stamp with an offset means what it says; one without is local time in the source's zone.  What has
two meanings there, or none, is refused: the hour that a clock repeats, the hour that it skips, an
integer of an undeclared unit, and a bare date in a zone whose days are not the days of UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

from actors.feeds.source import TIME_UNITS, CsvSource

Parse: TypeAlias = Callable[[str], int]

NOT_BEFORE = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - subtracted from naive stamps that mean UTC
_DIGITS_MAX = 19


class StampError(ValueError):
    """A stamp names no instant, or not only one.

    Attributes:
        needed: What would have been accepted.
    """

    def __init__(self, needed: str) -> None:
        super().__init__(needed)
        self.needed = needed


def stamp_parser(source: CsvSource, *, not_after: datetime) -> Parse:
    """Return the function from a stamp of `source` to Unix seconds; it raises `StampError`.

    Args:
        source: Says the zone, and the unit of integers.
        not_after: With an offset; a later stamp is taken for a unit misread, and refused.
    """
    lowest, highest = int(NOT_BEFORE.timestamp()), int(not_after.timestamp())
    read = _iso_reader(source) if source.time_unit is None else _integer_reader(source.time_unit)

    def parse(text: str) -> int:
        seconds = read(text)
        if lowest <= seconds <= highest:
            return seconds
        needed = f"a time from {NOT_BEFORE:%Y-%m-%d} to {not_after:%Y-%m-%d}"
        raise StampError(needed + _other_unit(source, text, range(lowest, highest + 1)))

    return parse


def _integer_reader(unit: str) -> Parse:
    per_second = TIME_UNITS[unit]

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
            raise StampError(f"an integer, since time_unit is {unit!r}")
        return int(text) // per_second

    return read


def _iso_reader(source: CsvSource) -> Parse:
    zone = None if source.time_zone == "UTC" else ZoneInfo(source.time_zone)

    def read(text: str) -> int:
        if text.isdigit():
            raise StampError("an ISO 8601 stamp, or a time_unit for integers")
        try:
            stamp = datetime.fromisoformat(text)
        except ValueError:
            raise StampError("an ISO 8601 stamp such as 2023-06-30 or 2023-06-30T12:00:00Z") from (
                None
            )
        if stamp.tzinfo is not None:
            return int(stamp.timestamp())
        if zone is None:
            return int((stamp - _EPOCH).total_seconds())
        return int(_local(stamp, zone, text).timestamp())

    return read


def _local(naive: datetime, zone: ZoneInfo, text: str) -> datetime:
    if len(text) <= len("2023-06-30"):
        raise StampError(f"a time of day, since a day in {zone.key} is not a day in UTC")
    before, after = naive.replace(tzinfo=zone), naive.replace(tzinfo=zone, fold=1)
    first, second = before.utcoffset(), after.utcoffset()
    if first != second:
        repeated = first is not None and second is not None and first > second
        happens = "comes twice" if repeated else "does not exist"
        raise StampError(f"a stamp with an offset: this hour {happens} in {zone.key}")
    return before


def _other_unit(source: CsvSource, text: str, plausible: range) -> str:
    """Return the hint that another `time_unit` would make sense of `text`, or nothing."""
    if source.time_unit is None:
        return ""
    fits = [unit for unit, per_s in TIME_UNITS.items() if int(text) // per_s in plausible]
    return f"; did you mean time_unit = {fits[0]!r}?" if fits else ""
