"""Every power cut and every fault there is: `python -m tests.powercut [--seeds 2000] [--json]`.

A life is cut at every operation, in three modes; so are the making of a run and each upgrade.
Other lives are cut at random moments, up to five times each; then every operation fails, in every
way it can.  The exit code is 1 if anything acknowledged was lost, or if the control, which syncs
too seldom, lost nothing: then the proof is worth nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from actors.journal.schema import migrations
from tests.powercut.disk import MODES
from tests.powercut.faults import FAILURES, Failing, faults, flawless
from tests.powercut.life import Stage
from tests.powercut.making import cut_creation, cut_upgrade
from tests.powercut.proof import Recording, live_dangerously


class Line(NamedTuple):
    """What was tried and how often, how many batches had been acknowledged, how many were lost."""

    name: str
    size: str
    tried: int
    acked: int = 0
    lost: int = 0
    control: bool = False


def cut_life(stage: Stage, *, control: bool = False) -> Iterator[Line]:
    """Cut a life everywhere; the control syncs only at checkpoints."""
    recording = Recording(stage, synchronous=1 if control else 2)
    operations = len(recording.trace)
    for mode in MODES:
        tally = recording.cut(range(operations + 1), [mode])[mode]
        name = f"cut everywhere, {mode}{', synchronous=NORMAL' if control else ''}"
        size = f"{operations} operations, {len(tally.disks)} disks"
        yield Line(name, size, tally.cuts, tally.acked, tally.lost, control)


def cut_making(stage: Stage) -> Iterator[Line]:
    """Cut what happens to a run as a whole; a run that is there by half is an error."""
    made = cut_creation(stage)
    yield Line("the making of a run", f"{made['there']} times there", made.total())
    for version in range(1, len(migrations())):
        found = cut_upgrade(stage.folder, version)
        size = ", ".join(f"{found[each]} of schema {each}" for each in sorted(found))
        yield Line(f"upgrade from schema {version}", size, found.total())


def cut_at_random(stage: Stage, seeds: int) -> Iterator[Line]:
    """Cut `seeds` lives at random moments."""
    total = Counter[str]()
    for seed in range(seeds):
        total += live_dangerously(stage, seed)
    yield Line("cut at random", f"{seeds} lives", total["cuts"], total["acked"], total["lost"])


def fail_everywhere(stage: Stage, every: int) -> Iterator[Line]:
    """Have each operation fail in every way; an answer that is false is an error."""
    some = list(faults(flawless(stage), FAILURES, every))
    outcomes = Counter(Failing(stage, *each).check() for each in some)
    size = ", ".join(f"{outcomes[each]} {each}" for each in sorted(outcomes))
    yield Line("each operation fails", size, len(some))


def everything(stage: Stage, seeds: int, every: int) -> Iterator[Line]:
    """Try everything."""
    yield from cut_life(stage)
    yield from cut_life(stage, control=True)
    yield from cut_making(stage)
    yield from cut_at_random(stage, seeds)
    yield from fail_everywhere(stage, every)


def main() -> int:
    """Print a table, or JSON; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="lives that are cut at random")
    parser.add_argument("--every", type=int, default=1, help="fail only each such operation")
    parser.add_argument("--json", action="store_true", help="print the lines when all is done")
    asked = parser.parse_args()
    row = "{:<44} {:<44} {:>6} {:>7} {:>6} {:>9}"
    lines, began = [], time.perf_counter()
    if not asked.json:
        print(row.format("", "", "tried", "acked", "lost", "after"), flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory() as name:
        for line in everything(Stage(Path(name) / "run"), asked.seeds, asked.every):
            lines.append(line)
            after = f"{time.perf_counter() - began:.1f} s"
            if not asked.json:
                print(row.format(*line[:5], after), flush=True)  # noqa: T201
    if asked.json:
        print(json.dumps([line._asdict() for line in lines]))  # noqa: T201
    lost = sum(line.lost for line in lines if not line.control)
    return 1 if lost or not all(line.lost for line in lines if line.control) else 0


if __name__ == "__main__":
    sys.exit(main())
