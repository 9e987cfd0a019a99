"""A web server in a thread, and a client that says what no decent client says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any

from actors.app.http.limits import LIMITS, Limits
from actors.app.http.listening import listen
from actors.app.http.server import WebServer

WITHIN_S = 20.0


@dataclass(frozen=True)
class Heard:
    """What came back: a status, headers in lower case, a body; status 0 where nothing came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str | None:
        """The problem's word, where there is a problem."""
        if not self.body or "problem+json" not in self.headers.get("content-type", ""):
            return None
        return str(json.loads(self.body)["code"])


@contextlib.contextmanager
def served(
    make: Callable[[], AbstractAsyncContextManager[Any]],
    *,
    hosts: tuple[str, ...] = (),
    limits: Limits = LIMITS,
) -> Iterator[int]:
    """Serve what `make` yields, entered on the server's loop, and yield the port."""
    listener = listen("127.0.0.1:0")
    port = listener.getsockname()[1]
    begun = threading.Event()
    stop: list[Callable[[], object]] = []

    async def run() -> None:
        async with make() as app:
            server = WebServer(app, listener, hosts=hosts, limits=limits)
            loop = asyncio.get_running_loop()
            stop.append(lambda: loop.call_soon_threadsafe(server.stop))
            begun.set()
            await server.run_until_stopped()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert begun.wait(WITHIN_S)
        yield port
    finally:
        for each in stop:
            each()
        thread.join(WITHIN_S)
        assert not thread.is_alive()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S)


def say(port: int, said: bytes) -> Heard:
    """Send `said` on a connection of its own, and return the first answer."""
    with connect(port) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(said)
        return hear(connection, head=said.startswith(b"HEAD "))


def hear(connection: socket.socket, *, head: bool = False) -> Heard:
    """Return the next answer on a connection."""
    answer = HTTPResponse(connection, method="HEAD" if head else None)
    try:
        answer.begin()
        body = b"" if "event-stream" in (answer.getheader("content-type") or "") else answer.read()
    except (ConnectionError, HTTPException):
        return Heard(0, {}, b"")
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Heard(answer.status, headers, body)
