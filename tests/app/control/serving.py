"""A control server in a thread of its own, for tests that speak to it like any other process."""

from __future__ import annotations

import asyncio
import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from actors.app.control.connection import Handler, Limits
from actors.app.control.errors import Code, ControlError
from actors.app.control.requests import Op, Reply, Request
from actors.app.control.server import ControlServer

HASH = "ab" * 32


class Desk:
    """Answers as a daemon would, and remembers what it was asked.

    Attributes:
        seen: Every request that reached it.
        answers: What an op is answered with, where it is not the usual receipt.
    """

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self.answers: dict[Op, dict[str, Any] | ControlError | Exception] = {}

    async def handle(self, request: Request) -> Reply:
        """Answer with what was prepared, else with a receipt."""
        known = any(each.id == request.id for each in self.seen if request.id)
        self.seen.append(request)
        answer = self.answers.get(request.op)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return Reply(answer)
        acted = {"action": str(request.op), "by": request.by, "reason": request.reason}
        event = {"seq": 7, "type": "OperatorActed", "data": acted}
        return Reply({"seq": 7, "hash": HASH, "events": [event], "duplicate": known})


def refusal(message: str, reason: str | None = None) -> ControlError:
    """Return the answer of a daemon that refuses."""
    return ControlError(Code.REFUSED, message, reason=reason)


@contextmanager
def serving(path: Path, handle: Handler, limits: Limits | None = None) -> Iterator[Path]:
    """Serve at `path` until the end of the block."""
    started: queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event] | BaseException]
    started = queue.Queue()

    async def serve() -> None:
        async with ControlServer(path, handle, limits=limits):
            stop = asyncio.Event()
            started.put((asyncio.get_running_loop(), stop))
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - the test is told
            started.put(error)

    thread = threading.Thread(target=run)
    thread.start()
    found = started.get(timeout=30)
    try:
        if isinstance(found, BaseException):
            raise found
        yield path
    finally:
        if not isinstance(found, BaseException):
            found[0].call_soon_threadsafe(found[1].set)
        thread.join(timeout=30)
    assert started.empty(), started.get()


class Stranger:
    """A client that may send whatever it likes."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(30)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def say(self, data: bytes) -> None:
        """Send bytes, as far as somebody takes them."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def hear(self) -> dict[str, Any] | None:
        """Return the next reply; None where the connection has ended."""
        try:
            line = self._file.readline()
        except ConnectionResetError:
            return None
        return json.loads(line) if line else None
