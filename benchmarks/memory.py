"""Memory: runs one after another in one process, and what the process keeps of them.

    python -m benchmarks.memory [--runs 100] [--days 60] [--json]

Each run is whole: market, journal on disk, agents, cycles, result.  What is printed is the resident
set after the first run and after the last, and the difference.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import tempfile
from pathlib import Path

from actors.app.experiment import prepare, run_experiment
from actors.runtime import WallClock

CONFIG = Path(__file__).parents[1] / "config" / "quickstart.toml"
MIB = 1 << 20


def resident_mib() -> float:
    """Return what the process has in memory now, MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def run_once(seed: int, days: int) -> None:
    """Carry out one run in a folder that goes away, and collect what is garbage."""
    overrides = (f"run.seed={seed}", f"run.days={days}", "population.agents=20")
    prepared = prepare(CONFIG, overrides, now=WallClock().stamp())
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run_experiment(prepared, Path(folder)))
    del prepared
    gc.collect()


def main() -> None:
    """Print the growth."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    marks = []
    for seed in range(options.runs):
        run_once(seed, options.days)
        marks.append(resident_mib())
    found = {
        "runs": options.runs,
        "days": options.days,
        "first_mib": round(marks[0], 1),
        "half_mib": round(marks[len(marks) // 2], 1),
        "last_mib": round(marks[-1], 1),
        "growth_mib": round(marks[-1] - marks[0], 1),
    }
    if options.json:
        print(json.dumps(found))
    else:
        print(
            f"{options.runs} runs of {options.days} days: {found['first_mib']} MiB after the first,"
            f" {found['half_mib']} after half of them, {found['last_mib']} after the last:"
            f" {found['growth_mib']:+} MiB"
        )


if __name__ == "__main__":
    main()
