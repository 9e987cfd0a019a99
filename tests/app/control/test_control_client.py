"""Whoever asks knows what became of it: it was done, it was not, or nobody can know yet."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from actors.app.control.client import IN_FLIGHT_MAX, AsyncControlClient, ControlClient
from actors.app.control.errors import Code, ControlError, NoAnswerError, NotRunningError
from actors.app.control.find import find_socket
from actors.app.control.place import PATH_MAX, SOCKET_NAME
from actors.app.control.requests import Op, Reply, Request
from actors.app.control.server import ControlServer
from actors.journal.schema import NotARunError
from arena.exceptions import ValidationError
from tests.app.control.serving import HASH, Desk, refusal, serving

Ask: TypeAlias = Callable[..., dict[str, Any]]


def ask_at_once(path: Path, *args: Any, timeout_s: float = 30, **more: Any) -> dict[str, Any]:
    return ControlClient(path, timeout_s).ask(*args, **more)


def ask_on_a_loop(path: Path, *args: Any, timeout_s: float = 30, **more: Any) -> dict[str, Any]:
    return asyncio.run(AsyncControlClient(path, timeout_s).ask(*args, **more))


@pytest.fixture(params=[ask_at_once, ask_on_a_loop])
def ask(request: pytest.FixtureRequest) -> Ask:
    found: Ask = request.param
    return found


@pytest.fixture
def near(tmp_path: Path) -> Path:
    return tmp_path / SOCKET_NAME


def test_a_result_arrives_whole_however_long_it_is(ask, near):
    desk, row = Desk(), {"name": "x" * 20, "kind": "Agent", "state": "waiting", "handled": 100_000}
    desk.answers[Op.ACTORS] = {"actors": [row] * 10_200}

    with serving(near, desk.handle):
        assert ask(near, "actors") == desk.answers[Op.ACTORS]


def test_what_is_asked_is_what_the_daemon_hears(ask, near):
    desk = Desk()

    with serving(near, desk.handle):
        told = {"command_id": "ops-1", "by": "me", "reason": "the roof is on fire"}
        result = ask(near, "panic", {"wind_down": True}, **told)

    (seen,) = desk.seen
    assert (seen.op, seen.id, seen.by, seen.reason) == (Op.PANIC, *told.values())
    assert result["hash"] == HASH


def test_a_refusal_comes_with_its_reason(ask, near):
    desk = Desk()
    desk.answers[Op.SPAWN] = refusal("no room for another one", "population_full")

    with serving(near, desk.handle), pytest.raises(ControlError) as caught:
        ask(near, "spawn", {"strategy": "cash"}, command_id="a", by="me")

    assert (caught.value.code, caught.value.reason) == (Code.REFUSED, "population_full")
    assert caught.value.status == 409


def test_where_nobody_listens_nothing_was_done(ask, near):
    with pytest.raises(NotRunningError, match="arena serve"):
        ask(near, "status")


def test_where_somebody_died_nothing_was_done(ask, near):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(near))

    with pytest.raises(NotRunningError):
        ask(near, "status")


def test_a_path_that_no_daemon_can_have_is_refused(ask, near):
    with pytest.raises(ValidationError, match=f"at most {PATH_MAX} bytes"):
        ask(near / ("x" * PATH_MAX), "status")


@contextmanager
def somebody(path: Path, answer: bytes | None) -> Iterator[None]:
    """Listen, read one request, answer with bytes, and leave; None keeps everybody waiting."""
    may_leave = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            lines.readline()
            if answer is None:
                may_leave.wait()
            else:
                connection.sendall(answer)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            may_leave.set()
            thread.join()


@pytest.mark.parametrize(
    "answer",
    [b"", b'{"ok":true', b"hello\n", b"[]\n", b'{"ok":false}\n', b'{"ok":true,"result":7}\n'],
)
def test_an_answer_that_is_none_leaves_it_open_and_says_how_to_find_out(ask, near, answer):
    with somebody(near, answer), pytest.raises(NoAnswerError, match=r"the same --id ops-1$"):
        ask(near, "pause", command_id="ops-1", by="me")


def test_an_answer_that_is_late_leaves_it_open(ask, near):
    with somebody(near, None), pytest.raises(NoAnswerError, match="unknown: ask again"):
        ask(near, "pause", command_id="ops-1", by="me", timeout_s=0.05)


def test_of_a_read_nothing_is_left_open(ask, near):
    with somebody(near, None), pytest.raises(NoAnswerError) as caught:
        ask(near, "status", timeout_s=0.05)

    assert "unknown" not in str(caught.value)


@pytest.mark.asyncio
async def test_one_client_leaves_room_for_the_others_and_waits_behind_nobody(near):
    may_end, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def handle(request: Request) -> Reply:
        if request.op is Op.PAUSE:
            begun.release()
            await may_end.wait()
        return Reply({})

    client = AsyncControlClient(near)
    async with ControlServer(near, handle), asyncio.TaskGroup() as group:
        many = [
            group.create_task(client.ask("pause", command_id=f"n{n}", by="me"))
            for n in range(IN_FLIGHT_MAX)
        ]
        for _ in many:
            await begun.acquire()
        with pytest.raises(ControlError) as caught:
            await client.ask("health")
        assert await client.ask("panic", command_id="p", by="me") == {}
        assert await AsyncControlClient(near).ask("health") == {}
        may_end.set()

    assert caught.value.code is Code.OVERLOADED
    assert [each.result() for each in many] == [{}] * IN_FLIGHT_MAX


@pytest.mark.asyncio
async def test_a_daemon_that_was_started_anew_is_found(near):
    client, desk = AsyncControlClient(near), Desk()

    for _ in range(2):
        async with ControlServer(near, desk.handle):
            await client.ask("health")
        with pytest.raises(NotRunningError):
            await client.ask("health")

    assert len(desk.seen) == 2


# Which daemon is meant


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_the_only_one_that_runs_is_meant(runs):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(runs / "a" / SOCKET_NAME))

    with serving(runs / "b" / SOCKET_NAME, Desk().handle) as path:
        assert find_socket(None, None, runs=runs) == path


def test_of_several_one_must_be_named(runs):
    paths = [runs / name / SOCKET_NAME for name in ("a", "b")]

    unsure = pytest.raises(ValidationError, match=f"{runs / 'a'}, {runs / 'b'}$")
    with serving(paths[0], Desk().handle), serving(paths[1], Desk().handle), unsure:
        find_socket(None, None, runs=runs)


def test_where_none_runs_it_says_how_to_start_one(runs):
    with pytest.raises(NotRunningError, match="arena serve"):
        find_socket(None, None, runs=runs)


def test_one_may_be_named_by_its_run_or_by_its_socket_and_not_by_both(runs):
    (runs / "a").mkdir(parents=True, exist_ok=True)
    (runs / "a" / "run.db").touch()
    assert find_socket(str(runs / "a"), None) == runs / "a" / SOCKET_NAME
    assert find_socket(str(runs / "a" / "run.db"), None) == runs / "a" / SOCKET_NAME
    assert find_socket(None, "x.sock") == Path("x.sock")
    with pytest.raises(ValidationError, match="either a socket or a run"):
        find_socket(str(runs / "a"), "x.sock")


def test_a_run_that_is_not_there_is_no_daemon_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotARunError, match="nowhere"):
        find_socket(str(tmp_path / "nowhere"), None)
