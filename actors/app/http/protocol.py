"""How bytes become requests: uvicorn's HTTP/1.1, with a clock beside every connection.

The rule: whoever is slow pays with the connection.  uvicorn waits for ever for a header and for a
reader; here the first request has `header_s` to be complete, the next ones have it from their
first byte, and a reader has `stall_s` to take what was written.  Beyond `connections_max` a
connection is told so and closed.  What is no HTTP gets a problem, as everything else does.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from actors.app.http.asked import STREAMS
from actors.app.http.limits import Limits
from actors.app.http.refusals import Refused

_FULL = "all connections are taken; come back"
_FORGET = struct.pack("ii", 1, 0)
_HOST = "Host: header"  # How h11 says that it is missing, or there twice.


class _Parser(h11.Connection):
    """h11, which also remembers why it gave up."""

    refused: h11.RemoteProtocolError | None = None

    def next_event(self) -> Any:
        """Return what came next."""
        try:
            return super().next_event()
        except h11.RemoteProtocolError as error:
            self.refused = error
            raise


class TimedProtocol(H11Protocol):
    """One connection."""

    limits: Limits

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        limits = self.limits
        self.conn = _Parser(h11.SERVER, limits.header_bytes_max + limits.target_bytes_max)
        self._header_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._look_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as there
        """Begin, unless there are too many."""
        super().connection_made(transport)
        self._look_timer = self._in(self.limits.stall_s, self._look)
        if len(self.connections) > self.limits.connections_max:
            self._refuse(Refused(503, "too_many_connections", _FULL, retry_s=1))
        else:
            self._header_timer = self._in(self.limits.header_s, self._header_is_late)

    def data_received(self, data: bytes) -> None:
        """Take what came; the clock runs from a request's first byte to its last header."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._time_header(begun=True)

    def on_response_complete(self) -> None:
        """Wait for the next request, of which a part may be here already."""
        super().on_response_complete()
        self._time_header(begun=bool(self.conn.trailing_data[0]))

    def connection_lost(self, exc: Exception | None) -> None:
        """End, with every clock."""
        for timer in (self._header_timer, self._stall_timer, self._look_timer):
            _stop(timer)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for a reader who has more than enough to read, but not for ever."""
        super().pause_writing()
        self._stall_timer = self._in(self.limits.stall_s, self._cut)

    def resume_writing(self) -> None:
        """Go on: the reader took what was written."""
        _stop(self._stall_timer)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the name and words are theirs
        """Answer what is no HTTP, or no HTTP that is read here."""
        self._refuse(_explain(getattr(self.conn, "refused", None), self.limits))

    def shutdown(self) -> None:
        """End as the server does: an answer that has an end gets it, a stream is cut here."""
        super().shutdown()
        if self._streams():
            self.transport.close()

    def _streams(self) -> bool:
        """Return whether what is under way is a stream; before the first request, nothing is."""
        scope: dict[str, Any] | None = vars(self)["scope"]
        return scope is not None and scope["path"] in STREAMS

    def _time_header(self, *, begun: bool) -> None:
        """Let the clock run while a request has begun and its headers have not ended."""
        if self.conn.their_state is not h11.IDLE:
            _stop(self._header_timer)
            self._header_timer = None
        elif self._header_timer is None and begun and not self.transport.is_closing():
            self._header_timer = self._in(self.limits.header_s, self._header_is_late)

    def _header_is_late(self) -> None:
        self._refuse(Refused(408, "headers_too_slow", f"headers take {self.limits.header_s:g} s"))

    def _look(self) -> None:
        """Cut off who was told goodbye and does not take it."""
        if self.transport.is_closing():
            self._cut()
        else:
            self._look_timer = self._in(self.limits.stall_s, self._look)

    def _cut(self) -> None:
        """Forget the connection, and let the kernel forget what it has still to deliver."""
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _FORGET)
        self.transport.abort()

    def _in(self, seconds: float, then: Callable[[], None]) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, then)

    def _refuse(self, refused: Refused) -> None:
        """Write an answer past the application, where none has begun, and close."""
        if self.transport.is_closing():
            return
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            status = f"HTTP/1.1 {refused.status} {HTTPStatus(refused.status).phrase}".encode()
            lines = [b"%s: %s" % header for header in refused.headers()]
            self.transport.write(b"\r\n".join([status, *lines, b"", refused.body()]))
        self.transport.close()


def timed_protocol(limits: Limits) -> type[TimedProtocol]:
    """Return the protocol with its limits: uvicorn makes the instances, and tells them none."""
    return type("TimedProtocol", (TimedProtocol,), {"limits": limits})


def _explain(error: h11.RemoteProtocolError | None, limits: Limits) -> Refused:
    if error is not None and error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        needed = f"at most {limits.header_bytes_max} bytes of headers are read"
        return Refused(431, "headers_too_large", needed)
    if error is not None and _HOST in str(error):
        return Refused(421, "wrong_host", "one Host header is needed")
    return Refused(400, "bad_request", "that is no HTTP/1.1")


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
