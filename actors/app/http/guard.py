"""The door of the web: what a request must be before anything of ours looks at it.

The rule: one place, one order, and the first objection is the answer.  A request is asked

1. whether it is HTTP/1, with headers that are few and small (400, 431);
2. which host it was sent to: one that we are called by, named once (421), so that no page of
   another site can reach us under a name of its own (DNS rebinding);
3. who sent it: no other origin, no other site (403); there are no CORS headers, and no cookies;
4. what it wants: GET, HEAD or POST, whatever other headers say (405);
5. how long path and query are (414), and whether the path is plain (404);
6. how its body is framed and what it is: JSON, not compressed (400, 413, 415);
7. for its body, in time and not too long (408, 413);
8. whether there is room for it (503): reads, streams and control have a lane each.

The first six are `objections`, which look at nothing but the headers.

Who is asked for a token is no matter of this module: see `tokens`.  Every answer, also one from
within, leaves with the security headers and without a word about the server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from actors.app.http.asked import STREAMS, Asked, Message, Receive, Scope, Send
from actors.app.http.limits import LIMITS, Limits
from actors.app.http.objections import Objections, body_too_large
from actors.app.http.refusals import SECURITY_HEADERS, Refused

App = Callable[[Scope, Receive, Send], Any]

_log = structlog.wrap_logger(logging.getLogger(__name__))

_NEVER_SENT = {b"server", b"set-cookie", b"x-powered-by"}


class Guard:
    """An ASGI application that lets in what it has no objection to."""

    def __init__(self, app: App, *, hosts: Collection[str], limits: Limits = LIMITS) -> None:
        """Stand before `app`.

        Args:
            app: What is guarded.
            hosts: See `objections.own_hosts`.
            limits: What a request may cost.
        """
        self._app = app
        self._objections = Objections(hosts, limits)
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
        refused = self._objections.first(asked)
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
            return body_too_large(self._limits), b""
        return None, bytes(body)


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
