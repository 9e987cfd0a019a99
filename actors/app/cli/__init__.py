"""The command line: `arena`.  One file for each group of commands, imported when it is called.

Importing this package imports nothing else, not even click: `main` does, where a Ctrl-C that comes
early is already answered.
"""

from typing import TYPE_CHECKING, Any

from actors.app.cli.start import main

if TYPE_CHECKING:
    from actors.app.cli.root import cli

__all__ = ["cli", "main"]


def __getattr__(name: str) -> Any:
    """Return the group of all commands, imported when it is asked for."""
    if name != "cli":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from actors.app.cli.root import cli

    return cli
