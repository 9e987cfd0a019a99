"""What differs between two settings: key by key, as a history can say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from actors.app.settings.pages import effective
from actors.app.settings.problems import join
from actors.app.settings.settings import Settings
from actors.journal.codec import canonical
from arena.words import Scalar


def values(settings: Settings) -> dict[str, Any]:
    """Return every key of the config that holds no table -> the value that the run uses."""
    return dict(_leaves(effective(settings)))


def _leaves(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            yield join((*path, name)), value


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return each key that differs -> its value in `after`; a list as JSON, None where it is gone.

    Args:
        before: As `values` gives them.
        after: The same.
    """
    keys = sorted(before.keys() | after)
    return {key: _scalar(after.get(key)) for key in keys if before.get(key) != after.get(key)}


def _scalar(value: Any) -> Scalar:
    is_scalar = value is None or isinstance(value, (str, int, float))
    return value if is_scalar else canonical(value)
