"""Plain data as TOML, in the order and shape of a config that a person would write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

_INLINE = frozenset({"mix", "where", "series", "units", "all"})
"""Keys whose tables stand on one line: their names are data."""


def to_toml(data: Mapping[str, Any]) -> str:
    """Return `data` as a TOML document that reads back as the same data."""
    return "\n".join(_table((), data)).strip() + "\n"


def write_value(value: object) -> str:
    """Return one value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(write_value(item) for item in value)}]"
    if isinstance(value, Mapping):
        items = (f"{_key(key)} = {write_value(item)}" for key, item in value.items())
        return f"{{ {', '.join(items)} }}" if value else "{}"
    return str(value) if isinstance(value, date) else repr(value)


def _table(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table: its own values first, then the tables in it."""
    inner = {key: value for key, value in table.items() if _stands_alone(key, value)}
    for key, value in table.items():
        if key not in inner:
            yield f"{_key(key)} = {write_value(value)}"
    for key, value in inner.items():
        here = (*path, key)
        name = ".".join(_key(part) for part in here)
        if isinstance(value, Mapping):
            yield from ("", f"[{name}]", *_table(here, value))
        else:
            for item in value:
                yield from ("", f"[[{name}]]", *_table(here, item))


def _stands_alone(key: str, value: object) -> bool:
    if key in _INLINE:
        return False
    is_tables = isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
    return is_tables or isinstance(value, Mapping)


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else json.dumps(key, ensure_ascii=False)
