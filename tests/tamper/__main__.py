"""Everything that a hand or a rotten disk can change.

    python -m tests.tamper [--every 499] [--json]

Every byte of every row is flipped.  Then the files are damaged: the -wal file that a killed process
left is cut off at every page and flipped at every so manieth byte, and so is a closed database.  It
exits with 1 if anything went unseen.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from tests.tamper.files import Damage, Ruin, killed_run
from tests.tamper.flips import Tampering
from tests.tamper.life import Life, live_and_close

FRAME = 4096 + 24
"""Bytes of a page in the -wal file, with what stands before it; the file begins with 32."""


class Line(NamedTuple):
    """What was tried, and how often it went unseen, or was seen in the wrong place."""

    name: str
    tried: int
    wrong: int
    what: str


def flip_rows(folder: Path) -> Iterator[Line]:
    """Flip every byte of every row."""
    tampering = Tampering(Life.lived(folder))
    for table in tampering.judges:
        outcome = tampering.flip_all(table)
        wrong = [*outcome.missed, *outcome.misplaced]
        yield Line(f"bytes of {table}", outcome.flips[table], len(wrong), "; ".join(wrong[:3]))


def damage(name: str, ruin: Ruin, damages: Sequence[Damage], scratch: Path) -> Line:
    """Do each damage to a copy, and count what a reader and a writer make of it."""
    outcomes = Counter(each for one in damages for each in ruin.what_becomes_of(one, scratch))
    what = ", ".join(f"{count} {word}" for word, count in sorted(outcomes.items()))
    return Line(name, len(damages), outcomes["LOST"], what)


def damage_files(place: Path, every: int) -> Iterator[Line]:
    """Cut and flip the -wal file of a killed run, then flip the database of a closed one."""
    killed, scratch = killed_run(place / "killed"), place / "scratch"
    size = killed.size("run.db-wal")
    around = sorted({at + off for at in range(32, size, FRAME) for off in (-1, 0, 1, 24)})
    cuts = [Damage("run.db-wal", at, cut=True) for at in around if at < size]
    yield damage("cuts of a -wal file", killed, cuts, scratch)
    flips = [Damage("run.db-wal", at) for at in range(0, size, every)]
    yield damage("bytes of a -wal file", killed, flips, scratch)
    (place / "closed").mkdir()
    closed = Ruin.of(live_and_close(place / "closed"))
    flips = [Damage("run.db", at) for at in range(0, closed.size("run.db"), every)]
    yield damage("bytes of a database", closed, flips, scratch)


def main() -> int:
    """Prove it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=499)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "rows").mkdir()
        for line in chain(flip_rows(place / "rows"), damage_files(place, given.every)):
            lines.append(line)
            if not given.json:
                print(f"{line.name:24}{line.tried:>8} {line.wrong:>4} wrong  {line.what}")  # noqa: T201
    if given.json:
        print(json.dumps([line._asdict() for line in lines]))  # noqa: T201
    return int(any(line.wrong for line in lines))


if __name__ == "__main__":
    sys.exit(main())
