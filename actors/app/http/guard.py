"""The door of the web: what a request must be before anything of ours looks at it.

The rule: one place, one order, and the first objection is the answer.  A request is asked

1. whether it is HTTP/1, with headers that are few and small (400, 431);
2. which host it was sent to: one that we are called by, named once (421), so that no page of
   another site can reach us under a name of its own (DNS rebinding);
3. who sent it: no other origin, no other site (403); there are no CORS headers, and no cookies;
4. what it wants: GET, HEAD or POST, whatever other headers say (405);
5. how long path and query are (414), and whether the path is plain (404);
6. how its body is framed and what it is: JSON, not compressed (400, 413, 415);
7. whether there is room for it (503): reads, streams and control have a lane each;
8. for its body, in time and not too long (408, 413).

Who is asked for a token is no matter of this module: see `tokens`.  Every answer, also one from
within, leaves with the security headers and without a word about the server.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from actors.app.http.asked import STREAMS, Asked, Message, Receive, Scope, Send
from actors.app.http.limits import LIMITS, Limits
from actors.app.http.refusals import SECURITY_HEADERS, Refused

App = Callable[[Scope, Receive, Send], Any]

VERSIONS = ("1.0", "1.1")
METHODS = ("GET", "HEAD", "POST")

_log = structlog.wrap_logger(logging.getLogger(__name__))

_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._~:@!$&'()*+,;=/-]*", re.ASCII)
_NEVER_SENT = {b"server", b"set-cookie", b"x-powered-by"}


def own_hosts(port: int, more: Collection[str] = ()) -> frozenset[str]:
    """Return the values of `Host` that mean us.

    Args:
        port: Where we listen.
        more: Names under which a proxy that speaks TLS calls us.
    """
    names = {"127.0.0.1", "localhost", "[::1]"}
    own = {f"{name}:{port}" for name in names} | (names if port == 80 else set())
    return frozenset(own | {each + tls for each in more for tls in ("", ":443")})


class Guard:
    """An ASGI application that lets in what it has no objection to."""

    def __init__(self, app: App, *, hosts: Collection[str], limits: Limits = LIMITS) -> None:
        """Stand before `app`.

        Args:
            app: What is guarded.
            hosts: See `own_hosts`.
            limits: What a request may cost.
        """
        self._app = app
        self._hosts = frozenset(hosts)
        self._origins = {f"{kind}://{host}" for host in hosts for kind in ("http", "https")}
        self._limits = limits
        self._room = {
            "reads": limits.reads_max,
            "controls": limits.controls_max,
            "streams": limits.streams_max,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on that the server starts and stops."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Asked(scope)
        answer = _Answer(send, head=asked.method == "HEAD")
        body = b""
        refused = self._objection(asked)
        if refused is None and asked.method == "POST":
            refused, body = await self._body(receive)
        lane = _lane(asked)
        if refused is None and not self._room[lane]:
            refused = Refused(503, "busy", f"all {lane} are taken; come back", retry_s=1)
        if refused is not None:
            await answer.refuse(refused)
            return
        with self._taken(lane):
            await self._pass_on(asked, _given(body, receive), answer)

    @contextmanager
    def _taken(self, lane: str) -> Iterator[None]:
        self._room[lane] -= 1
        try:
            yield
        finally:
            self._room[lane] += 1

    async def _pass_on(self, asked: Asked, receive: Receive, answer: _Answer) -> None:
        """Let the application answer.  What it has no answer to is in the log, never outside."""
        scope = {**asked.scope, "method": "GET"} if asked.method == "HEAD" else asked.scope
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:  # noqa: BLE001 - the last door: the process goes on
            if answer.ended:  # It has said itself what went wrong, here and there.
                return
            _log.error("request_failed", path=asked.path, error=repr(error), exc_info=True)
            if not answer.begun:
                await answer.refuse(Refused(500, "internal_error", "this is a bug; the log has it"))

    def _objection(self, asked: Asked) -> Refused | None:
        checks = (self._size, self._host, self._sender, self._method, self._target, self._framing)
        return next(filter(None, (check(asked) for check in checks)), None)

    def _size(self, asked: Asked) -> Refused | None:
        limits = self._limits
        if asked.scope["http_version"] not in VERSIONS:
            return Refused(400, "bad_request", "that is no HTTP/1.1")
        if len(asked.headers) > limits.headers_max:
            needed = f"at most {limits.headers_max} headers are read"
        elif asked.header_bytes > limits.header_bytes_max:
            needed = f"at most {limits.header_bytes_max} bytes of headers are read"
        else:
            return None
        return Refused(431, "headers_too_large", needed)

    def _host(self, asked: Asked) -> Refused | None:
        hosts = asked.values(b"host")
        if len(hosts) == 1 and hosts[0].lower() in self._hosts:
            return None
        return Refused(421, "wrong_host", "this server is not called by that name")

    def _sender(self, asked: Asked) -> Refused | None:
        origins = asked.values(b"origin")
        foreign = any(each.lower() not in self._origins for each in origins)
        sites = asked.values(b"sec-fetch-site")
        if foreign or len(origins) > 1 or any("cross-site" in each.lower() for each in sites):
            return Refused(403, "foreign_origin", "no other site may ask")
        return None

    def _method(self, asked: Asked) -> Refused | None:
        if asked.method in METHODS and not (asked.method == "HEAD" and asked.path in STREAMS):
            return None
        return Refused(405, "method_not_allowed", "GET, HEAD and POST are", allow=METHODS)

    def _target(self, asked: Asked) -> Refused | None:
        if asked.target_bytes > self._limits.target_bytes_max:
            needed = f"at most {self._limits.target_bytes_max} bytes of path and query are read"
            return Refused(414, "target_too_long", needed)
        if _PLAIN_PATH.fullmatch(asked.path) and not _wanders(asked):
            return None
        return Refused(404, "not_found", "nothing is there")

    def _framing(self, asked: Asked) -> Refused | None:
        """Look at what is said about the body, before any of it is read."""
        lengths = asked.values(b"content-length")
        chunked = asked.values(b"transfer-encoding")
        if lengths and chunked:
            return Refused(400, "bad_request", "a body has one length: chunks, or a number")
        if asked.method != "POST":
            if chunked or any(each != "0" for each in lengths):
                return Refused(400, "unexpected_body", "a question has no body")
            return None
        if asked.values(b"content-encoding"):
            return Refused(415, "unsupported_encoding", "bodies come as they are, not compressed")
        kinds = asked.values(b"content-type")
        if len(kinds) != 1 or kinds[0].partition(";")[0].strip().lower() != "application/json":
            return Refused(415, "unsupported_media_type", "application/json is read")
        if lengths and int(lengths[0]) > self._limits.body_bytes_max:
            return self._too_large()
        return None

    def _too_large(self) -> Refused:
        needed = f"at most {self._limits.body_bytes_max} bytes of body are read"
        return Refused(413, "body_too_large", needed)

    async def _body(self, receive: Receive) -> tuple[Refused | None, bytes]:
        """Return the whole body, or what is wrong with how it comes."""
        body, more = bytearray(), True
        try:
            async with asyncio.timeout(self._limits.body_s):
                while more and len(body) <= self._limits.body_bytes_max:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return Refused(400, "bad_request", "the body ended early"), b""
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
        except TimeoutError:
            return Refused(408, "body_too_slow", f"a body takes {self._limits.body_s:g} s"), b""
        if len(body) > self._limits.body_bytes_max:
            return self._too_large(), b""
        return None, bytes(body)


def _wanders(asked: Asked) -> bool:
    """Return whether a path has parts that mean another one, or hides a separator."""
    hidden = any(each in asked.raw_path.lower() for each in (b"%2f", b"%5c", b"%25"))
    return hidden or "//" in asked.path or bool({".", ".."} & {*asked.path.split("/")})


def _lane(asked: Asked) -> str:
    if asked.method == "POST":
        return "controls"
    return "streams" if asked.path in STREAMS else "reads"


def _given(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that has the whole body in one piece, and then waits for the end."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_whole() -> Message:
        return first.pop() if first else await receive()

    return receive_whole


class _Answer:
    """What goes out, with the headers that every answer has."""

    def __init__(self, send: Send, *, head: bool) -> None:
        self._send = send
        self._head = head
        self.begun = self.ended = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Send one part of the application's answer."""
        if message["type"] == "http.response.start":
            self.begun = True
            kept = [each for each in message.get("headers", ()) if not _is_ours(each[0].lower())]
            message = {**message, "headers": [*kept, *SECURITY_HEADERS]}
        elif message["type"] == "http.response.body":
            self.ended = not message.get("more_body", False)
            message = {**message, "body": b""} if self._head else message
        await self._send(message)

    async def refuse(self, refused: Refused) -> None:
        """Send the one answer to a request that is not let in, and end the connection."""
        self.begun = self.ended = True
        head = {"type": "http.response.start", "status": refused.status}
        await self._send({**head, "headers": refused.headers()})
        body = b"" if self._head else refused.body()
        await self._send({"type": "http.response.body", "body": body})


def _is_ours(name: bytes) -> bool:
    """Return whether a header is one that we set, or that nobody may."""
    fixed = {each for each, _ in SECURITY_HEADERS}
    return name in fixed or name in _NEVER_SENT or name.startswith(b"access-control-")
