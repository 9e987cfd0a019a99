"""What the benchmarks of the daemon share: a daemon to measure, and what the kernel counts of it.

Sources: proc(5), `stat` (fields 4, 14, 15), `smaps_rollup` (`Rss`, `Pss`), `loadavg`.
"""

from __future__ import annotations

import http.client
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from actors.app.ready.process import ServedProcess, words_of

CONFIG = Path(__file__).parents[1] / "config" / "daemon.toml"
"""What is served; the benchmarks change its size and its speed."""

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
MIB = 1 << 10
"""Of the KiB that the kernel counts in."""

HTTP_WITHIN_S = 60.0


class Processor(NamedTuple):
    """Seconds of processor that the writer and its web process have used."""

    writer_s: float
    web_s: float

    def since(self, before: Processor) -> Processor:
        """Return what was used since `before`."""
        return Processor(self.writer_s - before.writer_s, self.web_s - before.web_s)


class Memory(NamedTuple):
    """What a process has in memory, MiB; `pss` counts what is shared by its part."""

    rss: float
    pss: float


class Served:
    """A daemon that is measured.

    Attributes:
        daemon: The process.
        port: Of its HTTP.
        web: The web process; 0 before it is there.
    """

    def __init__(self, daemon: ServedProcess, status: dict[str, Any]) -> None:
        self.daemon = daemon
        self.port = int(urlsplit(status["url"]).port or 0)
        self.web = web_of(daemon.process.pid)

    def status(self) -> dict[str, Any]:
        """Return what it says of itself."""
        return self.daemon.ask("status")

    def processor(self) -> Processor:
        """Return what it has used so far."""
        return Processor(used_s(self.daemon.process.pid), used_s(self.web))

    def wait_for_web(self) -> None:
        """Return when the web process can be relied on."""
        until = time.monotonic() + HTTP_WITHIN_S
        while get(self.port, "/readyz") != http.client.OK:
            if time.monotonic() > until:
                raise SystemExit("the web process is not ready")
            time.sleep(0.05)

    def wait_for_tick(self, tick: int) -> None:
        """Return when so many ticks are settled; it is asked ten times a second."""
        while self.status()["tick"] < tick:
            time.sleep(0.1)


@contextmanager
def served(folder: Path, *sets: str, tick: int = 0, config: Path = CONFIG) -> Iterator[Served]:
    """Serve a run in `folder`, with a port of its own, until it is killed at the end.

    Args:
        folder: Of the run; short, because a socket lies in it.
        sets: `table.key=value` over the config.
        tick: How many ticks are settled before it is measured.
        config: What is served.
    """
    words = words_of(("http.bind=127.0.0.1:0", *sets))
    with ServedProcess(config, folder, *words) as daemon:
        yield Served(daemon, daemon.wait_for_tick(tick))


def get(port: int, path: str) -> int:
    """Return the status of an answer; 0 where there is none."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=HTTP_WITHIN_S)) as asked:
        try:
            asked.request("GET", path)
            return asked.getresponse().status
        except OSError:
            return 0


def web_of(writer: int) -> int:
    """Return the web process of a writer, once it has one."""
    until = time.monotonic() + HTTP_WITHIN_S
    while time.monotonic() < until:
        for path in Path("/proc").glob("[0-9]*/stat"):
            fields = _fields(path)
            if len(fields) > 1 and fields[1] == str(writer):
                return int(path.parent.name)
        time.sleep(0.01)
    raise SystemExit("the daemon has no web process")


def used_s(pid: int) -> float:
    """Return the seconds of processor that a process has used, with all its threads."""
    fields = _fields(Path(f"/proc/{pid}/stat"))
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def memory(pid: int) -> Memory:
    """Return what a process has in memory."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    rows = (line.split() for line in text.splitlines()[1:])
    found = {row[0].rstrip(":"): int(row[1]) for row in rows}
    return Memory(round(found["Rss"] / MIB, 1), round(found["Pss"] / MIB, 1))


def machine() -> dict[str, Any]:
    """Return what the figures are worth little without."""
    load = Path("/proc/loadavg").read_text(encoding="ascii").split()[0]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load": float(load),
    }


def quantile(values: Sequence[float], part: float) -> float:
    """Return the value that `part` of `values` do not exceed; they may be in any order."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def show(row: dict[str, Any]) -> None:
    """Print one line of figures."""
    print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)


def _fields(path: Path) -> list[str]:
    """Return the fields of `stat` from the third on; none where the process has ended."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
