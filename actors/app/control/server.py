"""The control server: lets in who may ask, and no more of them than there is room for."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Self

import structlog

from actors.app.control.connection import DRAINING, Connection, Handler, Limits
from actors.app.control.errors import Code, ControlError
from actors.app.control.place import BACKLOG, make_socket, peer_of
from actors.app.control.requests import Reply, Request
from actors.app.control.wire import URGENT
from actors.runtime import Exit, ExitReason, spawn
from actors.runtime.tasks import wait_ended

log = structlog.wrap_logger(logging.getLogger(__name__))

ACCEPT_AGAIN_S = 1.0
"""Seconds until the next try, where the process has no file left for another connection."""


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
        self._connections: dict[asyncio.Task[Exit], socket.socket] = {}
        self._draining = False
        self._users = {os.geteuid(), 0}

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ValidationError: The socket cannot lie there; see `make_socket`.
            SocketTakenError: Another process listens there.
            OSError: The folder takes no file.
        """
        self._listener = make_socket(self.path)
        self._inode = self.path.lstat().st_ino
        self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let nobody in, answer what is in hand, and tell the others that the daemon ends.

        What was sent is still read, and nothing can be sent any more: so everybody knows whether
        their request was taken.
        """
        self._draining = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        with suppress(FileNotFoundError):
            if self.path.lstat().st_ino == self._inode:
                self.path.unlink()
        self._accept()
        self._listener.close()
        for peer in self._connections.values():
            with suppress(OSError):  # It has left.
                peer.shutdown(socket.SHUT_RD)
        until = loop.time() + self._limits.close_s
        for task in tuple(self._connections):
            if not await wait_ended(task, max(until - loop.time(), 0)):
                task.cancel()
                await wait_ended(task)

    def _listen(self) -> None:
        if not self._draining:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Take who waits to be let in; a flood of them waits for its next turn."""
        for _ in range(BACKLOG):
            try:
                peer, _ = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("control_accept_failed", error=str(error))
                loop = asyncio.get_running_loop()
                loop.remove_reader(self._listener)
                loop.call_later(ACCEPT_AGAIN_S, self._listen)
                return
            self._meet(peer)

    def _meet(self, peer: socket.socket) -> None:
        """Let a client in, or say why not."""
        peer.setblocking(False)  # noqa: FBT003 - the one argument it has
        pid, user = peer_of(peer)
        if user not in self._users:
            log.warning("control_stranger_refused", pid=pid, user=user)
            peer.close()
            return
        above = len(self._connections) - self._limits.connections_max
        if self._draining or above >= self._limits.kept_free:
            with peer, suppress(OSError):
                peer.send(Reply(error=DRAINING if self._draining else self._overloaded()).line())
            return
        limits, refusing = self._limits, self._refuse
        if above >= 0:  # It keeps its place from nobody for long.
            limits, refusing = replace(limits, idle_s=limits.line_s), self._refuse_in_a_crowd
        connection = Connection(peer, self._handle, limits, refusing=refusing)

        def ended(exited: Exit) -> None:
            del self._connections[task]
            peer.close()  # A task that was cancelled before its first step has not done it.
            if exited.reason in {ExitReason.FAILED, ExitReason.EXITED}:
                log.error("control_connection_failed", exc_info=exited.error)

        task = spawn(f"control-{next(self._numbers)}", connection.run, on_exit=ended)
        self._connections[task] = peer

    def _refuse(self, request: Request) -> ControlError | None:
        del request
        return DRAINING if self._draining else None

    def _refuse_in_a_crowd(self, request: Request) -> ControlError | None:
        crowded = None if request.op in URGENT else self._overloaded()
        return self._refuse(request) or crowded

    def _overloaded(self) -> ControlError:
        most = self._limits.connections_max
        return ControlError(Code.OVERLOADED, f"{most} are connected, and no more are let in")
