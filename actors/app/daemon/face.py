"""The daemon's face: what it shows to the outside, and where it hears.

The port is taken before anything begins, so that one that is taken is known at once.  The control
socket and the web's process begin when the run is open, so that a second daemon never gets this
far, and end when it is closed.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import structlog

from actors.app.control.connection import Handler
from actors.app.control.place import check_place
from actors.app.control.server import ControlServer
from actors.app.daemon.child import WebChild
from actors.app.daemon.sd import ServiceManager
from actors.app.daemon.serving import Serving
from actors.app.http.listening import PortTakenError, listen
from actors.app.http.settings import WorkerSettings, worker_command
from actors.app.http.tokens import read_token
from actors.app.log import daemon_words
from actors.runtime import Clock, Exit, spawn
from actors.runtime.tasks import wait_ended
from arena.exceptions import ValidationError

log = structlog.wrap_logger(logging.getLogger(__name__))

PORT_WITHIN_S = 1.0
"""How long the port may be held by the web's process of a daemon that was killed just now."""

PORT_AGAIN_S = 0.02

Probe = Callable[[], Awaitable[None]]
"""Returns when the writer has answered; as long as it does, the daemon is alive."""


class Face:
    """What the outside sees of one daemon.

    Attributes:
        manager: The service manager, if there is one.
        port: Where HTTP is served; None where it is not.
        child: The web's process, once it runs.
    """

    def __init__(self, serving: Serving, clock: Clock) -> None:
        """Take the port.

        Raises:
            SocketTakenError: A daemon serves this run already.
            ValidationError: `daemon.socket` is no place for a socket.
            PortTakenError: Somebody else listens on `http.bind`.
            ConfigError: `http.token_file` holds no token that others cannot read.
            ValidationError: What serves HTTP is not installed.
        """
        check_place(serving.socket)
        self.manager = ServiceManager()
        self.child: WebChild | None = None
        self._serving = serving
        self._clock = clock
        self._stack = AsyncExitStack()
        self._listening: socket.socket | None = None
        if serving.web and serving.settings.http.enabled:
            _check_installed()
            if token_file := self._token_file:
                read_token(token_file)  # Before anything runs: the web's process reads it again.
            self._listening = _listen(serving.settings.http.bind)
            self._stack.callback(self._listening.close)

    @property
    def port(self) -> int | None:
        """Where HTTP is served; None where it is not."""
        return None if self._listening is None else int(self._listening.getsockname()[1])

    @property
    def url(self) -> str | None:
        """The address of the status page; None where there is none."""
        host, _, _ = self._serving.settings.http.bind.rpartition(":")
        return None if self.port is None else f"http://{host}:{self.port}/"

    async def __aenter__(self) -> Self:
        """Hold the port; nobody is answered yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hear and show nothing more."""
        await self._stack.aclose()

    async def show(self, handle: Handler, probe: Probe) -> None:
        """Listen on the control socket, start the web's process, and tell the service manager.

        Args:
            handle: Carries requests out.
            probe: Asked before the service manager is told that the daemon is alive.

        Raises:
            ValidationError: The control socket cannot lie where it is to lie.
            SocketTakenError: Another process listens there.
        """
        await self._stack.enter_async_context(ControlServer(self._serving.socket, handle))
        if self._listening is not None and self.port is not None:
            settings = self._worker(self._listening.fileno(), self.port)
            child = WebChild(worker_command(), settings, self._listening, self._clock)
            self.child = await self._stack.enter_async_context(child)
        every_s = self.manager.watchdog_interval_s()
        if every_s is not None:
            task = spawn("heartbeat", lambda: self._beat(probe, every_s), on_exit=_heart_stopped)
            self._stack.push_async_callback(_end, task)

    @property
    def _token_file(self) -> Path | None:
        named = self._serving.settings.http.token_file
        return self._serving.config.parent / named if named else None

    def _worker(self, fd: int, port: int) -> WorkerSettings:
        http, token = self._serving.settings.http, self._token_file
        return WorkerSettings(
            run=str(self._serving.folder.absolute()),
            fd=fd,
            port=port,
            socket=str(self._serving.socket.absolute()),
            token_file="" if token is None else str(token.absolute()),
            hosts=http.hosts,
            log=daemon_words(self._serving.settings.daemon.log_level),
        )

    async def _beat(self, probe: Probe, every_s: float) -> None:
        """Tell the service manager, again and again, that the writer answers.

        A writer that does not, because its arena gives way to the next one or its disk is full, is
        asked again in time; one that never does is not told of.
        """
        while True:
            try:
                await probe()
            except Exception as error:  # noqa: BLE001 - that it failed is the answer
                log.warning("heartbeat_missed", error=repr(error))
            else:
                self.manager.alive()
            await self._clock.sleep(every_s)


def _listen(address: str) -> socket.socket:
    """Return a socket that listens on `address`, as soon as the web of a dead daemon has let go.

    Raises:
        PortTakenError: Somebody else listens there.
    """
    until_s = time.monotonic() + PORT_WITHIN_S
    while True:
        try:
            return listen(address)
        except PortTakenError:
            if time.monotonic() > until_s:
                raise
        time.sleep(PORT_AGAIN_S)  # Nothing has begun yet that would have to wait for it.


def _check_installed() -> None:
    if any(find_spec(name) is None for name in ("fastapi", "uvicorn", "prometheus_client")):
        needed = "pip install 'treasury-arena[serve]'; or http.enabled = false, or --no-web"
        raise ValidationError("http", found="no fastapi, uvicorn, prometheus_client", needed=needed)


def _heart_stopped(exited: Exit) -> None:
    if exited.error is not None and not isinstance(exited.error, asyncio.CancelledError):
        log.error("heartbeat_broke", error=repr(exited.error))


async def _end(task: asyncio.Task[Exit]) -> None:
    task.cancel()
    await wait_ended(task)
