"""Whatever comes over the control socket: the daemon answers, or lets go, and goes on."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, chdir
from pathlib import Path
from typing import Any

import pytest

from actors.app.control import server
from actors.app.control.client import AsyncControlClient, ControlClient
from actors.app.control.connection import Limits
from actors.app.control.errors import (
    Code,
    ControlError,
    NoAnswerError,
    SocketTakenError,
    UnknownOutcomeError,
)
from actors.app.control.place import PATH_MAX, check_place, make_socket
from actors.app.control.requests import Op, Reply, Request
from actors.app.control.server import ControlServer
from actors.app.control.wire import LINE_MAX
from arena.exceptions import ValidationError
from tests.app.control.serving import Desk, Stranger, serving

DEEP = b'{"op":"status","args":' + b"[" * 40 + b"]" * 40 + b"}"


def kill(**changes: Any) -> bytes:
    said = {"op": "kill", "id": "a", "by": "me", "reason": "", "args": {"agent_id": "g000-001"}}
    return json.dumps(said | changes).encode()


HOSTILE = {
    "nothing": (b"", "no JSON"),
    "spaces": (b"   ", "no JSON"),
    "no JSON": (b"kill everyone", "no JSON"),
    "HTTP": (b"GET / HTTP/1.1\r", "no JSON"),
    "a list": (b"[]", "a request is an object"),
    "a text": (b'"kill"', "a request is an object"),
    "null": (b"null", "a request is an object"),
    "two objects": (b"{}{}", "no JSON"),
    "a comment": (b'{"op":"status"} // now', "no JSON"),
    "single quotes": (b"{'op':'status'}", "no JSON"),
    "a comma too many": (b'{"op":"status",}', "no JSON"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "no JSON"),
    "no UTF-8": (b'{"op":"\xff"}', "no UTF-8"),
    "UTF-16": ('{"op":"status"}'.encode("utf-16-le"), ""),
    "NUL bytes": (b"\0" * 100, "no JSON"),
    "a raw control character": (b'{"op":"st\x07atus"}', "no JSON"),
    "NaN": (kill(args={"agent_id": float("nan")}), "NaN is no number"),
    "Infinity": (kill(args={"n": float("inf")}), "Infinity is no number"),
    "-Infinity": (kill(args={"n": -float("inf")}), "-Infinity is no number"),
    "1e400": (b'{"op":"stop","args":{"drain_s":1e400}}', "1e400 is too large"),
    "a huge number": (b'{"op":"stop","args":{"drain_s":' + b"9" * 5000 + b"}}", "is too large"),
    "2^53": (b'{"op":"stop","args":{"drain_s":9007199254740992}}', "is too large"),
    "a key twice": (b'{"op":"status","op":"kill"}', "the same key twice"),
    "a key twice, inside": (b'{"op":"kill","args":{"agent_id":"a","agent_id":"b"}}', "twice"),
    "too deep": (DEEP, "deeper than 32"),
    "very deep": (b"[" * 60_000, "deeper than 32"),
    "half a character": (b'{"op":"status","by":"\\ud800"}', "lone surrogate"),
    "half a character as a key": (b'{"\\udfff":1}', "lone surrogate"),
    "no op": (b"{}", "op: needed is one of"),
    "an unknown op": (b'{"op":"shutdown"}', "op: needed is one of"),
    "an op in capitals": (b'{"op":"KILL"}', "op: needed is one of"),
    "an op that is a list": (b'{"op":["kill"]}', "op: needed is one of"),
    "an op of another kind": (b'{"op":1}', "op: needed is one of"),
    "an unknown key": (kill(sudo=True), "sudo: unknown key"),
    "an unknown argument": (kill(args={"agent_id": "a", "all": True}), "args.all: unknown key"),
    "args that are a list": (kill(args=["g000-001"]), "args"),
    "args that are null": (kill(args=None), "args"),
    "no argument": (kill(args={}), "args.agent_id: Field required"),
    "an argument of another type": (kill(args={"agent_id": 7}), "args.agent_id"),
    "an agent that is a path": (kill(args={"agent_id": "../../etc"}), "args.agent_id"),
    "an agent with a line end": (kill(args={"agent_id": "g000-001\n"}), "args.agent_id"),
    "no id": (kill(id=None), "id: kill changes something"),
    "an id with a space": (kill(id="a b"), "id"),
    "an id with a line end": (kill(id="a\n"), "id"),
    "an id that is a number": (kill(id=1), "id"),
    "a long id": (kill(id="a" * 65), "id"),
    "nobody": (kill(by=""), "by: kill changes something"),
    "a long name": (kill(by="a" * 65), "by"),
    "a name with colours": (kill(by="\x1b[31mroot"), "by: "),
    "a reason with a line end": (kill(reason="all good\nseq 9: approved"), "reason: "),
    "a reason that turns the writing": (kill(reason="a\u202eb"), "reason: "),
    "a long reason": (kill(reason="a" * 501), "reason: "),
    "a truth value that is a number": (b'{"op":"panic","args":{"wind_down":1}}', "wind_down"),
    "a number that is a text": (b'{"op":"stop","args":{"drain_s":"9"}}', "drain_s"),
    "a number that is a truth value": (b'{"op":"stop","args":{"drain_s":true}}', "drain_s"),
    "a wait below zero": (b'{"op":"stop","args":{"drain_s":-1}}', "drain_s"),
    "a parameter that is a list": (
        b'{"op":"spawn","args":{"strategy":"cash","parameters":{"a":[1]}}}',
        "args.parameters.a",
    ),
    "a parameter with a strange name": (
        b'{"op":"spawn","args":{"strategy":"cash","parameters":{"__class__.x":1}}}',
        "args.parameters",
    ),
    "a strategy that is a module": (
        b'{"op":"spawn","args":{"strategy":"os:system"}}',
        "args.strategy",
    ),
    "an argument of a read": (b'{"op":"status","args":{"a":1}}', "args.a: unknown key"),
}


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def path(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with serving(tmp_path_factory.mktemp("run") / "control.sock", desk.handle) as found:
        yield found


@pytest.mark.parametrize("case", HOSTILE)
def test_what_cannot_be_asked_is_refused_and_the_next_request_is_answered(case, desk, path):
    line, message = HOSTILE[case]
    seen = len(desk.seen)

    with Stranger(path) as stranger:
        stranger.say(line + b"\n")
        refused = stranger.hear()
        assert len(desk.seen) == seen
        stranger.say(b'{"op":"health"}\n')
        answered = stranger.hear()

    assert refused is not None
    assert answered is not None
    assert (refused["ok"], refused["error"]["code"]) == (False, "bad_request")
    assert message in refused["error"]["message"]
    assert refused["error"]["message"].isprintable()
    assert answered["ok"] is True


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["without an end", "with an end"])
def test_a_line_that_is_too_long_is_refused_and_nothing_after_it_is_read(end, desk, path):
    seen = len(desk.seen)

    with Stranger(path) as stranger:
        stranger.say(b" " * LINE_MAX + end + kill() + b"\n")
        refused = stranger.hear()
        assert stranger.hear() is None

    assert refused is not None
    assert "at most 65536 bytes" in refused["error"]["message"]
    assert len(desk.seen) == seen


def test_the_longest_line_is_read(path):
    with Stranger(path) as stranger:
        stranger.say(b'{"op":"health"}'.ljust(LINE_MAX - 1) + b"\n")

        assert (stranger.hear() or {})["ok"] is True


def test_half_a_request_is_never_carried_out(desk, path):
    seen = len(desk.seen)

    with Stranger(path) as stranger:
        stranger.say(kill())
        stranger.socket.shutdown(socket.SHUT_WR)
        assert stranger.hear() is None

    assert len(desk.seen) == seen


def test_many_requests_at_once_are_answered_in_their_order(path):
    ids = [f"n{n}" for n in range(200)]

    with Stranger(path) as stranger:
        stranger.say(b"".join(kill(id=each, reason=each) + b"\n" for each in ids))
        replies = [stranger.hear() for _ in ids]

    assert [r["result"]["events"][0]["data"]["reason"] for r in replies if r] == ids


def test_only_the_owner_can_come_near(path):
    assert path.stat().st_mode & 0o777 == 0o600


# Clients that are slow, that leave, that are many


HASTY = Limits(idle_s=0.05, line_s=0.05, reply_s=0.05, close_s=0.05)


@pytest.fixture
def near(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_stranger_is_cut_off_and_logged(near, caplog):
    desk = Desk()

    with serving(near, desk.handle), chdir(near.parent), caplog.at_level(logging.WARNING):
        near.parent.chmod(0o711)
        near.chmod(0o666)
        os.seteuid(65534)
        try:
            stranger = Stranger(Path(near.name))
        finally:
            os.seteuid(0)
        with stranger:
            stranger.say(kill() + b"\n")
            assert stranger.hear() is None

    assert "control_stranger_refused" in caplog.text
    assert desk.seen == []


def test_who_does_not_come_to_an_end_is_told_and_cut_off(near):
    with serving(near, Desk().handle, HASTY), Stranger(near) as stranger:
        stranger.say(b'{"op":')
        refused = stranger.hear()

        assert refused is not None
        assert "ends within" in refused["error"]["message"]
        assert stranger.hear() is None


def test_who_says_nothing_is_cut_off(near):
    with serving(near, Desk().handle, HASTY), Stranger(near) as stranger:
        assert stranger.hear() is None


def test_who_does_not_read_is_cut_off_and_others_are_answered(near):
    desk = Desk()
    desk.answers[Op.STATUS] = {"much": "x" * (3 << 20)}

    with serving(near, desk.handle, HASTY), Stranger(near) as deaf:
        deaf.say(b'{"op":"status"}\n')
        assert ControlClient(near).ask("health")["seq"] == 7
        assert len(ControlClient(near).ask("status")["much"]) == 3 << 20


def test_one_too_many_is_told_so_and_room_comes_again(near):
    with serving(near, Desk().handle, Limits(connections_max=2)):
        with Stranger(near) as first, Stranger(near) as second:
            for each in (first, second):
                each.say(b'{"op":"health"}\n')
                assert each.hear() is not None
            assert not there_is_room(near)
        while not there_is_room(near):
            pass  # It sees them leave when it comes to it.


def test_a_panic_is_let_in_where_too_many_others_are(near):
    limits = Limits(connections_max=1, kept_free=1)
    with serving(near, Desk().handle, limits), Stranger(near) as first:
        first.say(b'{"op":"health"}\n')
        assert first.hear() is not None
        panic = ControlClient(near).ask("panic", command_id="a", by="me")
        with Stranger(near) as second:
            second.say(b'{"op":"health"}\n')
            refused = second.hear()
            assert not there_is_room(near)

    assert panic["events"]
    assert refused["error"]["code"] == "overloaded"


def there_is_room(path: Path) -> bool:
    try:
        ControlClient(path).ask("health")
    except ControlError as error:
        return error.code is not Code.OVERLOADED
    return True


@pytest.mark.asyncio
async def test_a_request_is_carried_out_though_who_asked_has_left(near):
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(_: Request) -> Reply:
        begun.set()
        await may_end.wait()
        ended.set()
        return Reply({})

    async with ControlServer(near, handle):
        with Stranger(near) as stranger:
            stranger.say(kill() + b"\n")
            await begun.wait()
        may_end.set()
        await ended.wait()


@pytest.mark.parametrize("answer", [RuntimeError("the password is x"), {"n": {1}}, None])
@pytest.mark.asyncio
async def test_a_bug_behind_a_request_ends_nothing(answer, near, caplog):
    async def handle(request: Request) -> Reply:
        if request.op is Op.HEALTH:
            return Reply({})
        if isinstance(answer, Exception):
            raise answer
        return answer if answer is None else Reply(answer)  # type: ignore[return-value]

    client = AsyncControlClient(near)
    async with ControlServer(near, handle):
        with pytest.raises(ControlError) as caught:
            await client.ask("status")
        assert await client.ask("health") == {}

    assert caught.value.code is Code.INTERNAL_ERROR
    assert "password" not in str(caught.value)
    assert "control_request_failed" in caplog.text


@pytest.mark.asyncio
async def test_who_asked_for_what_nobody_knows_the_end_of_is_told_nothing(near):
    async def handle(_: Request) -> Reply:
        raise UnknownOutcomeError

    client = AsyncControlClient(near)
    async with ControlServer(near, handle):
        with pytest.raises(NoAnswerError, match="the outcome is unknown"):
            await client.ask("kill", {"agent_id": "g000-001"}, command_id="a", by="me")


@pytest.mark.asyncio
async def test_where_no_file_is_left_who_waits_is_let_in_later(near, caplog, monkeypatch):
    monkeypatch.setattr(server, "ACCEPT_AGAIN_S", 0.01)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async with ControlServer(near, Desk().handle):
        with Stranger(near) as stranger:
            stranger.say(b'{"op":"health"}\n')
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                for _ in range(5):
                    await asyncio.sleep(0)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert "control_accept_failed" in caplog.text
            assert (await AsyncControlClient(near).ask("health"))["seq"] == 7
            assert stranger.hear() is not None


# Its end


@pytest.mark.asyncio
async def test_what_is_in_hand_is_answered_and_what_waits_is_told_that_the_daemon_ends(near):
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def handle(_: Request) -> Reply:
        begun.set()
        await may_end.wait()
        return Reply({"done": True})

    async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
        await stack.enter_async_context(ControlServer(near, handle))
        with Stranger(near) as busy, Stranger(near) as idle:
            busy.say(kill() + b"\n" + kill() + b"\n")
            await begun.wait()
            closing = group.create_task(stack.aclose())
            await asyncio.sleep(0)
            assert not near.exists()
            may_end.set()
            await closing
            answers = [busy.hear(), busy.hear(), busy.hear()]
            idle.say(kill() + b"\n")
            assert idle.hear() is None

    assert answers[0] == {"ok": True, "result": {"done": True}}
    assert answers[1] is not None
    assert answers[1]["error"]["code"] == "draining"
    assert answers[2] is None


@pytest.mark.asyncio
async def test_a_request_that_does_not_end_keeps_no_daemon_from_ending(near):
    begun = asyncio.Event()

    async def handle(_: Request) -> Reply:
        begun.set()
        await asyncio.Event().wait()
        return Reply({})

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        async with ControlServer(near, handle, limits=HASTY):
            stranger.connect(str(near))
            stranger.sendall(kill() + b"\n")
            await begun.wait()
        assert stranger.recv(1) == b""

    assert not near.exists()


@pytest.mark.asyncio
async def test_it_does_not_take_away_what_is_no_longer_its_own(near):
    async with ControlServer(near, Desk().handle):
        near.unlink()
        near.write_text("somebody else's")

    assert near.read_text() == "somebody else's"


# Its place


def test_a_socket_that_a_dead_process_left_is_replaced(near):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(near))

    with serving(near, Desk().handle):
        assert ControlClient(near).ask("health")["seq"] == 7


def test_a_socket_on_which_somebody_listens_is_left_alone(near):
    with serving(near, Desk().handle):
        with pytest.raises(SocketTakenError):
            check_place(near)
        taken = pytest.raises(SocketTakenError, match=f"process {os.getpid()} listens")
        with taken, serving(near, Desk().handle):
            pass

        assert ControlClient(near).ask("health")["seq"] == 7


def _a_file(folder: Path) -> Path:
    (folder / "control.sock").write_text("notes")
    return folder / "control.sock"


@pytest.mark.parametrize(
    ("mode", "advice"), [(0o777, "chmod 700 "), (0o1777, "make one of your own")]
)
def test_nobody_is_told_to_take_a_shared_folder_from_the_others(mode, advice, tmp_path):
    tmp_path.chmod(mode)

    with pytest.raises(ValidationError, match=advice):
        make_socket(tmp_path / "control.sock")


def _a_link(folder: Path) -> Path:
    (folder / "control.sock").symlink_to(folder / "elsewhere")
    return folder / "control.sock"


def _a_linked_folder(folder: Path) -> Path:
    (folder / "link").symlink_to(folder)
    return folder / "link" / "control.sock"


def _an_open_folder(folder: Path) -> Path:
    folder.chmod(0o770)
    return folder / "control.sock"


def _a_long_path(folder: Path) -> Path:
    return folder / ("x" * PATH_MAX)


@pytest.mark.parametrize(
    "place", [_a_file, _a_link, _a_linked_folder, _an_open_folder, _a_long_path]
)
def test_a_place_that_is_not_safe_is_refused_and_names_the_key(place, tmp_path):
    path = place(tmp_path)
    before = sorted(tmp_path.iterdir())

    with pytest.raises(ValidationError, match=r"^daemon\.socket: "), serving(path, Desk().handle):
        pass
    with pytest.raises(ValidationError, match=r"^daemon\.socket: "):
        check_place(path)

    assert sorted(tmp_path.iterdir()) == before
