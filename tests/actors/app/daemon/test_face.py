"""What keeps a daemon from being seen is said at once; then who supervises it hears of it."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors.app.control.errors import SocketTakenError
from actors.app.control.place import make_socket
from actors.app.control.requests import Reply, Request
from actors.app.daemon import face
from actors.app.daemon.face import Face
from actors.app.daemon.serving import Serving, prepare_serving
from actors.journal.port import StorageError
from actors.runtime import ManualClock, WallClock
from arena.exceptions import ValidationError

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def one(tmp_path: Path) -> Serving:
    config = tmp_path / "one.toml"
    config.write_text('[run]\nname = "one"\ndays = 1\n[http]\nbind = "127.0.0.1:0"\n')
    return prepare_serving(config, (), tmp_path / "run")


def test_http_without_what_serves_it_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face, "find_spec", lambda _: None)

    with pytest.raises(ValidationError, match=r"\[serve\].*--no-web"):
        Face(one(tmp_path), WallClock())


def test_a_run_that_is_served_is_named_before_its_port_is(tmp_path: Path) -> None:
    serving = one(tmp_path)

    with make_socket(serving.socket), pytest.raises(SocketTakenError, match=f"{os.getpid()} lis"):
        Face(serving, WallClock())


async def nothing(_: Request) -> Reply:
    return Reply({})


@pytest.mark.asyncio
async def test_a_writer_that_missed_a_beat_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def probe() -> None:
        asked.append(len(asked))
        if len(asked) == 1:
            raise StorageError("no room", definite=True)
        await asyncio.sleep(0)

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "20000000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        serving = replace(one(tmp_path), web=False)
        async with asyncio.timeout(10), Face(serving, ManualClock(NOW)) as shown:
            await shown.show(nothing, probe)
            told = await asyncio.get_running_loop().sock_recv(manager, 64)

    assert told == b"WATCHDOG=1"
    assert len(asked) > 1
