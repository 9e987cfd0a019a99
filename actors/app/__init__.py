"""The application: the library's face (`Arena`), the command line, and what wires the actors.

`Arena` is imported when it is first asked for: most commands of the command line never need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actors.app.arena import Arena

__all__ = ["Arena"]


def __getattr__(name: str) -> Any:
    if name == "Arena":
        from actors.app.arena import Arena  # noqa: PLC0415  # see above

        return Arena
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
