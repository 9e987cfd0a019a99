"""The proof: cut the power at every operation, in every mode, and count what was lost.

A life is lived once and recorded; what a cut at operation n leaves follows from the operations
before it, so that every n costs one revival and not one more life.  Disks that are equal to the
byte are revived once.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from actors.journal.port import StorageError
from tests.powercut.disk import MODES, Disk, Op, Platter
from tests.powercut.life import Life, Stage, lay_out

POWER_IS_OFF = (StorageError, sqlite3.Error, OSError)
"""What a process sees of its end."""


@dataclass
class Tally:
    """What came of the cuts of one kind."""

    cuts: int = 0
    lost: int = 0
    acked: int = 0
    disks: set[bytes] = field(default_factory=set)


def every_cut(
    base: Mapping[str, bytes], trace: Sequence[Op], numbers: Iterable[int], modes: Iterable[str]
) -> Iterator[tuple[int, str, Mapping[str, bytes]]]:
    """Yield what is left of `base` by a cut before, or in the middle of, each of these operations.

    The numbers ascend; the operation after the last one is none.
    """
    platter, played = Platter(base), 0
    for number in numbers:
        platter.play(trace[played:number])
        played = number
        due = trace[number] if number < len(trace) else None
        for mode in modes:
            yield number, mode, platter.after_cut(mode, Random(f"{mode} {number}"), due)


def digest(contents: Mapping[str, bytes]) -> bytes:
    """Return what tells one disk from every other."""
    name = sha256()
    for each, content in sorted(contents.items()):
        name.update(f"{each} {len(content)} ".encode() + content)
    return name.digest()


class Recording:
    """A life that was lived to its end, to be cut anywhere.

    Attributes:
        trace: Every operation.
    """

    def __init__(self, stage: Stage, **settings: str | int) -> None:
        """Live: half of the batches, a close, the other half, a close."""
        self._stage = stage
        disk = Disk(stage.base)
        lay_out(stage.folder, stage.base)
        self._life = Life(stage, disk, **settings)
        self._life.live(len(stage.told.batches) // 2)
        self._life.live()
        self.trace: Sequence[Op] = disk.trace
        self._revived: dict[bytes, int] = {}

    def cut(self, numbers: Iterable[int], modes: Iterable[str] = MODES) -> dict[str, Tally]:
        """Cut at each of these operations, in ascending order, and revive what is left."""
        tallies = {mode: Tally() for mode in modes}
        for number, mode, contents in every_cut(self._stage.base, self.trace, numbers, modes):
            tally, acked = tallies[mode], self._life.acknowledged(number)
            left = self._revive(contents, tally)
            tally.cuts += 1
            tally.acked += acked
            tally.lost += max(0, acked - left)
        return tallies

    def _revive(self, contents: Mapping[str, bytes], tally: Tally) -> int:
        key = digest(contents)
        tally.disks.add(key)
        if key not in self._revived:
            self._revived[key] = self._stage.count(contents)
        return self._revived[key]


def live_dangerously(stage: Stage, seed: int) -> Counter[str]:
    """Live through up to five power cuts at random moments, each on what the one before left."""
    random, counts = Random(seed), Counter[str]()
    contents, acked = stage.base, 0
    for _ in range(random.randint(1, 5)):
        disk = Disk(contents)
        disk.cut_at(random.randrange(len(stage.told.batches) * 25))
        lay_out(stage.folder, contents)
        life = Life(stage, disk)
        try:
            life.live()
        except POWER_IS_OFF:
            counts["cuts"] += 1
        platter = Platter(contents)
        platter.play(disk.trace)
        acked = max(acked, life.acknowledged(len(disk.trace)))
        contents = platter.after_cut(random.choice(MODES), random)
    counts["acked"] = acked
    counts["lost"] = max(0, acked - stage.revive(contents))
    return counts
