"""A client of the daemon's API, in a process of its own, and what else takes a machine's time.

    python -m benchmarks.daemon_client ask PORT --rate 50    (--rate 0: as fast as it can)
    python -m benchmarks.daemon_client bare                  (a server that does nothing)
    python -m benchmarks.daemon_client burn --share 0.1      (a load that asks nobody)

Each ends when its standard input does.  `ask` has `--connections` that are kept alive, and asks for
one route after the other, on whichever is free.  With a rate, a request's time begins when it was
due, so that one which waits behind slow answers counts what it waited.  It prints what each answer
took, by route.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from itertools import count

ROUTES: Mapping[str, str] = {
    "status": "/status",
    "agents": "/agents",
    "agents/{id}": "/agents/{agent}",
    "positions": "/agents/{agent}/positions",
    "equity": "/agents/{agent}/equity",
    "leaderboard": "/leaderboard",
    "capital": "/capital",
    "events": "/events",
    "events, newest 5": "/events?order=desc&limit=5",
    "lineage": "/lineage",
    "why": "/agents/{agent}/why",
}
"""What is asked for, by name; each agent in turn."""

BODY = b"x" * 8_000
"""What the bare server answers: about what a page of agents has."""

BURN_S = 0.002
"""How long one piece of a burnt load is."""

OK = 200


class Connection:
    """A connection that is kept alive, and opened again where the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._left = b""

    def get(self, path: str) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._left = b""
        text = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n"
        self._socket.sendall(text.encode())
        head = self._until_headers_end()
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        body = self._take(int(fields.get(b"content-length", b"0")))
        if fields.get(b"connection") == b"close":
            self._socket.close()
            self._socket = None
        return int(head.split(b" ", 2)[1]), body

    def _until_headers_end(self) -> bytes:
        while b"\r\n\r\n" not in self._left:
            self._left += self._receive()
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        return head

    def _take(self, size: int) -> bytes:
        chunks, have = [self._left], len(self._left)
        while have < size:
            chunks.append(self._receive())
            have += len(chunks[-1])
        content = b"".join(chunks)
        self._left = content[size:]
        return content[:size]

    def _receive(self) -> bytes:
        if self._socket is None:
            raise ConnectionError("it was closed")
        chunk = self._socket.recv(1 << 20)
        if not chunk:
            raise ConnectionError("the server closed it in the middle of an answer")
        return chunk


class Clients:
    """So many connections that ask until nobody wants it any more."""

    def __init__(self, port: int, rate: float, connections: int, routes: list[str]) -> None:
        self._port = port
        self._rate = rate
        self._connections = connections
        self._routes = routes
        self._took: dict[str, list[float]] = defaultdict(list)
        self._failed: dict[str, int] = defaultdict(int)
        self._bytes = 0
        self._numbers = count()
        self._ended = False

    def run(self) -> dict[str, object]:
        """Ask until standard input ends; return what came of it."""
        agents = self._agents() if "bare" not in self._routes else ["-"]
        began = time.perf_counter()
        threads = [
            threading.Thread(target=self._ask, args=(began, agents))
            for _ in range(self._connections)
        ]
        for thread in threads:
            thread.start()
        print("begun", flush=True)
        sys.stdin.read()
        self._ended = True
        for thread in threads:
            thread.join()
        return {
            "seconds": time.perf_counter() - began,
            "took_ms": self._took,
            "failed": self._failed,
            "bytes": self._bytes,
            "cpu_s": time.process_time(),
        }

    def _agents(self) -> list[str]:
        _, body = Connection(self._port).get("/api/v1/agents?limit=100")
        return [row["agent"] for row in json.loads(body)["agents"]]

    def _ask(self, began: float, agents: list[str]) -> None:
        """Ask for what is next, whenever this connection is free."""
        connection = Connection(self._port)
        while not self._ended:
            number = next(self._numbers)
            due = began + number / self._rate if self._rate else time.perf_counter()
            while (left := due - time.perf_counter()) > 0 and not self._ended:
                time.sleep(min(left, 0.1))
            if self._ended:
                return
            route = self._routes[number % len(self._routes)]
            path = ROUTES.get(route, "").replace("{agent}", agents[number % len(agents)])
            status, body = connection.get(f"/api/v1{path}")
            self._took[route].append((time.perf_counter() - due) * 1e3)
            self._bytes += len(body)
            if status != OK:
                self._failed[f"{route}: {status}"] += 1


async def serve_bare() -> None:
    """Answer every request with the same bytes until standard input ends."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                writer.close()
                return
            writer.write(answer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


def burn(share: float) -> None:
    """Use `share` of one core until standard input ends; ask nobody."""
    ended = threading.Event()

    def hear() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=hear, daemon=True).start()
    print("begun", flush=True)
    began = time.perf_counter()
    while not ended.wait(BURN_S):
        while time.process_time() < share * (time.perf_counter() - began):
            sum(range(1000))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "cpu_s": time.process_time()}))


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("ask", "bare", "burn"))
    parser.add_argument("port", type=int, nargs="?", default=0)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--routes", nargs="+", default=[name for name in ROUTES if name != "why"])
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--nice", type=int, default=0)
    options = parser.parse_args()
    os.nice(options.nice)
    if options.what == "bare":
        asyncio.run(serve_bare())
    elif options.what == "burn":
        burn(options.share)
    else:
        clients = Clients(options.port, options.rate, options.connections, options.routes)
        print(json.dumps(clients.run()))


if __name__ == "__main__":
    main()
