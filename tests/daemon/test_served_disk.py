"""A disk that fills up stops time and nothing else: what was acknowledged is there, and goes on.

The disk is real and small: a tmpfs, which only root can mount.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.app.control.errors import Code, ControlError
from actors.app.exits import ExitCode
from actors.app.proof import prove
from actors.journal.chain import Head
from tests.daemon.conftest import Serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SIZE = 12 << 20
DETACH = 2
"""`MNT_DETACH`: it is gone when nobody uses it any more."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    where = os.fsencode(folder)
    if libc.mount(b"tmpfs", where, b"tmpfs", 0, f"size={SIZE},mode=700".encode()):
        pytest.skip(f"no small disk can be mounted here: {os.strerror(ctypes.get_errno())}")
    try:
        yield folder
    finally:
        libc.umount2(where, DETACH)


def fill(disk: Path) -> Path:
    """Write until nothing more can be written, and return the file."""
    path = disk / "ballast"
    with path.open("wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(4_096)):
                pass
        except OSError:
            return path
    raise AssertionError("this disk has no end")


@pytest.mark.parametrize("reserve_mib", [4, 0])
def test_nothing_is_lost_on_a_full_disk_and_time_goes_on_when_there_is_room(
    serve: Serve, disk: Path, reserve_mib: int
) -> None:
    run = serve("--set", f"daemon.disk_reserve_mib={reserve_mib}", folder=disk / "run")
    run.start_and_wait(tick=2)
    told = run.ask("pause-agent", {"agent_id": "g000-001"})
    ballast = fill(disk)
    if not reserve_mib:  # A little room looks like room, and is not enough.
        os.truncate(ballast, ballast.stat().st_size - 4_096)
        run.until_so(lambda: bool(run.logged("storage_full")))
    full = run.until(lambda status: status["state"] == "storage_full")
    with pytest.raises(ControlError) as refused:
        run.ask("unpause-agent", {"agent_id": "g000-001"})
    ballast.unlink()
    run.until(lambda status: status["ready"] and status["tick"] > (full["tick"] or 2))
    done = run.ask("unpause-agent", {"agent_id": "g000-001"})

    assert (full["ready"], "storage_full" in full["reasons"]) == (False, True)
    assert refused.value.code is Code.STORAGE_FULL
    assert run.ask("pause-agent", {"agent_id": "g000-001"}) == told | {"duplicate": True}
    assert run.stop() == ExitCode.OK
    receipts = [Head(each["seq"], each["hash"]) for each in (told, done)]
    assert prove(str(run.folder), deep=True, receipts=receipts).ok
