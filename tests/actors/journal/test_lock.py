"""Who finds a run locked is told by whom, and is not sent after somebody who has no part in it."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest

from actors.journal import lock
from actors.journal.lock import LockedError, WriterLock


def a_dead_process() -> int:
    child = os.posix_spawn("/bin/sh", ["sh", "-c", ":"], {})
    os.waitpid(child, 0)
    return child


def test_the_owner_of_a_lock_is_named(tmp_path: Path) -> None:
    owner = WriterLock(tmp_path / "run.db")

    with pytest.raises(LockedError, match=f"process {os.getpid()};"):
        WriterLock(tmp_path / "run.db")

    owner.release()


def test_a_lock_that_was_released_names_nobody(tmp_path: Path) -> None:
    WriterLock(tmp_path / "run.db").release()

    assert (tmp_path / "run.lock").read_bytes() == b""


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"nonsense", b'{"pid": -1}', b'{"pid": 1e99}', b'{"pid": 4294967297}']
)
def test_a_file_that_names_nobody_is_waited_for_and_then_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(lock, "NAMED_WITHIN_S", 0.01)

    assert named(tmp_path, content) is None


def test_who_died_with_the_lock_is_not_taken_for_who_has_it_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "NAMED_WITHIN_S", 0.01)

    assert named(tmp_path, json.dumps({"pid": a_dead_process()}).encode()) is None


def named(folder: Path, content: bytes) -> int | None:
    """Return who is named while somebody holds the lock who has not said so yet."""
    handle = os.open(folder / "run.lock", os.O_RDWR | os.O_CREAT)
    os.write(handle, content)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(LockedError) as refused:
            WriterLock(folder / "run.db")
    finally:
        os.close(handle)
    return refused.value.pid
