"""What strangers can do to the writer: 100 readers that stall, and 50 that never finish a request.

One daemon runs at full speed.  The phases take turns: alone, then with them.  A phase is so many
seconds; the commits in it are read from the daemon's own histogram, whose buckets are what they
are: a p99 is interpolated within one.
"""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.daemon_process import Served, served, show

STALLED = 100
LORIS = 50
PHASE_S = 6.0
DRIP_S = 0.5
"""How often each dawdler sends one byte more."""


@dataclass(frozen=True, slots=True)
class Phase:
    """So many seconds of an arena.

    Attributes:
        ticks_per_s: Settled ticks.
        commits: How many there were.
        p50_ms: Of a commit.
        p99_ms: Of a commit.
        writer_ms: Processor of the writer for one tick, milliseconds.
        web_share: Of one core, what the web process used.
    """

    ticks_per_s: float
    commits: int
    p50_ms: float
    p99_ms: float
    writer_ms: float
    web_share: float


def hostile(base: Path, agents: int, rounds: int) -> None:
    """Print what becomes of ticks and commits while strangers do what they can."""
    sets = (
        f"population.agents={agents}",
        f"evolution.agents_max={agents}",
        "daemon.speed=max",
        "run.days=36500",
    )
    phases: dict[str, list[Phase]] = {"alone": [], "hostile": []}
    with served(base / "hostile", *sets, tick=20) as daemon:
        daemon.wait_for_web()
        for turn in range(rounds):
            phases["alone"].append(_phase(daemon))
            with strangers(daemon.port) as let_in:
                phases["hostile"].append(_phase(daemon))
            shown = {n: f"{p[-1].ticks_per_s:.1f} ticks/s" for n, p in phases.items()}
            show({"round": turn + 1, **shown, "streams let in": sum(let_in)})
    for name, found in phases.items():
        _show(name, found, phases["alone"])


def _phase(daemon: Served) -> Phase:
    used, before, began = daemon.processor(), daemon.status(), time.perf_counter()
    time.sleep(PHASE_S)
    after, took = daemon.status(), time.perf_counter() - began
    spent, ticks = daemon.processor().since(used), after["tick"] - before["tick"]
    counts = between(*(each["gauges"]["commit_seconds"] for each in (before, after)))
    return Phase(
        ticks / took,
        counts[-1][1],
        quantile_of(counts, 0.5) * 1e3,
        quantile_of(counts, 0.99) * 1e3,
        spent.writer_s / ticks * 1e3,
        spent.web_s / took,
    )


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[float, int]]:
    """Return (upper bound, how many up to it) of what was counted between two snapshots."""
    pairs = zip(before["buckets"], after["buckets"], strict=True)
    counts = [(float(late[0]), int(late[1]) - int(early[1])) for early, late in pairs]
    return [*counts, (float("inf"), int(after["count"]) - int(before["count"]))]


def quantile_of(counts: Sequence[tuple[float, int]], part: float) -> float:
    """Return the value below which `part` lies, as if a bucket were evenly filled."""
    wanted, low, below = part * counts[-1][1], 0.0, 0
    for bound, upto in counts:
        if upto >= wanted and upto > below:
            if bound == float("inf"):
                return low
            return low + (bound - low) * (wanted - below) / (upto - below)
        low, below = bound, upto
    return low


@contextmanager
def strangers(port: int) -> Iterator[list[bool]]:
    """Have readers of the stream that read nothing, and clients that send a byte now and then.

    Yields:
        For each of the readers, whether it was let in.
    """
    with ExitStack() as stack:
        stream = b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port
        let_in = []
        for _ in range(STALLED):
            reader = stack.enter_context(closing(_connect(port)))
            let_in.append(_asked(reader, stream))
        dawdlers = [stack.enter_context(closing(_connect(port))) for _ in range(LORIS)]
        ended = threading.Event()
        drip = threading.Thread(target=_drip, args=(dawdlers, ended))
        drip.start()
        stack.callback(drip.join)
        stack.callback(ended.set)
        yield let_in


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def _asked(reader: socket.socket, request: bytes) -> bool:
    """Ask for the stream; return whether it began.  No more than the first bytes are read."""
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    try:
        reader.sendall(request)
        return reader.recv(16).startswith(b"HTTP/1.1 200")
    except OSError:
        return False  # It was turned away before it could ask.


def _drip(dawdlers: Sequence[socket.socket], ended: threading.Event) -> None:
    while not ended.wait(DRIP_S):
        for each in dawdlers:
            try:
                each.sendall(b"G")
            except OSError:
                continue  # The server has had enough of this one.


def _show(name: str, found: Sequence[Phase], alone: Sequence[Phase]) -> None:
    mid = statistics.median
    ratios = [one.ticks_per_s / two.ticks_per_s for one, two in zip(found, alone, strict=True)]
    show(
        {
            f"{name:8}": "",
            "ticks_per_s": round(mid(each.ticks_per_s for each in found), 1),
            "of_alone": round(mid(ratios), 3),
            "commits": sum(each.commits for each in found),
            "p50_ms": round(mid(each.p50_ms for each in found), 2),
            "p99_ms": round(mid(each.p99_ms for each in found), 2),
            "writer_ms_per_tick": round(mid(each.writer_ms for each in found), 2),
            "web_share": round(mid(each.web_share for each in found), 3),
        }
    )
