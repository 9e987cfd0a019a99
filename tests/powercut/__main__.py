"""Every power cut there is: `python -m tests.powercut [--seeds 2000]`.

It exits with 1 if anything acknowledged was lost, or if the control, which syncs too seldom, lost
nothing: then it is this proof that is worth nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.powercut.life import Stage
from tests.powercut.proof import Recording, live_dangerously

_ROW = "{:<22} {:>10} {:>8} {:>8} {:>10} {:>6} {:>8}"


def _cut_everywhere(stage: Stage, synchronous: int) -> int:
    recording = Recording(stage, synchronous=synchronous)
    operations = len(recording.trace)
    lost = 0
    for mode in ("drop", "reorder", "tear"):
        started = time.perf_counter()
        tally = recording.cut(range(operations + 1), [mode])[mode]
        took = time.perf_counter() - started
        name = f"{mode}, synchronous={synchronous}"
        figures = (tally.cuts, len(tally.disks), tally.acked, tally.lost, f"{took:.1f} s")
        print(_ROW.format(name, operations, *figures))  # noqa: T201
        lost += tally.lost
    return lost


def _cut_at_random(stage: Stage, seeds: int) -> int:
    started, total = time.perf_counter(), Counter[str]()
    for seed in range(seeds):
        total += live_dangerously(stage, seed)
    took = f"{time.perf_counter() - started:.1f} s"
    figures = (total["cuts"], seeds, total["acked"], total["lost"], took)
    print(_ROW.format("random, up to 5 each", "", *figures))  # noqa: T201
    return total["lost"]


def main() -> int:
    """Print a line for each kind of cut; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    seeds = parser.parse_args().seeds
    print(_ROW.format("mode", "operations", "cuts", "disks", "acked", "lost", "time"))  # noqa: T201
    with tempfile.TemporaryDirectory() as name:
        stage = Stage(Path(name) / "run")
        lost = _cut_everywhere(stage, 2) + _cut_at_random(stage, seeds)
        control = _cut_everywhere(stage, 1)
    return 1 if lost or not control else 0


if __name__ == "__main__":
    sys.exit(main())
