"""The command line: `arena`.  One file for each group of commands, imported when it is called."""

from actors.app.cli.root import cli, main

__all__ = ["cli", "main"]
