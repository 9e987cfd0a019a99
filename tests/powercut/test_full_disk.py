"""A disk that is really full refuses, definitely; when there is room, writing goes on by itself.

A real process, the standard library's SQLite, and a file system of four mebibytes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest

from actors.journal.files import FILE_NAME, create_database
from actors.journal.reader import open_run
from actors.journal.store import Store
from actors.journal.verify import verify
from actors.testing.examples import GENESIS, LIFE, MANIFEST, META, RUN, a_batch
from tests.powercut.life import opened

ROOT = Path(__file__).parents[2]
TIMES = 50


@pytest.fixture
def small_disk() -> Iterator[Path]:
    # Not in pytest's folder: should this process be killed, the next one could not tidy that up.
    with tempfile.TemporaryDirectory() as disk:
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no file system of its own for this test: {done.stderr.strip()}")
        try:
            yield Path(disk)
        finally:
            subprocess.run(["umount", "--lazy", disk], check=True)


class Writer:
    """The process that writes, and what it was told."""

    def __init__(self, path: Path) -> None:
        words = [sys.executable, "-m", "tests.powercut.filling", str(path)]
        self._process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.acked: dict[int, str] = {}

    def offer(self) -> str:
        """Have it append a batch; return its answer's first word."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        match self._process.stdout.readline().split():
            case ["acked", seq, named]:
                self.acked[int(seq)] = named
                return "acked"
            case [word, seq]:
                assert int(seq) == max(self.acked), "it moved without saying so"
                return word
            case other:
                raise AssertionError(f"it answered {other}")

    def kill(self) -> None:
        """End it as no process wants to end."""
        self._process.kill()
        self._process.communicate()


def fill(disk: Path) -> Path:
    """Leave no room at all."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        file.writelines(repeat(bytes(4096)))
    return ballast


@pytest.mark.slow
def test_a_full_disk_is_refused_on_and_freed_fifty_times_and_nothing_is_lost(
    small_disk: Path,
) -> None:
    path = small_disk / FILE_NAME
    create_database(path, RUN, MANIFEST, META)
    writer = Writer(path)
    try:
        assert writer.offer() == "acked"
        for _ in range(TIMES):
            ballast = fill(small_disk)
            while writer.offer() == "acked":  # What its files have room for already.
                pass
            with open_run(path) as run:
                assert run.head().seq == max(writer.acked)
            ballast.unlink()
            assert writer.offer() == "acked"
    finally:
        writer.kill()

    with opened(path) as journal:
        found = {entry.seq: entry.hash for entry in journal.read(0, 10**6)}
        journal.finish()

    assert list(found) == list(range(1, max(writer.acked) + 1))
    assert writer.acked.items() <= found.items()
    assert len(writer.acked) > TIMES
    assert verify(path).ok


def test_a_run_on_a_full_disk_can_be_read_and_not_opened_for_writing_yet(small_disk: Path) -> None:
    path = small_disk / FILE_NAME
    create_database(path, RUN, MANIFEST, META)
    with opened(path) as journal:
        head = journal.append(a_batch(GENESIS, LIFE))
        journal.finish()
    ballast = fill(small_disk)

    with open_run(path) as run:
        assert run.head() == head
    with pytest.raises(OSError, match="No space left"):
        Store(path)
    ballast.unlink()
    with opened(path) as journal:
        assert journal.head() == head
        journal.finish()
