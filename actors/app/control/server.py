"""The control server: lets in who may ask, and no more of them than there is room for."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Self

import structlog

from actors.app.control.connection import CHUNK, DRAINING, Connection, Handler, Limits
from actors.app.control.errors import Code, ControlError
from actors.app.control.place import make_socket, peer_of
from actors.app.control.requests import Reply
from actors.runtime import Exit, ExitReason, spawn
from actors.runtime.tasks import wait_ended

log = structlog.wrap_logger(logging.getLogger(__name__))


class ControlServer:
    """Listens on a Unix socket while it is entered, and has each request carried out.

    Attributes:
        path: Where it listens.
    """

    def __init__(self, path: Path, handle: Handler, *, limits: Limits | None = None) -> None:
        """Make a server that does not listen yet.

        Args:
            path: Where to listen; its folder exists.
            handle: Carries requests out.  It is called for several connections at a time.
            limits: What clients may take.
        """
        self.path = path.absolute()
        self._handle = handle
        self._limits = limits or Limits()
        self._numbers = count(1)
        self._connections: dict[asyncio.Task[Exit], asyncio.StreamWriter] = {}
        self._draining = False

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ValidationError: The socket cannot lie there; see `make_socket`.
            SocketTakenError: Another process listens there.
            OSError: The folder takes no file.
        """
        listener = make_socket(self.path)
        self._inode = self.path.lstat().st_ino
        self._server = await asyncio.start_unix_server(self._meet, sock=listener, limit=CHUNK)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let nobody in, answer what is in hand, and tell the others that the daemon ends.

        What was sent is still read, and nothing can be sent any more: so everybody knows whether
        their request was taken.
        """
        self._draining = True
        with suppress(FileNotFoundError):
            if self.path.lstat().st_ino == self._inode:
                self.path.unlink()
        self._server.close()
        for writer in self._connections.values():
            with suppress(OSError):  # It has left.
                writer.get_extra_info("socket").shutdown(socket.SHUT_RD)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.close_s
        for task in tuple(self._connections):
            if not await wait_ended(task, max(until - loop.time(), 0)):
                task.cancel()
                await wait_ended(task)
        await self._server.wait_closed()

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let a client in, or say why not."""
        pid, user = peer_of(writer.get_extra_info("socket"))
        if user not in {os.geteuid(), 0}:
            log.warning("control_stranger_refused", pid=pid, user=user)
            writer.transport.abort()
            return
        if self._draining or len(self._connections) >= self._limits.connections_max:
            writer.write(Reply(error=DRAINING if self._draining else self._overloaded()).line())
            writer.close()
            return
        connection = Connection(
            reader, writer, self._handle, self._limits, draining=lambda: self._draining
        )

        def ended(exited: Exit) -> None:
            del self._connections[task]
            if exited.reason in {ExitReason.FAILED, ExitReason.EXITED}:
                log.error("control_connection_failed", exc_info=exited.error)

        task = spawn(f"control-{next(self._numbers)}", connection.run, on_exit=ended)
        self._connections[task] = writer

    def _overloaded(self) -> ControlError:
        most = self._limits.connections_max
        return ControlError(Code.OVERLOADED, f"{most} are connected, and no more are let in")
