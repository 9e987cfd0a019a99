"""Everything that a hand or a rotten disk can change: `python -m tests.tamper [--every 499]`.

Every byte of every row is flipped.  Then the files are damaged: the -wal file that a killed process
left is cut off at every page and flipped at every so manieth byte, and so is a closed database.  It
exits with 1 if anything went unseen.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.tamper.files import Damage, Ruin, killed_run
from tests.tamper.flips import Tampering
from tests.tamper.life import Life, live_and_close

FRAME = 4096 + 24
"""Bytes of a page in the -wal file, with what stands before it; the file begins with 32."""


def flip_rows(folder: Path) -> int:
    """Flip every byte of every row, print how it went, and return how many went unseen."""
    tampering, unseen = Tampering(Life.lived(folder)), 0
    for table in tampering.judges:
        began = time.perf_counter()
        outcome = tampering.flip_all(table)
        bad = [*outcome.missed, *outcome.misplaced]
        unseen += len(bad)
        took = f"{time.perf_counter() - began:.1f} s"
        counts = f"{outcome.flips[table]:>8} flips {len(outcome.missed):>4} missed"
        print(f"{table:24}{counts} {len(outcome.misplaced):>4} misplaced {took:>9}", *bad[:3])  # noqa: T201
    return unseen


def damage(name: str, ruin: Ruin, damages: Iterable[Damage], scratch: Path) -> int:
    """Do each damage to a copy, print how it went, and return how often history was lost."""
    began = time.perf_counter()
    outcomes = Counter(each for one in damages for each in ruin.what_becomes_of(one, scratch))
    counts = " ".join(f"{outcomes[word]:>8} {word}" for word in ("same", "refused", "LOST"))
    print(f"{name:24}{counts} {time.perf_counter() - began:>9.1f} s", flush=True)  # noqa: T201
    return outcomes["LOST"]


def main() -> None:
    """Prove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=499)
    every: int = parser.parse_args().every
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "rows").mkdir()
        lost = flip_rows(place / "rows")
        killed, scratch = killed_run(place / "killed"), place / "scratch"
        size = killed.size("run.db-wal")
        cuts = sorted({at + off for at in range(32, size, FRAME) for off in (-1, 0, 1, 24)})
        whole = [Damage("run.db-wal", at, cut=True) for at in cuts if at < size]
        lost += damage("run.db-wal, cut", killed, whole, scratch)
        flips = [Damage("run.db-wal", at) for at in range(0, size, every)]
        lost += damage("run.db-wal, flipped", killed, flips, scratch)
        (place / "closed").mkdir()
        closed = Ruin.of(live_and_close(place / "closed"))
        flips = [Damage("run.db", at) for at in range(0, closed.size("run.db"), every)]
        lost += damage("run.db, flipped", closed, flips, scratch)
    sys.exit(lost > 0)


if __name__ == "__main__":
    main()
