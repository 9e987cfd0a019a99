"""`--set table.key=value`: one value of the config, from the command line.

The value is read as TOML.  A bare word is text: `--set market.source=csv` needs no quotes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from actors.app.settings.problems import ConfigError, Problem, join

Path: TypeAlias = tuple[str, ...]

PLACE = "--set"
_WORD = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./:+-]*")
_NEEDED = "table.key=value, where the value is TOML or a bare word"


def apply_overrides(data: dict[str, Any], overrides: Sequence[str]) -> set[Path]:
    """Change `data` as the overrides say, the later one winning.

    Returns:
        The path of each changed key.

    Raises:
        ConfigError: Overrides cannot be read, or go through something that is not a table.
    """
    changed: set[Path] = set()
    problems: list[Problem] = []
    for override in overrides:
        try:
            path, value = _parse(override)
            _put(data, path, value)
        except ConfigError as error:
            problems.extend(error.problems)
        else:
            changed.add(path)
    if problems:
        raise ConfigError(problems)
    return changed


def put_value(data: dict[str, Any], key: str, value: object) -> None:
    """Set `key` in `data` to `value`; None takes it away.

    Raises:
        ConfigError: `key` is none, or goes through something that is not a table.
    """
    path = _parse_key(key)
    if path is None:
        raise _refuse(key)
    _put(data, path, value)
    if value is None:
        table = data
        for part in path[:-1]:
            table = table[part]
        del table[path[-1]]


def get_value(data: Mapping[str, Any], key: str) -> Any:
    """Return what `data` holds at `key`; None where there is nothing."""
    value: Any = data
    for part in _parse_key(key) or ():
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _parse(override: str) -> tuple[Path, object]:
    key, equals, text = override.partition("=")
    path = _parse_key(key) if equals else None
    if path is None or not override.isprintable():
        raise _refuse(override)
    text = text.strip()
    try:
        return path, tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        if _WORD.fullmatch(text):
            return path, text
    raise _refuse(override)


def _parse_key(key: str) -> Path | None:
    """Return the parts of a dotted key, or None where it is not one."""
    try:
        inner: object = tomllib.loads(f"{key} = 0")
    except (ValueError, RecursionError):
        return None
    path: list[str] = []
    while isinstance(inner, dict):
        ((part, inner),) = inner.items()
        path.append(part)
    return tuple(path)


def _put(data: dict[str, Any], path: Path, value: object) -> None:
    table = data
    for depth, part in enumerate(path[:-1], start=1):
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            needed = "a table; a list is set as a whole"
            raise ConfigError([Problem(join(path[:depth]), inner, needed, PLACE)])
        table = inner
    table[path[-1]] = value


def _refuse(override: str) -> ConfigError:
    return ConfigError([Problem("", override, _NEEDED, PLACE)])
