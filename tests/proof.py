"""The proof: everything that says that nothing acknowledged is lost, in one table.

    python -m tests.proof [--size proof|soak] [--only PART]

Each part is a command of its own, which is printed before it is carried out and can be typed alone.
The exit code is 1 unless every part came out as it must; a control has to find what was planted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
CPU = Path("/proc/cpuinfo")
CALL_ARENA = "from actors.app.cli import main; main()"
HEADING = ("Part", "Size", "Crashes", "Acknowledged", "Lost", "Twice", "Time", "Verdict")


class Size(NamedTuple):
    """How much of everything."""

    seeds: int
    kills: int
    signals: int
    rounds: int
    cuts: int
    days: int
    every: int


SIZES = {
    "glance": Size(seeds=2, kills=2, signals=1, rounds=1, cuts=2, days=6, every=50_000),
    "proof": Size(seeds=1_000, kills=100, signals=50, rounds=20, cuts=2_000, days=180, every=499),
    "soak": Size(seeds=10_000, kills=300, signals=200, rounds=100, cuts=10_000, days=180, every=97),
}


@dataclass(frozen=True)
class Row:
    """What was counted; None where that is not counted.

    Attributes:
        name: What was done.
        size: How much of it.
        crashes: Crashes, power cuts, kills, signals, refusals.
        acked: What had been acknowledged, or was known to be on the disk.
        lost: How much of that was gone.
        twice: How much was done twice.
        wrong: How much else was wrong.
        control: Whether it has to go wrong.
    """

    name: str
    size: str
    crashes: int | None = None
    acked: int | None = None
    lost: int | None = None
    twice: int | None = None
    wrong: int = 0
    control: bool = False

    @property
    def good(self) -> bool:
        """Whether it came out as it must."""
        return bool(self.lost) if self.control else not (self.lost or self.twice or self.wrong)

    @property
    def cells(self) -> list[str]:
        """The figures, as they stand in the table."""
        counted = (self.crashes, self.acked, self.lost, self.twice)
        return [self.name, self.size, *("" if each is None else f"{each:,}" for each in counted)]

    @property
    def verdict(self) -> str:
        """How it came out, in words."""
        if self.control:
            return "found out" if self.good else "NOT FOUND OUT"
        return "held" if self.good else "BROKEN"


class Part(NamedTuple):
    """What follows `python`, and how what it prints is read."""

    words: tuple[str, ...]
    read: Callable[[str], list[Row]]


def parts(size: Size) -> dict[str, Part]:
    """Return everything that is proved, and with which command."""
    seeds, cuts = f"1..{size.seeds}", str(size.cuts)
    tampering = "-m pytest -q -p no:cacheprovider tests/actors/journal/test_verify.py"
    return {
        "soak": Part(("-c", CALL_ARENA, "soak", "--seeds", seeds, "--json"), read_soak),
        "powercut": Part(("-m", "tests.powercut", "--seeds", cuts, "--json"), read_cuts),
        "client": kills("client", "killed server, outside client", size.kills),
        "control": kills("control", "the same, answered before the commit", 10),
        "runs": kills("runs", "killed run, resumed", size.kills, days=size.days),
        "signals": kills("signals", "signalled run, resumed", size.signals, days=size.days // 3),
        "locks": kills("locks", "20 rivals for one run; a stolen lock", size.rounds),
        "tampering": Part(tuple(tampering.split()), read_tests),
        "damage": Part(
            ("-m", "tests.tamper", "--every", str(size.every), "--json"), read_tampering
        ),
    }


def kills(part: str, name: str, count: int, days: int | None = None) -> Part:
    """Return a part of `tests.kills`."""
    words = ("-m", "tests.kills", part, "--count", str(count))
    lasting = () if days is None else ("--days", str(days))
    return Part((*words, *lasting), partial(read_kills, name, control=part == "control"))


def read_kills(name: str, printed: str, *, control: bool) -> list[Row]:
    """Read the tally of `tests.kills`."""
    tally = json.loads(printed)
    unit = "round" if "rivals" in name else "run"
    notes = [f"{figure:,.10g} {words}" for words, figure in tally["notes"].items()]
    size = ", ".join([f"{tally['size']} {unit}{'s' * (tally['size'] != 1)}", *notes])
    counts = (tally["kills"], tally["acked"], tally["lost"], tally["duplicates"])
    return [Row(name, size, *counts, wrong=len(tally["problems"]), control=control)]


def read_soak(printed: str) -> list[Row]:
    """Read the report of `arena soak`; an oracle counts what was done twice as a violation."""
    report = json.loads(printed)
    size = f"{report['seeds']:,} seeds, {report['duplicates']:,} repeats"
    counts = (report["crashes"], report["acked"], report["lost"], report["violations"])
    return [Row("simulated crashes and faults", size, *counts)]


def read_cuts(printed: str) -> list[Row]:
    """Read the lines of `tests.powercut`; a false answer ends it with none."""
    return [
        Row(
            f"disk: {line['name']}",
            line["size"],
            line["tried"],
            line["acked"] or None,
            line["lost"],
            control=line["control"],
        )
        for line in json.loads(printed)
    ]


def read_tests(printed: str) -> list[Row]:
    """Read the last line of pytest."""
    passed = re.search(r"(\d+) passed", printed)
    failed = re.search(r"(\d+) (failed|error)", printed)
    size = f"{passed[1] if passed else 0} ways to change it"
    return [Row("changed journal, verified", size, wrong=int(failed[1]) if failed else 0)]


def read_tampering(printed: str) -> list[Row]:
    """Read the lines of `tests.tamper`."""
    return [
        Row(f"changed: {line['name']}", f"{line['tried']:,} places", wrong=line["wrong"])
        for line in json.loads(printed)
    ]


def carry_out(part: Part) -> list[tuple[str, ...]]:
    """Carry one part out and return its rows, with time and verdict."""
    print("+ python", shlex.join(part.words), file=sys.stderr, flush=True)  # noqa: T201
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *part.words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    took = f"{time.monotonic() - began:,.0f} s"
    rows = part.read(done.stdout) if done.stdout else []
    due = int(bool(rows) and all(row.control for row in rows))  # What finds a loss exits with 1.
    if done.returncode != due and all(row.good for row in rows):
        rows.append(Row(shlex.join(part.words), f"exit {done.returncode}", wrong=1))
    if not all(row.good for row in rows):
        print(done.stdout, file=sys.stderr, flush=True)  # noqa: T201
    times = [took, *[""] * len(rows)]  # They share it.
    return [(*row.cells, when, row.verdict) for row, when in zip(rows, times, strict=False)]


def machine() -> str:
    """Say where it was carried out, and on which version."""
    model = re.search(r"model name\s*: (.*)", CPU.read_text()) if CPU.exists() else None
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return ", ".join(
        [
            f"{os.cpu_count()} x {model[1] if model else platform.machine()}",
            f"{platform.system()} {platform.release()}",
            f"CPython {platform.python_version()}",
            f"SQLite {sqlite3.sqlite_version}",
            f"commit {commit.stdout.strip() or 'unknown'}",
            time.strftime("%d %B %Y").lstrip("0"),
        ]
    )


def show(*rows: tuple[str, ...]) -> None:
    """Print lines of the table."""
    for row in rows:
        print("|", " | ".join(row), "|", flush=True)  # noqa: T201


def main() -> int:
    """Carry everything out, print one table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="proof")
    parser.add_argument("--only", choices=parts(SIZES["proof"]), action="append", default=[])
    given = parser.parse_args()
    chosen = parts(SIZES[given.size])
    show(HEADING, ("---", "---", *["---:"] * 5, "---"))
    broken = False
    for name in given.only or chosen:
        rows = carry_out(chosen[name])
        show(*rows)
        broken |= any(row[-1].isupper() for row in rows)
    print(f"\n{machine()}.")  # noqa: T201
    return broken


if __name__ == "__main__":
    sys.exit(main())
