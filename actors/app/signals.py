"""SIGINT and SIGTERM: the first asks the run to stop at the next tick, the second ends it now."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from actors.app.exits import ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether a signal came; to be used on a running loop.

    A second signal ends the process where it stands: what the journal was told is on disk, and a
    transaction that was open is not in it.  Only a main thread can be signalled.
    """
    asked: list[signal.Signals] = []
    loop = asyncio.get_running_loop()

    def ask(received: signal.Signals) -> None:
        if asked:
            os._exit(ExitCode.INTERRUPTED)
        asked.append(received)

    here = threading.current_thread() is threading.main_thread()
    for each in _SIGNALS if here else ():
        loop.add_signal_handler(each, ask, each)
    try:
        yield lambda: bool(asked)
    finally:
        for each in _SIGNALS if here else ():
            loop.remove_signal_handler(each)
