"""Every power cut and every fault there is: `python -m tests.powercut [--seeds 2000] [--every 1]`.

A life is cut at every operation, in three modes; so are the making of a run and each upgrade.
Other lives are cut at random moments, up to five times each; then every operation fails, in every
way it can.  The exit code is 1 if anything acknowledged was lost, or if the control, which syncs
too seldom, lost nothing: then the proof is worth nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from actors.journal.schema import migrations
from tests.powercut.disk import MODES
from tests.powercut.faults import FAILURES, Failing, faults, flawless
from tests.powercut.life import Stage
from tests.powercut.making import cut_creation, cut_upgrade
from tests.powercut.proof import Recording, live_dangerously

_ROW = "{:<36} {:>10} {:>7} {:>7} {:>8} {:>6} {:>9}  {}"


class Table:
    """A line for each kind of cut or fault, with the time it took."""

    def __init__(self) -> None:
        self._tried = 0
        self._began = self._since = time.perf_counter()
        self._print("", "operations", "tried", "disks", "acked", "lost", "time", "")

    def add(
        self, name: str, *figures: int | str, tried: int, lost: int = 0, words: str = ""
    ) -> None:
        """Print a line; `figures` are operations, different disks and acknowledged batches."""
        operations, disks, acked = figures
        now = time.perf_counter()
        took, self._since = f"{now - self._since:.1f} s", now
        self._tried += tried
        self._print(name, operations, tried, disks, acked, lost, took, words)

    def finish(self) -> None:
        """Print how many there were."""
        took = time.perf_counter() - self._began
        speed = f"{self._tried / took:.0f} a second"
        self._print("all of them", "", self._tried, "", "", "", f"{took:.1f} s", speed)

    @staticmethod
    def _print(*figures: int | str) -> None:
        print(_ROW.format(*figures).rstrip(), flush=True)  # noqa: T201


def cut_life(table: Table, stage: Stage, name: str, synchronous: int) -> int:
    """Cut a life everywhere; return how many acknowledged batches were lost."""
    recording = Recording(stage, synchronous=synchronous)
    operations, lost = len(recording.trace), 0
    for mode in MODES:
        tally = recording.cut(range(operations + 1), [mode])[mode]
        figures = (operations, len(tally.disks), tally.acked)
        table.add(f"{name}, {mode}", *figures, tried=tally.cuts, lost=tally.lost)
        lost += tally.lost
    return lost


def cut_making(table: Table, stage: Stage) -> None:
    """Cut what happens to a run as a whole; a run that is there by half is an error."""
    made = cut_creation(stage)
    operations, words = made.total() // len(MODES) - 1, f"{made['there']} there"
    table.add("making of a run", operations, "", "", tried=made.total(), words=words)
    for version in range(1, len(migrations())):
        found = cut_upgrade(stage.folder, version)
        words = ", ".join(f"{found[each]} of schema {each}" for each in sorted(found))
        operations = found.total() // len(MODES) - 1
        name = f"upgrade from schema {version}"
        table.add(name, operations, "", "", tried=found.total(), words=words)


def cut_at_random(table: Table, stage: Stage, seeds: int) -> int:
    """Cut `seeds` lives at random moments; return how many acknowledged batches were lost."""
    total = Counter[str]()
    for seed in range(seeds):
        total += live_dangerously(stage, seed)
    figures = ("", "", total["acked"])
    table.add(f"{seeds} lives, at random", *figures, tried=total["cuts"], lost=total["lost"])
    return total["lost"]


def fail_everywhere(table: Table, stage: Stage, every: int) -> None:
    """Have each operation fail in every way; an answer that is false is an error."""
    trace = flawless(stage)
    for kind in FAILURES:
        some = list(faults(trace, [kind], every))
        outcomes = Counter(Failing(stage, *each).check() for each in some)
        words = ", ".join(f"{outcomes[each]} {each}" for each in sorted(outcomes))
        operations = sum(op.kind == kind for op in trace)
        table.add(f"{kind} fails", operations, "", "", tried=len(some), words=words)


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="lives that are cut at random")
    parser.add_argument("--every", type=int, default=1, help="fail only each such operation")
    asked = parser.parse_args()
    table = Table()
    with tempfile.TemporaryDirectory() as name:
        stage = Stage(Path(name) / "run")
        lost = cut_life(table, stage, "cut", 2)
        cut_making(table, stage)
        lost += cut_at_random(table, stage, asked.seeds)
        fail_everywhere(table, stage, asked.every)
        control = cut_life(table, stage, "control: synchronous=NORMAL", 1)
        table.finish()
    return 1 if lost or not control else 0


if __name__ == "__main__":
    sys.exit(main())
