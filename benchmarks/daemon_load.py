"""What it costs to be asked: reads beside an arena at full speed, and the arena beside reads.

One daemon with many agents runs at full speed.  The phases take turns and are measured in pairs, so
that what the machine does to both does not count.  Beside the API stands a server that does nothing
but answer, in the same minute, with the same client; beside the client a load of the same size that
asks nobody.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from actors.journal.files import FILE_NAME
from benchmarks.daemon_client import ROUTES
from benchmarks.daemon_process import Served, quantile, served, show

RATE = 50.0
"""Requests per second of an honest client."""

WARM_S = 2.0
"""How long it is asked before anything counts: a process answers its first request slowly."""

NICE = 19
"""How far a client steps back that asks as fast as it can."""

WEB_NICE = 10
"""How far the web process steps back."""

CYCLE = 7
"""Ticks of a phase: those of one cycle, so that each phase has one."""


class Helper:
    """A process of `benchmarks.daemon_client`, from its start to its end."""

    def __init__(self, *words: object) -> None:
        command = [sys.executable, "-m", "benchmarks.daemon_client", *map(str, words)]
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.first = self._read()

    def end(self) -> str:
        """Let it end, and return what it says last."""
        said, _ = self._process.communicate()
        if self._process.returncode:
            raise SystemExit(f"a helper ended with {self._process.returncode}")
        return said

    def _read(self) -> str:
        if self._process.stdout is None:
            raise TypeError("it was started with a pipe")
        return self._process.stdout.readline().strip()


@contextmanager
def crowd(folder: Path, agents: int) -> Iterator[Served]:
    """Serve a run of so many agents at full speed."""
    sets = (
        f"population.agents={agents}",
        f"evolution.agents_max={agents}",
        f"evolution.cycle_days={CYCLE}",
        "daemon.speed=max",
    )
    with served(folder, *sets, tick=1) as daemon:
        daemon.wait_for_web()
        yield daemon


def reads(base: Path, agents: int, seconds: float) -> None:
    """Print how long the API takes to answer while the arena runs."""
    with crowd(base / "reads", agents) as daemon:
        bare = Helper("bare", "--nice", WEB_NICE)
        before = daemon.status()["tick"]
        _ask(daemon.port, WARM_S)
        _show_reads("limit: a bare server", _ask(int(bare.first), seconds / 3, "--routes", "bare"))
        honest = _ask(daemon.port, seconds)
        _show_reads(f"{RATE:g} requests/s", honest)
        for name in ROUTES:
            if name in honest["took_ms"]:
                _show_times(f"  {name}", honest["took_ms"][name])
        flat = ("--rate", 0, "--nice", NICE)
        _show_reads("as fast as 4 can", _ask(daemon.port, seconds / 2, *flat))
        asker = Helper("ask", daemon.port, "--rate", 0, "--connections", 1, "--routes", "why")
        _show_reads("50/s, somebody asks why", _ask(daemon.port, seconds / 2))
        _show_reads("  why", json.loads(asker.end()))
        _show_reads("limit: a bare server", _ask(int(bare.first), seconds / 3, "--routes", "bare"))
        bare.end()
        show({"agents": agents, "ticks": f"{before} to {daemon.status()['tick']}"})


def _ask(port: int, seconds: float, *words: object) -> dict[str, Any]:
    helper = Helper("ask", port, "--rate", RATE, *words)
    time.sleep(seconds)
    found: dict[str, Any] = json.loads(helper.end())
    return found


def _show_reads(name: str, found: Mapping[str, Any]) -> None:
    times = [each for route in found["took_ms"].values() for each in route]
    rate = round(len(times) / found["seconds"], 1)
    _show_times(name, times, per_s=rate, failed=dict(found["failed"]) or 0)


def _show_times(name: str, times: Sequence[float], **facts: object) -> None:
    p50, p99 = (round(quantile(times, part), 1) for part in (0.5, 0.99))
    most = round(max(times), 1)
    show({f"{name:26}": "", "n": len(times), "p50_ms": p50, "p99_ms": p99, "max_ms": most, **facts})


@dataclass(frozen=True, slots=True)
class Phase:
    """Some ticks of an arena.

    Attributes:
        ticks_per_s: By the instants at which they were recorded.
        writer_ms: Processor of the writer for one tick, milliseconds.
        web_share: Of one core, what the web process used.
        beside_share: The same of the client, or of what stood in for it and for the web process.
    """

    ticks_per_s: float
    writer_ms: float
    web_share: float
    beside_share: float


def slowdown(base: Path, agents: int, rounds: int) -> None:
    """Print how much slower an arena is while it is asked."""
    with crowd(base / "slow", agents) as daemon:
        phases: dict[str, list[Phase]] = {"alone": [], "asked": [], "control": []}
        asked = alone = _phase(daemon)
        for turn in range(rounds):
            for name in [*phases][:: -1 if turn % 2 else 1]:
                if name == "alone":
                    alone = found = _phase(daemon)
                elif name == "asked":
                    asked = found = _phase(daemon, ("ask", daemon.port, "--rate", RATE))
                else:
                    found = _phase(daemon, *_burners(asked, alone))
                phases[name].append(found)
            show({"round": turn + 1} | {n: round(p[-1].ticks_per_s, 3) for n, p in phases.items()})
        for name, series in phases.items():
            _show_phases(name, series, phases["alone"])


def _burners(asked: Phase, alone: Phase) -> Iterator[Sequence[object]]:
    """Yield what uses as much as the client did, and as the web process did to answer it."""
    more = max(0.0, asked.web_share - alone.web_share)
    yield "burn", "--share", f"{asked.beside_share:.4f}"
    yield "burn", "--share", f"{more:.4f}", "--nice", WEB_NICE


def _phase(daemon: Served, *beside: Sequence[object]) -> Phase:
    """Measure some ticks with processes beside it, which end with the phase."""
    helpers = [Helper(*words) for words in beside]
    start = daemon.status()["tick"] + 1
    end = start + CYCLE
    daemon.wait_for_tick(start)
    used, began = daemon.processor(), time.perf_counter()
    daemon.wait_for_tick(end)
    took, spent = time.perf_counter() - began, daemon.processor().since(used)
    said = [helper.end() for helper in helpers]
    return Phase(
        CYCLE / recorded(daemon.daemon.folder, start, end),
        spent.writer_s / CYCLE * 1e3,
        spent.web_s / took,
        sum(map(_share, said)),
    )


def _share(said: str) -> float:
    found = json.loads(said)
    return float(found["cpu_s"]) / float(found["seconds"])


def recorded(folder: Path, first: int, last: int) -> float:
    """Return the seconds between the records of two settled ticks."""
    sql = "SELECT recorded_at FROM events WHERE event_type = 'TickSettled' ORDER BY seq"
    with closing(sqlite3.connect(f"file:{folder / FILE_NAME}?mode=ro", uri=True)) as connection:
        stamps = [datetime.fromisoformat(at) for (at,) in connection.execute(sql)]
    return (stamps[last - 1] - stamps[first - 1]).total_seconds()


def _show_phases(name: str, found: Sequence[Phase], alone: Sequence[Phase]) -> None:
    pairs = [*zip(found, alone, strict=True)]
    ratios = [one.ticks_per_s / other.ticks_per_s for one, other in pairs]
    spent = [one.writer_ms / other.writer_ms for one, other in pairs]
    mid = statistics.median
    show(
        {
            f"{name:8}": "",
            "ticks_per_s": round(mid(each.ticks_per_s for each in found), 3),
            "of_alone": round(mid(ratios), 3),
            "low": round(min(ratios), 3),
            "high": round(max(ratios), 3),
            "writer_ms_per_tick": round(mid(each.writer_ms for each in found), 1),
            "writer_of_alone": round(mid(spent), 3),
            "web_share": round(mid(each.web_share for each in found), 3),
            "beside_share": round(mid(each.beside_share for each in found), 3),
        }
    )
