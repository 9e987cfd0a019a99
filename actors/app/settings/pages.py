"""What the settings say about themselves: the effective config, and the schema."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from typing import Any

from actors.app.settings.explain import Node, resolve
from actors.app.settings.reload import X_RELOAD, ReloadClass, reload_rule
from actors.app.settings.render import to_toml
from actors.app.settings.settings import Settings

_INDEX = re.compile(r"\[[0-9]+\]")


def effective(settings: Settings) -> dict[str, Any]:
    """Return every value that the run uses, as plain data: money as text, dates as ISO text."""
    data: dict[str, Any] = settings.model_dump(mode="json", exclude_none=True)
    period = settings.period
    data["market"]["start"] = str(period.start)
    if not settings.endless:
        data["run"]["days"] = period.days
        data["market"]["end"] = str(period.end)
    return data


def show_toml(settings: Settings) -> str:
    """Return every value that the run uses, as a config file that gives the same run."""
    data = effective(settings)
    market = data["market"]
    market |= {  # TOML knows dates.
        each: date.fromisoformat(market[each]) for each in ("start", "end") if each in market
    }
    return to_toml(data)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a config file."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    root = {"$schema": dialect, **Settings.model_json_schema()}
    for name, node in root["properties"].items():
        _classify(node, name, root)
    return root


def _classify(node: dict[str, Any], path: str, root: Node) -> None:
    """Say of `node`, and of every key in it, when a change takes effect."""
    table = table_of(node, root)
    if "items" in node or not table:
        node.setdefault(X_RELOAD, reload_rule(path).value)
    for key, inner in table.get("properties", {}).items():
        _classify(inner, f"{path}.{key}", root)
    for named in node.get("patternProperties", {}).values():
        if table_of(named, root):
            _classify(named, path, root)


def reload_class(key: str) -> ReloadClass:
    """Return when a change of `key`, such as `costs.fee_bps`, takes effect in a daemon.

    Args:
        key: Its dotted path; a name in it that is data stands for the table that it is in.
    """
    root = _schema_once()
    found, node = reload_rule(key), root
    for part in _INDEX.sub("", key).split("."):
        inner = table_of(node, root).get("properties", {}).get(part)
        if inner is None:
            break
        node = inner
        found = ReloadClass(node.get(X_RELOAD, found))
    return found


@cache
def _schema_once() -> Node:
    return schema()


def table_of(node: Node, root: Node) -> Node:
    """Return the table with known keys that `node` is, or is a list of; empty if it is none."""
    inner = node.get("items", node)
    inside = resolve(inner, root)
    return inside if "properties" in inside else {}
