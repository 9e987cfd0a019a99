"""Asking a daemon: `ControlClient` for commands, `AsyncControlClient` for who runs on a loop.

Each request has a connection of its own, so none waits behind another one, and a daemon that was
started anew is found without more ado.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from actors.app.control.errors import Code, ControlError, NoAnswerError, NotRunningError
from actors.app.control.place import check_length
from actors.app.control.wire import REPLY_MAX, URGENT, URGENT_MAX, request_line, result_of

TIMEOUT_S = 10.0
"""Seconds that a reply may take, unless the asker says otherwise."""

IN_FLIGHT_MAX = 16
"""Requests of one `AsyncControlClient` at a time: the others of the daemon's clients have room.
For what is urgent there are `URGENT_MAX` more."""

CHUNK = 64 << 10


class ControlClient:
    """Asks, and waits for the reply.

    Attributes:
        path: Where the daemon listens.
        timeout_s: Seconds that a reply may take.
    """

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        self.path = path
        self.timeout_s = timeout_s

    def ask(
        self,
        op: str,
        args: Mapping[str, Any] | None = None,
        *,
        command_id: str | None = None,
        by: str = "",
        reason: str = "",
    ) -> dict[str, Any]:
        """Ask for `op`, and return its result.

        Args:
            op: One of `Op`.
            args: What it is told.
            command_id: The key under which a change is done once.
            by: Who answers for it.
            reason: Why, for the record.

        Raises:
            ControlError: The daemon did not do it.
            NotRunningError: There is no daemon.
            NoAnswerError: No reply came in time: a change may have happened or not.
            ValidationError: The kernel takes no path of that length.
        """
        line = request_line(op, args or {}, command_id=command_id, by=by, reason=reason)
        until = time.monotonic() + self.timeout_s
        with _connect(self.path) as connection:
            try:
                sent, reply = _exchange(connection, line, until)
            except TimeoutError:
                raise NoAnswerError(_late(self.path, self.timeout_s), command_id) from None
        return _result(self.path, reply, command_id, sent=sent)


def _connect(path: Path) -> socket.socket:
    """Return a connection that does not block."""
    check_length(path)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)  # noqa: FBT003 - the one argument it has
    try:
        connection.connect(os.fspath(path))
    except BaseException as error:
        connection.close()
        if isinstance(error, (FileNotFoundError, ConnectionError)):
            raise NotRunningError(str(path)) from None
        if isinstance(error, BlockingIOError):
            message = f"many wait to be let in at {path}; nothing was sent"
            raise ControlError(Code.OVERLOADED, message) from None
        raise
    return connection


def _exchange(connection: socket.socket, line: bytes, until: float) -> tuple[bool, bytes]:
    """Send `line`; return whether all of it went, and what came back."""
    sent, reply = True, bytearray()
    try:
        _go_on(connection, until)
        connection.sendall(line)
    except ConnectionError:  # Who has left may have said why.
        sent = False
    with suppress(ConnectionError):
        while not _is_whole(reply):
            _go_on(connection, until)
            chunk = connection.recv(CHUNK)
            if not chunk:
                break
            reply += chunk
    return sent, bytes(reply)


def _is_whole(reply: bytearray) -> bool:
    return reply.endswith(b"\n") or len(reply) > REPLY_MAX


def _go_on(connection: socket.socket, until: float) -> None:
    """Let the next call take no longer than is left."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)


def _late(path: Path, timeout_s: float) -> str:
    return f"the daemon at {path} did not answer within {timeout_s:g} s"


def _result(path: Path, reply: bytes, command_id: str | None, *, sent: bool) -> dict[str, Any]:
    """Return the result in `reply`, or raise what it means that there is none."""
    if not reply.endswith(b"\n"):
        if not sent:  # A request that did not come whole is never carried out.
            raise NotRunningError(str(path))
        raise NoAnswerError(f"the daemon at {path} ended before it answered", command_id)
    try:
        return result_of(reply)
    except ValueError as error:
        said = f"the daemon at {path} answered what cannot be read ({error})"
        raise NoAnswerError(said, command_id) from None


class AsyncControlClient:
    """The same on a loop, for several askers at a time.

    Attributes:
        path: Where the daemon listens.
        timeout_s: Seconds that a reply may take.
    """

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        self.path = path
        self.timeout_s = timeout_s
        self._in_flight = 0

    async def ask(
        self,
        op: str,
        args: Mapping[str, Any] | None = None,
        *,
        command_id: str | None = None,
        by: str = "",
        reason: str = "",
    ) -> dict[str, Any]:
        """Ask for `op`, and return its result; see `ControlClient.ask`.

        Raises:
            ControlError: As there, and `overloaded` if too many requests are under way.
        """
        line = request_line(op, args or {}, command_id=command_id, by=by, reason=reason)
        most = IN_FLIGHT_MAX + (URGENT_MAX if op in URGENT else 0)
        if self._in_flight >= most:
            raise ControlError(Code.OVERLOADED, f"{most} requests are under way")
        self._in_flight += 1
        try:
            async with asyncio.timeout(self.timeout_s):
                sent, reply = await self._exchange(line)
        except TimeoutError:
            raise NoAnswerError(_late(self.path, self.timeout_s), command_id) from None
        finally:
            self._in_flight -= 1
        return _result(self.path, reply, command_id, sent=sent)

    async def _exchange(self, line: bytes) -> tuple[bool, bytes]:
        loop = asyncio.get_running_loop()
        sent, reply = True, bytearray()
        with _connect(self.path) as connection:
            try:
                await loop.sock_sendall(connection, line)
            except ConnectionError:
                sent = False
            with suppress(ConnectionError):
                while not _is_whole(reply) and (chunk := await loop.sock_recv(connection, CHUNK)):
                    reply += chunk
        return sent, bytes(reply)
