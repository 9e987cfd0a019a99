"""A life: the batches of a small arena, appended by the real store to a model disk.

What the store acknowledged is written down outside, with how far the disk had come by then.  From
what a power cut leaves, `revive` makes real files and opens them as any process would, with the
standard library's SQLite; then every acknowledged batch must be there, byte by byte and once.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate
from pathlib import Path
from unittest.mock import patch

from actors.app.arena import Arena
from actors.journal import anchors, store
from actors.journal.chain import Entry, Head, run_id_of
from actors.journal.files import FILE_NAME, create_database
from actors.journal.memory import MemoryJournal
from actors.journal.port import Batch, Snapshot
from actors.journal.store import Binding, Store
from actors.journal.verify import verify
from arena.experiment import manifest
from arena.ids import RunId
from tests.powercut.adapter import binding_to
from tests.powercut.disk import Disk
from tests.powercut.posix import DiskOs
from tests.worlds import a_run

_CHECKPOINT_PAGES = 60
_ANCHOR_EVENTS = 8
"""The store does now and then what it would do once in a thousand: else no cut would meet it."""


@dataclass(frozen=True, slots=True)
class Story:
    """What happens in the run that is cut again and again."""

    run_id: RunId
    manifest: str
    batches: tuple[Batch, ...]

    @property
    def entries(self) -> list[Entry]:
        """The whole history."""
        return [entry for batch in self.batches for entry in batch.entries]

    @property
    def ends(self) -> list[int]:
        """The `seq` after each number of batches."""
        return [0, *accumulate(len(batch.entries) for batch in self.batches)]


class _Recorder(MemoryJournal):
    def __init__(self, facts: str) -> None:
        super().__init__(facts)
        self.batches: list[Batch] = []

    async def append(self, batch: Batch) -> Head:
        self.batches.append(batch)
        return await super().append(batch)


@cache
def story(days: int = 30) -> Story:
    """Return the batches of a small arena that lived for `days`."""
    experiment, market = a_run(days=days, agents=4)
    facts = manifest(experiment)
    journal = _Recorder(facts)

    async def live() -> None:
        async with Arena(experiment, market, journal) as arena:
            await arena.backtest()

    asyncio.run(live())
    return Story(run_id_of(facts), facts, tuple(journal.batches))


class Stage:
    """Where a story is played, again and again from its beginning.

    Attributes:
        told: The story.
        folder: A folder that is emptied now and then.
        base: The files of the run as it is made.
    """

    def __init__(self, folder: Path, told: Story | None = None) -> None:
        self.told = told or story()
        self.folder = folder
        path = lay_out(folder, {})
        create_database(path, self.told.run_id, self.told.manifest, {})
        self.base = {FILE_NAME: path.read_bytes()}

    def revive(self, contents: Mapping[str, bytes]) -> int:
        """Return how many batches are left on a disk; see `revive`."""
        return revive(self.folder, contents, self.told)

    def count(self, contents: Mapping[str, bytes]) -> int:
        """Return how many are left, where some may be missed: then the store itself says so."""
        try:
            return self.revive(contents)
        except anchors.HistoryLostError as error:
            return self.told.ends.index(error.seq)


def lay_out(folder: Path, contents: Mapping[str, bytes]) -> Path:
    """Make real files of what a disk holds, and of nothing else; return where the database is."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder / FILE_NAME


@contextmanager
def opened(path: Path, binding: Binding = Binding(), **how: bool) -> Iterator[Store]:  # noqa: B008
    """Open the store, and let go of it without a word, as a process does that dies."""
    opened = Store(path, binding=binding, **how)
    try:
        yield opened
    finally:
        opened.connection.close()
        opened.release()


@contextmanager
def on(disk: Disk) -> Iterator[None]:
    """Have what the store writes beside the database on the same disk, and in haste."""
    with (
        patch.object(anchors, "os", DiskOs(disk)),
        patch.object(anchors, "SYNC_EVERY_EVENTS", _ANCHOR_EVENTS),
        patch.object(store, "_CHECKPOINT_PAGES", _CHECKPOINT_PAGES),
    ):
        yield


class Life:
    """One process after the other on one disk, until the story is over or the power goes.

    Attributes:
        acks: After how many operations how many batches had been acknowledged.
    """

    def __init__(self, stage: Stage, disk: Disk, **settings: str | int) -> None:
        self._story = stage.told
        self._disk = disk
        self._path = stage.folder / FILE_NAME
        self._settings = settings
        self.acks: list[tuple[int, int]] = []

    def live(self, upto: int | None = None, *, after_io_error: bool = False) -> None:
        """Open, append what is not there yet, one batch after the other, and close."""
        binding = binding_to(self._disk, **self._settings)
        with on(self._disk), opened(self._path, binding, after_io_error=after_io_error) as journal:
            first = self._story.ends.index(journal.head().seq)
            for number, batch in enumerate(self._story.batches[first:upto], start=first + 1):
                self.attempt(journal, partial(journal.append, batch))
                assert journal.head().seq == self._story.ends[number]
                self.acks.append((len(self._disk.trace), number))
                if number % 10 == 0:
                    head = journal.head()
                    snapshot = Snapshot(head.seq, number, 1, "{}", head.hash)
                    self.attempt(journal, partial(journal.save_snapshot, snapshot))
            journal.finish()

    def attempt(self, journal: Store, write: Callable[[], object]) -> None:
        """Do what the journal is asked for; others may be more stubborn."""
        write()

    def acknowledged(self, number: int) -> int:
        """Return how many batches had been acknowledged when operation `number` was due."""
        return max((batches for ops, batches in self.acks if ops <= number), default=0)


def revive(folder: Path, contents: Mapping[str, bytes], told: Story) -> int:
    """Return how many batches a real process finds; it must be able to go on from there.

    Raises:
        AssertionError: Something is there in part, twice, changed or out of order.
        ArenaError: The store refuses to open.
    """
    path = lay_out(folder, contents)
    with opened(path) as journal:
        assert journal.head().seq in told.ends, "half a batch"
        batches = told.ends.index(journal.head().seq)
        entries = told.entries[: told.ends[batches]]
        assert journal.read(0, 10**6) == entries, "other entries than were written"
        commands = [row for batch in told.batches for row in batch.commands]
        kept = {row.command_id: row for row in commands if row.last_seq <= len(entries)}
        assert journal.recall([row.command_id for row in commands]) == kept, "other commands"
        head = journal.head()
        if batches < len(told.batches):
            head = journal.append(told.batches[batches])
        for accounts in journal.trial_balance(None).values():
            assert sum(accounts.values()) == 0, "money was lost"
        journal.finish()
    report = verify(path)
    assert report.ok, report.findings
    assert report.head == head
    assert anchors.read_anchors(anchors.anchors_path(path))[-1] == head
    return batches
