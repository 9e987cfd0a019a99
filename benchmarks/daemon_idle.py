"""What a daemon costs that has nothing to do, and what one keeps of what it has done.

`idle` serves the run of `config/daemon.toml` at the speed of the world: after the first bar nothing
is due for a day.  `memory` lets a hundred agents trade at full speed and looks at both processes
again and again; what grows is said per thousand ticks, and which of it the run itself is.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from actors.app.latest import fold_latest
from actors.journal.reader import open_run
from benchmarks.daemon_process import Memory, Served, memory, served, show

SETTLE_S = 5.0
"""How long a daemon that has begun is left alone before it counts as idle."""

LOOKS = 6


def idle(base: Path, seconds: float) -> None:
    """Print what both processes use while nothing is due."""
    with served(base / "first", "daemon.speed=1x", tick=1) as daemon:
        daemon.wait_for_web()  # What is imported is compiled, as it is where pip has installed it.
    with served(base / "idle", "daemon.speed=1x", tick=1) as daemon:
        daemon.wait_for_web()
        time.sleep(SETTLE_S)
        before, began = daemon.processor(), time.perf_counter()
        time.sleep(seconds)
        used, took = daemon.processor().since(before), time.perf_counter() - began
        writer, web = _both(daemon)
    core = {name: f"{each / took:.2%}" for name, each in used._asdict().items()}
    show({"seconds": round(took), "writer": core["writer_s"], "web": core["web_s"]})
    show({"of a core, both": f"{(used.writer_s + used.web_s) / took:.2%}"})
    _show_memory("writer", writer)
    _show_memory("web", web)
    _show_memory("both", Memory(writer.rss + web.rss, writer.pss + web.pss))


def grow(base: Path, agents: int, ticks: int) -> None:
    """Print what both processes have in memory after so many ticks, and how fast that grows."""
    sets = (
        f"population.agents={agents}",
        f"evolution.agents_max={agents}",
        "daemon.speed=max",
    )
    every = ticks // LOOKS
    looks: list[tuple[int, Memory, Memory]] = []
    with served(base / "grow", *sets, tick=1) as daemon:
        daemon.wait_for_web()
        for look in range(1, LOOKS + 1):
            daemon.wait_for_tick(look * every)
            looks.append((daemon.status()["tick"], *_both(daemon)))
            tick, writer, web = looks[-1]
            show({"tick": tick, "writer_mib": writer.rss, "web_mib": web.rss, **_kept(daemon)})
    (first, *before), (last, *after) = looks[LOOKS // 2 - 1], looks[-1]
    for name, early, late in zip(("writer", "web"), before, after, strict=True):
        grown = (late.rss - early.rss) / (last - first) * 1000
        show({f"{name}, second half": "", "mib_per_1000_ticks": round(grown, 2)})


def _both(daemon: Served) -> tuple[Memory, Memory]:
    return memory(daemon.daemon.process.pid), memory(daemon.web)


def _show_memory(name: str, found: Memory) -> None:
    show({f"{name:8}": "", "rss_mib": round(found.rss, 1), "pss_mib": round(found.pss, 1)})


def _kept(daemon: Served) -> dict[str, Any]:
    """Return how much there is of what a run keeps for good."""
    with open_run(daemon.daemon.folder) as run:
        treasury = fold_latest(run)
    return {"dead": len(treasury.dead), "alive": len(treasury.agents), "seq": treasury.seq}
