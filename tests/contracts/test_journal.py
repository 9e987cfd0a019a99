"""Every journal keeps the same promises: in memory, in a file, and on a disk that is simulated."""

from __future__ import annotations

import random
from pathlib import Path

from actors.journal.memory import MemoryJournal
from actors.journal.port import Journal
from actors.journal.sqlite import SqliteJournal
from actors.testing import SimDisk, SimJournal
from actors.testing.conformance import JournalConformance
from actors.testing.examples import META, RUN


class TestMemoryJournal(JournalConformance):
    async def make_journal(self, folder: Path) -> Journal:
        return MemoryJournal(self.MANIFEST)


class TestSqliteJournal(JournalConformance):
    async def make_journal(self, folder: Path) -> Journal:
        return await SqliteJournal.create(folder, RUN, self.MANIFEST, META)


class TestSimulatedJournal(JournalConformance):
    async def make_journal(self, folder: Path) -> Journal:
        disk = SimDisk(self.MANIFEST)
        return SimJournal(disk, random.Random(1), watch=lambda _: None)
