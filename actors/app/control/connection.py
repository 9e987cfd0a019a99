"""One connection of the control socket: a request, its reply, the next request.

The rule: nothing that a client sends, or does not send, or does not read, reaches the daemon.  A
request that came whole is carried out even if who asked has left; one that did not come whole never
is.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from actors.app.control.errors import Code, ControlError, UnknownOutcomeError
from actors.app.control.requests import Reply, Request, parse_request
from actors.app.control.wire import LINE_MAX, URGENT_MAX, bad_request

log = structlog.wrap_logger(logging.getLogger(__name__))

Handler: TypeAlias = Callable[[Request], Awaitable[Reply]]
"""Carries a request out.  Of an `UnknownOutcomeError` the asker sees the end of the connection, as
of a daemon that was killed; whatever else it raises is a `ControlError` or an `internal_error`."""

CHUNK = 16 << 10
"""Bytes that are read at once."""

DRAINING = ControlError(Code.DRAINING, "the daemon is about to end; nothing was done")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take.

    Attributes:
        connections_max: Connections at a time.
        kept_free: Connections beyond these, on which only what is urgent is taken.
        idle_s: Seconds without a request after which a connection is closed.
        line_s: Seconds that a request may take from its first byte to its last.
        reply_s: Seconds that a client may take to read a reply.
        close_s: Seconds that requests in hand may take once the server closes.
    """

    connections_max: int = 64
    kept_free: int = URGENT_MAX
    idle_s: float = 60.0
    line_s: float = 5.0
    reply_s: float = 10.0
    close_s: float = 10.0


class Connection:
    """Answers one client, one request at a time."""

    def __init__(
        self,
        peer: socket.socket,
        handle: Handler,
        limits: Limits,
        *,
        refusing: Callable[[Request], ControlError | None],
    ) -> None:
        """Make a connection that does not run yet.

        Args:
            peer: The client; does not block, and is closed at the end.
            handle: Carries requests out.
            limits: What the client may take.
            refusing: Says why a request is not taken here and now; None where it is.
        """
        self._peer = peer
        self._handle = handle
        self._limits = limits
        self._refusing = refusing
        self._left = bytearray()

    async def run(self) -> None:
        """Answer until the client leaves, or has to."""
        try:
            with self._peer:
                await self._serve()
        except (ConnectionError, TimeoutError):
            log.debug("control_client_left")
        except UnknownOutcomeError:
            log.warning("control_outcome_unknown")

    async def _serve(self) -> None:
        while True:
            try:
                line = await self._next()
            except ControlError as error:
                await self._send(Reply(error=error))
                return
            if line is None:
                return
            await self._send(await self._answer(line))

    async def _next(self) -> bytes | None:
        """Return the next line without its end; None where there comes none.

        Raises:
            ControlError: `bad_request`: it is too long, or does not come to its end.
        """
        if not self._left:
            try:
                async with asyncio.timeout(self._limits.idle_s):
                    await self._read()
            except TimeoutError:
                return None
        try:
            async with asyncio.timeout(self._limits.line_s):
                return await self._rest()
        except TimeoutError:
            raise bad_request(f"a request ends within {self._limits.line_s:g} s") from None

    async def _rest(self) -> bytes | None:
        """Read to the end of the line that has begun; None if there comes none."""
        searched = 0
        while (end := self._left.find(b"\n", searched)) < 0 and len(self._left) < LINE_MAX:
            searched = len(self._left)
            if not await self._read():
                return None
        if not 0 <= end < LINE_MAX:
            raise bad_request(f"a request has at most {LINE_MAX} bytes")
        line = bytes(self._left[:end])
        del self._left[: end + 1]
        return line

    async def _read(self) -> bool:
        chunk = await asyncio.get_running_loop().sock_recv(self._peer, CHUNK)
        self._left += chunk
        return bool(chunk)

    async def _answer(self, line: bytes) -> Reply:
        try:
            request = parse_request(line)
            refusal = self._refusing(request)
            if refusal is not None:
                return Reply(error=refusal)
            return await self._handle(request)
        except ControlError as error:
            return Reply(error=error)
        except UnknownOutcomeError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug behind one request is no reason to end
            return _bug(error)

    async def _send(self, reply: Reply) -> None:
        try:
            line = reply.line()
        except Exception as error:  # noqa: BLE001 - see above
            line = _bug(error).line()
        async with asyncio.timeout(self._limits.reply_s):
            await asyncio.get_running_loop().sock_sendall(self._peer, line)


def _bug(error: Exception) -> Reply:
    """Log what nobody foresaw, and return what the client is told of it."""
    log.error("control_request_failed", exc_info=error)
    return Reply(error=ControlError(Code.INTERNAL_ERROR, f"{type(error).__name__}; see the log"))
