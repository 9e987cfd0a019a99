"""Vitals: what two processes hold, second by second, and whether it stays as it is.

How it is judged: of one undisturbed life the first fifth is left out, which is warming up.  Of what
follows, the median of the last third is held against that of the first: memory may be a tenth more
and 16 MiB, files 4 and threads 4 more.  The write-ahead log may never exceed 64 MiB and one commit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

PROC = Path("/proc")
MIB = 1 << 20
WAL_MAX = 80 * MIB
SAMPLES_MIN = 6


class Vitals(NamedTuple):
    """One look at a process.

    Attributes:
        rss: Memory that is resident, bytes.
        files: Open file descriptors.
        threads: How many it has.
    """

    rss: int
    files: int
    threads: int


class Sample(NamedTuple):
    """One look at everything.

    Attributes:
        writer: The daemon.
        web: Its web's process; None where there is none.
        wal: Size of the write-ahead log, bytes.
    """

    writer: Vitals
    web: Vitals | None
    wal: int


def look_at(pid: int) -> Vitals | None:
    """Return what the process `pid` holds; None where it has ended."""
    try:
        status = (PROC / str(pid) / "status").read_text()
        files = len([*(PROC / str(pid) / "fd").iterdir()])
    except (FileNotFoundError, ProcessLookupError):
        return None
    rss = re.search(r"VmRSS:\s*(\d+) kB", status)
    threads = re.search(r"Threads:\s*(\d+)", status)
    if rss is None or threads is None:
        return None  # It is ending: its memory is gone already.
    return Vitals(int(rss[1]) << 10, files, int(threads[1]))


def size_of(path: Path) -> int:
    """Return how large a file is; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class Course(NamedTuple):
    """A figure at the beginning and at the end.

    Attributes:
        first: Median of the first third.
        last: Median of the last third.
    """

    first: float
    last: float

    def grew(self, share: float, constant: float) -> bool:
        """Return whether it is more than was to be expected of something that stays as it is."""
        return self.last > self.first * (1 + share) + constant


def course(figures: Sequence[float]) -> Course:
    """Return how `figures` went, warming up left out; two or more thirds are needed."""
    warm = figures[len(figures) // 5 :]
    third = max(len(warm) // 3, 1)
    return Course(median(warm[:third]), median(warm[-third:]))


def courses(samples: Sequence[Sample]) -> dict[str, Course]:
    """Return how each figure went; nothing where there are too few samples."""
    seen = [(each.writer, each.web) for each in samples if each.web is not None]
    if len(seen) < SAMPLES_MIN:
        return {}
    found = {}
    for place, who in enumerate(("writer", "web")):
        for field in Vitals._fields:
            found[f"{who} {field}"] = course([getattr(pair[place], field) for pair in seen])
    return found


def judge(found: dict[str, Course], wal_max: int) -> list[str]:
    """Return what did not stay as it was, in words."""
    problems = [
        f"{name} grew from {each.first:,.0f} to {each.last:,.0f}"
        for name, each in found.items()
        if (each.grew(0.1, 16 * MIB) if name.endswith("rss") else each.grew(0, 4))
    ]
    if wal_max > WAL_MAX:
        problems.append(f"the write-ahead log grew to {wal_max:,} bytes")
    return problems if found else [*problems, "too few samples to judge by"]
