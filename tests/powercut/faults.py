"""Faults: one operation of a life fails, and whoever asked goes on as far as it is told to.

A definite refusal has changed nothing, whatever the disk shows: the same batch is asked for again
when there is room.  After an unknown outcome nothing is acknowledged any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random

import pytest

from actors.journal.marker import marker_path
from actors.journal.port import StorageError
from actors.journal.store import Store
from arena.exceptions import ArenaError
from tests.powercut.disk import MODES, Disk, Fault, Op, Platter
from tests.powercut.life import Life, Stage, lay_out
from tests.powercut.proof import every_cut

FAILURES = {
    "read": ("SQLITE_IOERR_READ", "SQLITE_IOERR_SHORT_READ"),
    "write": ("SQLITE_IOERR_WRITE", "SQLITE_FULL"),
    "truncate": ("SQLITE_IOERR_TRUNCATE",),
    "sync": ("SQLITE_IOERR_FSYNC",),
    "size": ("SQLITE_IOERR_FSTAT",),
    "access": ("SQLITE_IOERR_ACCESS",),
    "open": ("SQLITE_CANTOPEN",),
    "create": ("SQLITE_CANTOPEN",),
    "delete": ("SQLITE_IOERR_DELETE",),
    "lock": ("SQLITE_IOERR_LOCK",),
    "unlock": ("SQLITE_IOERR_UNLOCK",),
}
"""How an operation of each kind can fail."""


def fail_at(number: int, fault: Fault) -> Callable[[int, Op], Fault | None]:
    """Return what makes one operation fail, once."""
    due = iter([fault])
    return lambda at, _: next(due, None) if at == number else None


class StubbornLife(Life):
    """Somebody who believes what the store says, and holds it to that.

    Attributes:
        refused: What the disk showed after each definite refusal, and how many batches it owes.
        killed: After how many operations, and with what in the kernel's memory, it ends if it is
            killed as soon as nothing is acknowledged any more.
    """

    def __init__(self, stage: Stage, disk: Disk) -> None:
        super().__init__(stage, disk)
        self.refused: list[tuple[dict[str, bytes], int]] = []
        self.killed: tuple[int, dict[str, bytes]] | None = None

    def attempt(self, journal: Store, write: Callable[[], object]) -> None:
        """Ask again after a definite refusal; after another, once more, to be refused for good."""
        before = journal.head()
        try:
            write()
        except StorageError as error:
            if error.definite:
                assert journal.head() == before
                assert journal.read(before.seq, 1) == []
                self.refused.append((self._disk.contents(), self.acknowledged(10**9)))
                write()
                return
            self.killed = len(self._disk.trace), self._disk.contents()
            with pytest.raises(StorageError) as again:
                write()
            assert not again.value.definite
            raise


class Failing:
    """A life in which one operation fails.

    Attributes:
        ended: The error that ended it; None where it went on to its end.
        marked: Whether it left word of an I/O error.
        disk: What it was lived on.
        life: How it went.
    """

    def __init__(self, stage: Stage, number: int, fault: Fault) -> None:
        self._stage = stage
        self._number = number
        path = lay_out(stage.folder, stage.base)
        self.disk = Disk(stage.base)
        self.disk.fault = fail_at(number, fault)
        self.life = StubbornLife(stage, self.disk)
        self.ended: ArenaError | None = None
        try:
            self.life.live()
        except ArenaError as error:
            self.ended = error
        self.marked = marker_path(path).exists()

    def check(self) -> str:
        """Return what became of it, when nothing is missing in whatever the disk may hold now.

        Raises:
            AssertionError: Something acknowledged is lost, or something refused is there.
        """
        for contents, owed in self.life.refused:
            assert self._stage.revive(contents) == owed, "refused, and there"
        contents, owed = self._cut()
        assert self._stage.revive(contents) >= owed, "acknowledged, and lost"
        if self.ended is None:
            assert self._stage.revive(self.disk.contents()) == len(self._stage.told.batches)
            return "refused" if self.life.refused else "unnoticed"
        if self.marked:
            return "stopped"
        # A refusal: of a batch by a full disk, or of the whole run, when it is opened.
        assert not self.life.acks or getattr(self.ended, "definite", False)
        return "refused"

    def _cut(self) -> tuple[dict[str, bytes], int]:
        """Return what a cut leaves at some moment from the fault on, and what it must."""
        random, end = Random(self._number), len(self.disk.trace)
        number = random.choice((self._number, random.randint(self._number, end), end))
        platter = Platter(self._stage.base)
        platter.play(self.disk.trace[:number])
        return platter.after_cut(random.choice(MODES), random), self.life.acknowledged(number)


def lost_after_failed_sync(stage: Stage, number: int, *, reread: bool) -> int:
    """Return how many batches a power cut takes from who goes on after a killed process.

    Args:
        stage: Where.
        number: The sync of a commit, which fails; over that the process is killed.
        reread: Whether who goes on has everything read from the disk; else the kernel shows what it
            remembers, and no later sync will ever write that.
    """
    failing = Failing(stage, number, Fault("SQLITE_IOERR_FSYNC"))
    assert failing.life.killed is not None
    at, remembered = failing.life.killed
    platter = Platter(stage.base)
    platter.play(failing.disk.trace[:at])
    stored = platter.left_to_kernel()
    seen = stored if reread else {name: remembered[name] for name in stored}
    lay_out(stage.folder, seen)
    disk = Disk(seen)
    life = Life(stage, disk)
    life.live()
    lost = 0
    for ops, acked in life.acks[:3]:
        for _, _, contents in every_cut(stored, disk.trace, [ops], ["drop"]):
            lost = max(lost, acked - stage.count(contents))
    return lost


def faults(trace: Sequence[Op], kinds: Iterable[str], step: int = 1) -> Iterator[tuple[int, Fault]]:
    """Yield every way in which each `step`th operation of these kinds can fail."""
    numbers = [number for number, op in enumerate(trace) if op.kind in kinds]
    for number in numbers[::step]:
        for code in FAILURES[trace[number].kind]:
            for done in (0.0, 0.5) if trace[number].kind == "write" else (0.0,):
                yield number, Fault(code, done)


def flawless(stage: Stage) -> Sequence[Op]:
    """Return the operations of a life in which nothing fails."""
    lay_out(stage.folder, stage.base)
    disk = Disk(stage.base)
    Life(stage, disk).live()
    return disk.trace
