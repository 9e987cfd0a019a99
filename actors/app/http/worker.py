"""The web's process: `python -m actors.app.http.worker`, started by whoever writes the run.

The rule: it lives no longer than it is wanted.  Its settings are the first line of its standard
input; the end of that input, like SIGTERM, says that it shall end.  It steps back for the writer
before it does anything else, and says what it has to say on standard error.

A writer that is killed takes it along at once (Linux), whatever it is about to do: the next writer
wants its port.

Source:
    PR_SET_PDEATHSIG in prctl(2).
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys

from actors.app.http.settings import WorkerSettings

STDIN = 0
_PARENT_DEATH = 1


def main() -> int:
    """Serve until nobody wants it any more; return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # A Ctrl-C is for the writer, which ends us.
    with open(STDIN, "rb", buffering=0, closefd=False) as told:
        line = told.readline()
    if not line or not _is_bound_to_parent():
        return 0
    settings = WorkerSettings.from_json(line)
    os.nice(settings.nice)
    from actors.app.http.serving import serve_worker  # noqa: PLC0415 - a second's work: after nice

    serve_worker(settings, STDIN)
    return 0


def _is_bound_to_parent() -> bool:
    """Let the end of the parent be ours; return whether it is still there."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH, signal.SIGKILL)
    told = select.poll()
    told.register(STDIN, select.POLLHUP)
    return not told.poll(0)


if __name__ == "__main__":
    sys.exit(main())
