"""A damaged file of a run: what a reader and a writer make of it.

The run was killed in the middle of its work, so its newest commits are in the -wal file alone; or
it was closed, and everything is in the database.  Whatever is flipped or cut off, the run is what
it was, to the last entry, or it is refused: never a shorter history that nobody misses.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from actors.app.proof import prove
from actors.journal.chain import Head
from actors.journal.store import Store
from arena.exceptions import ArenaError
from tests.tamper.life import live

KILLED = "from tests.tamper.files import be_killed; be_killed()"


def be_killed() -> None:
    """Live, and die where it is not expected; for a process of its own."""
    folder = Path(sys.argv[1])
    asyncio.run(live(folder, at_end=lambda: os.kill(os.getpid(), signal.SIGKILL)))


@dataclass(frozen=True, slots=True)
class Damage:
    """What is done to a file: one byte is flipped, or everything after it cut off."""

    file: str
    at: int
    cut: bool = False

    def do(self, folder: Path) -> None:
        path = folder / self.file
        if self.cut:
            os.truncate(path, self.at)
            return
        with path.open("r+b") as file:
            file.seek(self.at)
            (byte,) = file.read(1)
            file.seek(self.at)
            file.write(bytes([byte ^ 0x10]))


@dataclass(frozen=True, slots=True)
class Ruin:
    """A run in a folder, and what is true of it.

    Attributes:
        folder: It is only copied.
        head: Its last entry.
        state_hash: Of its state.
    """

    folder: Path
    head: Head
    state_hash: str

    @classmethod
    def of(cls, folder: Path) -> Ruin:
        proof = prove(str(folder))
        if not proof.ok or proof.treasury is None:
            raise AssertionError(proof.findings)
        return cls(folder, proof.report.head, proof.treasury.state_hash())

    def size(self, file: str) -> int:
        return (self.folder / file).stat().st_size

    def what_becomes_of(self, damage: Damage, scratch: Path) -> tuple[str, str]:
        """Return what `verify` and a writer make of a damaged copy: `same`, `refused`, `LOST`."""
        self._copy(scratch)
        damage.do(scratch)
        read = self._read(scratch)
        self._copy(scratch)
        damage.do(scratch)
        return read, self._write(scratch)

    def _copy(self, scratch: Path) -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(self.folder, scratch)
        scratch.joinpath("run.db-shm").unlink(missing_ok=True)  # Memory: a crash leaves none.

    def _read(self, folder: Path) -> str:
        try:
            proof = prove(str(folder))
        except ArenaError:
            return "refused"
        if not proof.ok:
            return "refused"
        same = proof.treasury is not None and proof.treasury.state_hash() == self.state_hash
        return "same" if same and proof.report.head == self.head else "LOST"

    def _write(self, folder: Path) -> str:
        try:
            store = Store(folder / "run.db")
        except ArenaError:
            return "refused"
        head = store.head()
        store.connection.close()
        store.release()
        return "same" if head == self.head else "LOST"


def killed_run(folder: Path) -> Ruin:
    """Return a run whose process was killed, its -wal file as it was left."""
    folder.mkdir()
    command = [sys.executable, "-c", KILLED, str(folder)]
    subprocess.run(command, check=False, cwd=Path(__file__).parents[2])
    kept = folder.with_name(folder.name + "-kept")
    shutil.copytree(folder, kept)
    return replace(Ruin.of(folder), folder=kept)  # Whoever reads it may empty the -wal file.
