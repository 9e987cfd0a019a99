"""The daemon: what it costs to ask it, to let it idle, to start it, and to let it run for long.

    python -m benchmarks.daemon reads      how fast the API answers beside an arena at full speed
    python -m benchmarks.daemon slowdown   how much slower the arena is for it
    python -m benchmarks.daemon hostile    the same, with readers that stall and others that dawdle
    python -m benchmarks.daemon idle       processor and memory of a daemon with nothing to do
    python -m benchmarks.daemon ready      how soon it is there on a million entries
    python -m benchmarks.daemon memory     what it keeps, for each thousand ticks

Each prints its figures beside a limit, or a control, that was measured in the same minutes, and
begins with what the machine was doing.
Python's caches are written to a folder that goes away, so that a process starts as an
installed one does, whatever the environment says.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.daemon_hostile import hostile
from benchmarks.daemon_idle import grow, idle
from benchmarks.daemon_load import reads, slowdown
from benchmarks.daemon_process import machine, show
from benchmarks.daemon_ready import ready

PARTS: Mapping[str, Callable[[Path, argparse.Namespace], None]] = {
    "reads": lambda base, given: reads(base, given.agents or 2_000, given.seconds or 15.0),
    "slowdown": lambda base, given: slowdown(base, given.agents or 2_000, given.rounds or 4),
    "hostile": lambda base, given: hostile(base, given.agents or 50, given.rounds or 3),
    "idle": lambda base, given: idle(base, given.seconds or 60.0),
    "ready": lambda base, given: ready(base, given.events, given.bytes, given.rounds or 1),
    "memory": lambda base, given: grow(base, given.agents or 100, given.ticks),
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--agents", type=int, help="how many, at first and at most")
    parser.add_argument("--seconds", type=float, help="of each measurement")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--bytes", type=int, default=300, help="of each note")
    parser.add_argument("--ticks", type=int, default=1_200)
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="arena-") as name:
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(name) / "cache")
        show({"part": given.part, **machine()})
        PARTS[given.part](Path(name), given)
        show({"load afterwards": machine()["load"]})


if __name__ == "__main__":
    main()
