"""The console script: streams in order first, then the command line is imported and called."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Be the console script `arena`."""
    try:
        open_streams()
        from actors.app.cli.root import cli

        cli(prog_name="arena")
    except KeyboardInterrupt:  # While importing: later ones are answered where the commands are.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        from actors.app.cli.failures import report, wants_json

        sys.exit(report(KeyboardInterrupt(), as_json=wants_json(sys.argv[1:])))


def open_streams() -> None:
    """Let every stream be there, and take any character whatever the locale.

    A stream that the caller closed leads nowhere, as if it were `/dev/null`: the exit code still
    says how the command ended, and no file that is opened later gets the stream's number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - for good
            setattr(sys, name, nowhere)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
