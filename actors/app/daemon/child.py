"""The web child: a process of its own that reads the run and serves HTTP.

The rule: whatever it does costs the writer nothing.  It holds a socket that the writer opened, so
that a port which is taken is known at once, and its end is an event in a log: it is started again,
three times in a minute and a little later each time, and then the arena goes on without it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from typing import Self

import structlog

from actors.app.http.settings import WorkerSettings
from actors.runtime import Clock, Exit, spawn
from actors.runtime.tasks import wait_ended

log = structlog.wrap_logger(logging.getLogger(__name__))

RESTARTS_MAX = 3
"""How often the child is started again within `WINDOW_S`."""

WINDOW_S = 60.0
BACKOFF_S = 0.5
"""How long the first restart waits; each one after it in the window waits twice as long."""

LEAVES_WITHIN_S = 3.0
"""How long a child may take to end when it is told to."""


class WebChild:
    """Starts the child, and starts it again.

    Attributes:
        restarts: How often it was started again.
        given_up: Whether it ended too often, and is left alone.
    """

    def __init__(
        self,
        command: Sequence[str],
        settings: WorkerSettings,
        listening: socket.socket,
        clock: Clock,
    ) -> None:
        """Start nothing yet.

        Args:
            command: What to execute.
            settings: What it is told on its standard input.
            listening: The socket that it inherits; closed with this.
            clock: Where the time comes from.
        """
        self.restarts = 0
        self.given_up = False
        self._command = command
        self._line = settings.to_json().encode() + b"\n"
        self._listening = listening
        self._clock = clock
        self._ended_at: deque[float] = deque()
        self._process: Process | None = None
        self._closing = asyncio.Event()
        self._keeper: asyncio.Task[Exit] | None = None

    async def __aenter__(self) -> Self:
        """Start it."""
        self._keeper = spawn("web_child", self._keep, on_exit=self._kept)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Tell it to end, and end it where it does not."""
        self._closing.set()
        self._tell_to_end()
        if self._keeper is not None and not await wait_ended(self._keeper, LEAVES_WITHIN_S):
            log.warning("web_killed", after_s=LEAVES_WITHIN_S)
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
            await wait_ended(self._keeper)
        self._listening.close()

    async def _keep(self) -> None:
        """Have a child for as long as one is wanted."""
        while not self._closing.is_set():
            code = await self._run_one()
            if self._closing.is_set():
                return
            wait_s = self._backoff()
            if wait_s is None:
                self.given_up = True
                log.error("web_given_up", code=code, restarts=RESTARTS_MAX, within_s=WINDOW_S)
                return
            log.warning("web_ended", code=code, again_in_s=wait_s)
            await self._pause(wait_s)
            self.restarts += 1

    async def _run_one(self) -> int | None:
        """Run one child to its end, and return its exit code; None where none can be started."""
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE,
                pass_fds=(self._listening.fileno(),),
                start_new_session=True,  # A Ctrl-C is for the daemon, which tells the child.
            )
        except OSError as error:
            log.warning("web_not_started", error=error.strerror)
            return None
        if process.stdin is None:
            raise RuntimeError("a child without the standard input that it was given")
        process.stdin.write(self._line)
        if self._closing.is_set():
            self._tell_to_end()
        return await process.wait()

    def _tell_to_end(self) -> None:
        """End its standard input: to the child that means that nobody wants it any more."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _backoff(self) -> float | None:
        """Return how long to wait before the next start; None where there is none."""
        now = self._clock.monotonic_s()
        while self._ended_at and now - self._ended_at[0] > WINDOW_S:
            self._ended_at.popleft()
        if len(self._ended_at) >= RESTARTS_MAX:
            return None
        self._ended_at.append(now)
        return float(BACKOFF_S * 2 ** (len(self._ended_at) - 1))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return  # Nobody closed it meanwhile.

    def _kept(self, exited: Exit) -> None:
        if exited.error is not None:
            self.given_up = True
            log.error("web_keeper_broke", error=repr(exited.error))
