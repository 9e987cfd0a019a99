"""One request as it came: what ASGI says about it, named.

The rule: nothing here judges.  Header names are lower case, values are text of one byte each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import cached_property
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

STREAMS = frozenset({"/api/v1/stream"})
"""Paths whose answers do not end."""

_LINE_BYTES = 4  # a colon, a space, and the end of the line


class Asked:
    """A request.

    Attributes:
        scope: What ASGI says about it.
        method: What is wanted, in capitals as it came.
        path: Where, decoded.
        raw_path: Where, as it came.
        query: What stands behind the question mark, as it came.
        headers: Names and values, in their order.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.query: bytes = scope["query_string"]
        self.headers: list[tuple[bytes, bytes]] = [*scope["headers"]]

    @cached_property
    def header_bytes(self) -> int:
        """Bytes of all header lines."""
        return sum(len(name) + len(value) + _LINE_BYTES for name, value in self.headers)

    @property
    def target_bytes(self) -> int:
        """Bytes of path and query, as they came."""
        return len(self.raw_path) + len(self.query)

    def values(self, name: bytes) -> list[str]:
        """Return every value that a header of that name has, in their order."""
        return [value.decode("latin-1").strip() for each, value in self.headers if each == name]
