"""Every number that bounds what a stranger may cost us over HTTP.

The rule: whatever a client can make large, long, many or slow has its bound here, and nowhere
else.  Tests shorten them by making another `Limits`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client, and all of them together, may cost.

    Attributes:
        connections_max: Open connections; one more is told 503 and closed.
        reads_max: Requests that are answered at once, streams and control apart.
        controls_max: Requests for control under way; a lane of their own, so that reads never
            keep an operator out.
        streams_max: Streams of events that are open at once.
        headers_max: Header lines of a request.
        header_bytes_max: Bytes of all headers.
        target_bytes_max: Bytes of path and query.
        body_bytes_max: Bytes of a request's body, however it is framed.
        header_s: Seconds until a connection's first request has its last header; on a connection
            that is kept alive, from the first byte of the next request.
        body_s: Seconds from the headers to the end of the body.
        keep_alive_s: Seconds that a connection may be idle between two requests.
        stall_s: Seconds in which a reader takes what was written to it; then it is cut off.
        drain_s: Seconds that requests under way get when the server stops.
        failures_max: Wrong tokens per `failures_s`; after that nobody's token is looked at.
        failures_s: Seconds after which a wrong token is forgotten.
    """

    connections_max: int = 64
    reads_max: int = 16
    controls_max: int = 4
    streams_max: int = 32
    headers_max: int = 100
    header_bytes_max: int = 16 * 1024
    target_bytes_max: int = 8 * 1024
    body_bytes_max: int = 64 * 1024
    header_s: float = 5.0
    body_s: float = 10.0
    keep_alive_s: int = 30
    stall_s: float = 20.0
    drain_s: int = 2
    failures_max: int = 10
    failures_s: float = 60.0


LIMITS = Limits()
"""The limits that hold unless a test says otherwise."""
