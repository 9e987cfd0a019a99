"""The web's process is started again, a little later each time, and then left alone.

Real processes, which do nothing; what they are is tested elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.app.daemon import child as of_child
from actors.app.daemon.child import RESTARTS_MAX, WebChild
from actors.app.http.settings import WorkerSettings
from actors.runtime import WallClock

pytestmark = pytest.mark.asyncio


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  # a file that somebody else writes
            await asyncio.sleep(0.001)


async def test_a_child_that_ends_four_times_in_a_minute_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_child, "BACKOFF_S", 0.001)
    born = tmp_path / "born"
    command = ["sh", "-c", f'echo $$ >> {born}; read told; echo "$told" >> {tmp_path}/told; read x']
    settings = WorkerSettings(run=str(tmp_path), fd=3, port=1)

    def pids() -> list[int]:
        text = born.read_text() if born.exists() else ""
        return [int(line) for line in text.splitlines()] if text.endswith("\n") else []

    with socket.socket() as listening:
        async with WebChild(command, settings, listening, WallClock()) as child:
            for count in range(1, RESTARTS_MAX + 2):
                await until(lambda count=count: len(pids()) == count)
                os.kill(pids()[-1], signal.SIGKILL)
            await until(lambda: child.given_up)
        assert listening.fileno() == -1

    assert child.restarts == RESTARTS_MAX
    assert len(pids()) == RESTARTS_MAX + 1


async def test_a_child_that_does_not_listen_ends_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_child, "LEAVES_WITHIN_S", 0.01)
    settings = WorkerSettings(run=str(tmp_path), fd=3, port=1)
    command = ["sh", "-c", f"echo there > {tmp_path}/born; exec tail -f /dev/null"]

    with socket.socket() as listening:
        async with WebChild(command, settings, listening, WallClock()) as child:
            await until((tmp_path / "born").exists)

    assert not child.given_up


async def test_a_child_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_child, "BACKOFF_S", 0.001)
    settings = WorkerSettings(run=str(tmp_path), fd=3, port=1)

    with socket.socket() as listening:
        async with WebChild([str(tmp_path / "no")], settings, listening, WallClock()) as child:
            await until(lambda: child.given_up)

    assert child.restarts == RESTARTS_MAX
