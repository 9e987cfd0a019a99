"""What signals mean to the daemon.

SIGTERM and SIGINT: stop, as `arena stop` does; a second one ends the process where it stands, which
loses nothing that was acknowledged.  SIGHUP: read the config again.  SIGUSR1: log the actor table.

The rule: from the first moment to the last there is an answer to each.  Before the daemon begins
SIGTERM ends a process that has done nothing; when all is sealed no signal means anything any more.
However many SIGHUP or SIGUSR1 come at a time, they mean what one does.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from actors.app.exits import ExitCode


@contextmanager
def handled(
    *, stop: Callable[[], None], reload: Callable[[], None], dump: Callable[[], None]
) -> Iterator[None]:
    """Call these on the running loop when their signals come; after the block none does a thing."""
    loop, asked = asyncio.get_running_loop(), False

    def end() -> None:
        nonlocal asked
        if asked:
            os._exit(ExitCode.INTERRUPTED)
        asked = True
        stop()

    handlers = {
        signal.SIGTERM: end,
        signal.SIGINT: end,
        signal.SIGHUP: _once(loop, reload),
        signal.SIGUSR1: _once(loop, dump),
    }
    for each, handler in handlers.items():
        loop.add_signal_handler(each, handler)
    try:
        yield
    finally:
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, handlers)
        for each in handlers:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_IGN)  # What is sealed ends well, whoever asks for it.
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)


def _once(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> Callable[[], None]:
    """Return what lets `act` follow soon, once for all that ask for it until then."""
    asked = False

    def do() -> None:
        nonlocal asked
        asked = False
        act()

    def ask() -> None:
        nonlocal asked
        if not asked:
            asked = True
            loop.call_soon(do)

    return ask


def end_early_when_told() -> None:
    """Let SIGTERM end the process quietly while nothing has begun; `handled` takes over later."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def _leave(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    os._exit(ExitCode.OK)  # An exception could be lost in whatever is under way: an import, say.
