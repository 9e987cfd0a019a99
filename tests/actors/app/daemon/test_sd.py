"""The service manager hears what `sd_notify(3)` promises it, and nobody else is talked to."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.app.daemon.sd import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket that listens, and its name as systemd would give it."""
    name = str(tmp_path / "notify")
    if request.param == "abstract":
        name = f"@arena-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0"))
        listening.settimeout(5)
        yield listening, name


def test_it_is_told_what_the_manual_says(manager: tuple[socket.socket, str]) -> None:
    listening, name = manager
    daemon = ServiceManager({"NOTIFY_SOCKET": name})

    assert daemon.listens
    assert daemon.ready("tick 3\nof 9")
    assert listening.recv(4096) == b"READY=1\nSTATUS=tick 3 of 9"
    assert daemon.reloading()
    reloading = listening.recv(4096).decode().splitlines()
    assert reloading[0] == "RELOADING=1"
    assert reloading[1].removeprefix("MONOTONIC_USEC=").isdecimal()
    assert daemon.status("paused")
    assert listening.recv(4096) == b"STATUS=paused"
    assert daemon.alive()
    assert listening.recv(4096) == b"WATCHDOG=1"
    assert daemon.stopping()
    assert listening.recv(4096) == b"STOPPING=1"


def test_where_nobody_asked_nobody_is_told() -> None:
    daemon = ServiceManager({})

    assert not daemon.listens
    assert not daemon.ready()
    assert daemon.watchdog_interval_s() is None


def test_a_manager_that_has_gone_is_no_error(tmp_path: Path) -> None:
    assert not ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).alive()


@pytest.mark.parametrize(
    ("usec", "pid", "expected"),
    [
        ("20000000", None, 10.0),
        ("20000000", "mine", 10.0),
        ("20000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_the_watchdog_is_fed_twice_in_its_time_and_only_by_whom_it_watches(
    usec: str | None, pid: str | None, expected: float | None
) -> None:
    words = {"NOTIFY_SOCKET": "/run/nobody", "WATCHDOG_USEC": usec, "WATCHDOG_PID": pid}
    given = {key: value for key, value in words.items() if value is not None}
    if pid == "mine":
        given["WATCHDOG_PID"] = str(os.getpid())

    assert ServiceManager(given).watchdog_interval_s() == expected
