"""Which daemon is meant: the one that was named, or the only one that runs here."""

from __future__ import annotations

from pathlib import Path

from actors.app.control.errors import NotRunningError
from actors.app.control.place import SOCKET_NAME, listens
from actors.journal.schema import NotARunError
from arena.exceptions import ValidationError

RUNS = Path("runs")
"""Where runs lie unless somebody says otherwise."""


def find_socket(run: str | None, given: str | None, *, runs: Path = RUNS) -> Path:
    """Return the socket of the daemon that is meant.

    Args:
        run: The folder of its run, or the `run.db` in it.
        given: The socket itself.
        runs: Where to look if neither is named.

    Raises:
        NotRunningError: Nothing is named, and no daemon runs.
        ValidationError: Both are named, or neither is and several daemons run.
        NotARunError: Nothing is where the run is said to be.
    """
    if run is not None and given is not None:
        raise ValidationError("--socket", found=given, needed="either a socket or a run")
    if given is not None:
        return Path(given)
    if run is not None:
        if not Path(run).exists():
            raise NotARunError(f"there is no run at {run!r}")
        return socket_of(run)
    found = [path for path in sorted(runs.glob(f"*/{SOCKET_NAME}")) if listens(path)]
    if not found:
        raise NotRunningError(str(runs / "*" / SOCKET_NAME))
    if len(found) > 1:
        names = ", ".join(str(path.parent) for path in found)
        raise ValidationError("RUN", found="none", needed=f"one of those that run: {names}")
    return found[0]


def socket_of(run: str) -> Path:
    """Return where a daemon listens that serves `run`, if its config does not say otherwise."""
    path = Path(run)
    return (path if path.is_dir() else path.parent) / SOCKET_NAME
