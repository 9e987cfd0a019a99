"""A real HTTP server on 127.0.0.1 that answers what it was told to, and counts what it was asked.

Bodies come from the recordings beside the project; one that was made by hand is said to be.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

DATA = Path(__file__).parents[4].parent / "shared" / "data" / "http"

STALL_MAX_S = 30.0
"""A handler that stalls ends when the server closes, and at the latest after this."""

Query = Mapping[str, str]


def recorded(name: str) -> bytes:
    """Return the recorded body `name`, such as `binance/time_usdm.json`."""
    return (DATA / name).read_bytes()


def parsed(name: str) -> Any:
    return json.loads(recorded(name))


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        body: Bytes, or a value that is sent as JSON.
        status: HTTP status.
        headers: Besides the type and the length.
        cut: Close the connection after so many bytes of the body; the length says all of it.
        stall: Say nothing until the server closes.
        hang_up: Close the connection before a word is said.
        drip: Send the body byte by byte, each one before a client that waits for one gives up.
    """

    body: Any = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: bool = False
    hang_up: bool = False
    drip: bool = False

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Loopback:
    """The server; a context manager that ends it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self._routes: list[tuple[str, Callable[[str, Query], Answer]]] = []
        self._closing = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def on(self, path: str, *answers: Answer | Callable[[str, Query], Answer]) -> None:
        """Answer what begins with `path`: one after another, the last one again and again."""
        left = list(answers)

        def following(asked: str, query: Query) -> Answer:
            now = left.pop(0) if len(left) > 1 else left[0]
            return now(asked, query) if callable(now) else now

        self._routes.insert(0, (path, following))

    def count(self, path: str) -> int:
        """Return how often something that begins with `path` was asked."""
        return sum(each.startswith(path) for each in self.asked)

    def queries(self, path: str) -> list[dict[str, str]]:
        """Return the parameters of each time that something beginning with `path` was asked."""
        found = [urlsplit(each) for each in self.asked if each.startswith(path)]
        return [dict(parse_qsl(each.query)) for each in found]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        self.headers.append(dict(request.headers.items()))
        asked = urlsplit(request.path)
        routes = [made for path, made in self._routes if asked.path.startswith(path)]
        unknown = Answer({"error": f"the test has no answer to {request.path}"}, status=404)
        answer = routes[0](asked.path, dict(parse_qsl(asked.query))) if routes else unknown
        request.close_connection = True
        if answer.stall:
            self._closing.wait(STALL_MAX_S)
        if answer.stall or answer.hang_up:
            return
        request.send_response_only(answer.status)  # Without a Date: time is the test's.
        headers = {"Content-Type": "application/json"} | dict(answer.headers)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer.content)))
        request.send_header("Connection", "close")
        request.end_headers()
        if answer.drip:
            self._drip(request, answer.content)
        else:
            request.wfile.write(answer.content[: answer.cut])

    def _drip(self, request: BaseHTTPRequestHandler, content: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # The client gives up in the middle.
            for at in range(len(content)):
                request.wfile.write(content[at : at + 1])
                if self._closing.wait(0.02):
                    return
