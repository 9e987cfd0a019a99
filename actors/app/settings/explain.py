"""From pydantic's errors to problems that name the key, what was found and what was needed.

What is needed is read from the JSON schema, so messages and reference page cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import pydantic

from actors.app.settings.problems import Fault, Problem, Said, join, suggest

Node: TypeAlias = Mapping[str, Any]

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a table",
    "array": "a list",
}

_HIDDEN = Said("something else, not shown here")
_DOTTED = "; a name with a dot stands in quotes"


def explain(error: pydantic.ValidationError, schema: Node) -> list[Problem]:
    """Return one problem for each key that is wrong, in the order of the tables.

    A list with a bad item is no problem of its own, though pydantic may find it too short without.
    """
    problems: dict[str, Problem] = {}
    for fault in error.errors(include_url=False):
        path, node, parent = _find(fault["loc"], schema)
        key = join(path)
        if fault["type"] == "extra_forbidden":
            problem = Problem(key, Fault.UNKNOWN, _known(str(path[-1]), parent))
        elif fault["type"] == "missing":
            problem = Problem(key, Fault.MISSING, needed(node, schema))
        else:
            hint = (
                _DOTTED if isinstance(fault["input"], dict) and node.get("type") == "string" else ""
            )
            found = _HIDDEN if _is_secret(node, schema) else fault["input"]
            problem = Problem(key, found, f"{needed(node, schema)}{hint}")
        problems.setdefault(key, problem)
    inner = {key[:end] for key in problems for end, c in enumerate(key) if c in ".["}
    return [problem for key, problem in problems.items() if key not in inner]


def _known(key: str, table: Node) -> str:
    """Return what could be meant by a key that `table` has not."""
    refused: Mapping[str, str] = table.get("x-refused", {})
    return refused[key] if key in refused else suggest(key, table.get("properties", {}))


def _is_secret(node: Node, schema: Node) -> bool:
    node = resolve(node, schema)
    return any(each.get("x-secret", False) for each in (node, *node.get("anyOf", ())))


def needed(node: Node, schema: Node) -> str:
    """Return in words what a value of `node` must be."""
    node = resolve(node, schema)
    if "x-needed" in node:
        return str(node["x-needed"])
    if "anyOf" in node:
        options = (needed(each, schema) for each in node["anyOf"] if each.get("type") != "null")
        return " or ".join(options)
    if "enum" in node:
        return f"one of {', '.join(map(str, node['enum']))}"
    if "const" in node:
        return repr(node["const"])
    if node.get("type") == "array":
        return _needed_list(node, schema)
    if node.get("type") == "object" and isinstance(node.get("additionalProperties"), dict):
        each = needed(node["additionalProperties"], schema)
        least = "at least one name" if node.get("minProperties") else "names"
        return f"a table of {least} = {each}"
    return f"{_TYPES.get(node.get('type', ''), 'a value')}{_range(node)}"


def resolve(node: Node, schema: Node) -> Node:
    """Return what `node` refers to, or itself."""
    while "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        node = {**schema["$defs"][name], **{k: v for k, v in node.items() if k != "$ref"}}
    return node


def _needed_list(node: Node, schema: Node) -> str:
    if "prefixItems" in node:
        items = node["prefixItems"]
        return f"a list of {len(items)}, each {needed(items[0], schema)}"
    least = "at least one" if node.get("minItems") else "any number"
    return f"a list of {least}, each {needed(node.get('items', {}), schema)}"


def _range(node: Node) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return "".join(_bounds(low, above, high, below))


def _bounds(low: object, above: object, high: object, below: object) -> Iterator[str]:
    words = (("at least", low), ("above", above), ("at most", high), ("below", below))
    parts = [f"{word} {bound}" for word, bound in words if bound is not None]
    if parts:
        yield " " + " and ".join(parts)


def _find(loc: tuple[str | int, ...], schema: Node) -> tuple[list[str | int], Node, Node]:
    """Return the key at `loc`, its node and the node around it.

    Pydantic's location goes on into the branches of a union: they are no keys, and are left out.
    """
    path: list[str | int] = []
    node, parent = schema, schema
    for part in loc:
        around = resolve(node, schema)
        inner = _step(around, part)
        if inner is None:
            if "anyOf" in around or "x-needed" in around:
                break
            inner = {}
        path.append(part)
        node, parent = inner, around
    return path, node, parent


def _step(node: Node, part: str | int) -> Node | None:
    """Return the node of key or index `part` inside `node`, or None."""
    if isinstance(part, int):
        items: list[Node] = node.get("prefixItems") or [node.get("items") or {}]
        is_list = node.get("type") == "array"
        return items[min(part, len(items) - 1)] if is_list else None
    found: Node | None = node.get("properties", {}).get(part)
    others = node.get("additionalProperties")
    return found if found is not None else (others if isinstance(others, dict) else None)
