"""Nobody gets in who should not, and nobody who tries learns anything or breaks anything."""

from __future__ import annotations

import asyncio
import contextlib
import json
import select
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.app.control.client import AsyncControlClient
from actors.app.control.requests import Op, Reply, Request
from actors.app.control.server import ControlServer
from actors.app.http.limits import Limits
from actors.app.http.problems import install
from actors.app.http.refusals import SECURITY_HEADERS
from actors.app.http.routes_control import control_router
from actors.app.http.tokens import Tokens
from actors.app.log import configure_log
from tests.app.http.raw_http import Heard, connect, hear, say, served

TOKEN = "t0ken-" + "x" * 40
LIMITS = Limits(header_s=0.3, body_s=0.3, stall_s=0.4, connections_max=12, failures_max=10**6)
"""Slow is a third of a second here, so that the tests are not."""

HEAD = {"Host": "{host}"}
CHANGE = {
    **HEAD,
    "Authorization": f"Bearer {TOKEN}",
    "Content-Type": "application/json",
    "Idempotency-Key": "key-1",
}
"""What a good question and a good change say of themselves."""


def asks(method: str = "GET", path: str = "/api/v1/status", **headers: str | None) -> bytes:
    """Return a question that is good but for `headers`; None leaves one out."""
    return request(method, path, HEAD, headers)


def wants(path: str = "pause", body: bytes = b"{}", **headers: str | None) -> bytes:
    """Return a change that is good but for `path`, `body` and `headers`."""
    length = {"Content-Length": str(len(body))}
    return request("POST", f"/api/v1/control/{path}", CHANGE | length, headers) + body


def request(method: str, path: str, usual: dict[str, str], other: dict[str, str | None]) -> bytes:
    said = {**usual, **{name.replace("_", "-"): value for name, value in other.items()}}
    lines = [f"{name}: {value}" for name, value in said.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")


HUGE = b'{"reason": "' + b"x" * 70_000 + b'"}'
CHUNKED = {"Transfer_Encoding": "chunked", "Content_Length": None}
DEEP = b'{"reason": ' + b"[" * 40 + b"]" * 40 + b"}"

HOSTILE: dict[str, tuple[bytes, int, str | None]] = {
    # Who is asked
    "another host": (asks(Host="evil.example"), 421, "wrong_host"),
    "another host on our port": (asks(Host="evil.example:{port}"), 421, "wrong_host"),
    "our host on another port": (asks(Host="127.0.0.1:1"), 421, "wrong_host"),
    "our host without a port": (asks(Host="127.0.0.1"), 421, "wrong_host"),
    "a host with a dot at its end": (asks(Host="localhost.:{port}"), 421, "wrong_host"),
    "a host that ends like ours": (asks(Host="xlocalhost:{port}"), 421, "wrong_host"),
    "a host in a decimal number": (asks(Host="2130706433:{port}"), 421, "wrong_host"),
    "the host of everywhere": (asks(Host="0.0.0.0:{port}"), 421, "wrong_host"),
    "a host with a user": (asks(Host="me@{host}"), 421, "wrong_host"),
    "two hosts in one": (asks(Host="{host}, evil.example"), 421, "wrong_host"),
    "an empty host": (asks(Host=""), 421, "wrong_host"),
    "no host": (asks(Host=None), 421, "wrong_host"),
    "no host, as of old": (b"GET / HTTP/1.0\r\n\r\n", 421, "wrong_host"),
    "the host twice": (asks(hOST="{host}"), 421, "wrong_host"),
    "another host in the target": (asks(path="http://evil.example/"), 404, "not_found"),
    "a forwarded host": (asks(Host="evil", X_Forwarded_Host="{host}"), 421, "wrong_host"),
    # Who asks
    "another origin": (asks(Origin="http://evil.example"), 403, "foreign_origin"),
    "no origin that can be named": (asks(Origin="null"), 403, "foreign_origin"),
    "an origin on another port": (asks(Origin="http://127.0.0.1:1"), 403, "foreign_origin"),
    "an origin without a scheme": (asks(Origin="{host}"), 403, "foreign_origin"),
    "another origin for a change": (wants(Origin="http://evil"), 403, "foreign_origin"),
    "two origins": (
        asks(Origin="http://{host}", oRIGIN="http://{host}"),
        403,
        "foreign_origin",
    ),
    "another site": (asks(Sec_Fetch_Site="cross-site"), 403, "foreign_origin"),
    "another site in capitals": (asks(Sec_Fetch_Site="Cross-Site"), 403, "foreign_origin"),
    "a preflight": (
        asks("OPTIONS", "/api/v1/control/pause", Access_Control_Request_Method="POST"),
        405,
        "method_not_allowed",
    ),
    # What is wanted
    "PUT": (asks("PUT"), 405, "method_not_allowed"),
    "DELETE": (asks("DELETE"), 405, "method_not_allowed"),
    "PATCH": (asks("PATCH"), 405, "method_not_allowed"),
    "TRACE": (asks("TRACE"), 405, "method_not_allowed"),
    "CONNECT": (asks("CONNECT", "evil.example:443"), 405, "method_not_allowed"),
    "a method of nobody": (asks("BREW"), 405, "method_not_allowed"),
    "get in small letters": (asks("get"), 405, "method_not_allowed"),
    "a change by GET": (asks(path="/api/v1/control/pause"), 405, "method_not_allowed"),
    "a change by HEAD": (asks("HEAD", "/api/v1/control/pause"), 405, None),
    "another method in a header": (
        asks(path="/api/v1/control/pause", X_HTTP_Method_Override="POST"),
        405,
        "method_not_allowed",
    ),
    "the head of a stream": (asks("HEAD", "/api/v1/stream"), 405, None),
    "an upgrade": (asks(Upgrade="websocket", Connection="Upgrade"), 200, None),
    # Where
    "up": (asks(path="/api/v1/../../etc/passwd"), 404, "not_found"),
    "up in disguise": (asks(path="/api/v1/%2e%2e/%2E%2e/etc/passwd"), 404, "not_found"),
    "up with a hidden slash": (asks(path="/assets/..%2f..%2fetc/passwd"), 404, "not_found"),
    "up in double disguise": (asks(path="/assets/%252e%252e/x"), 404, "not_found"),
    "up with a backslash": (asks(path="/assets/..%5c..%5cx"), 404, "not_found"),
    "a null byte": (asks(path="/api/v1/status%00.json"), 404, "not_found"),
    "a line end": (asks(path="/api/v1/status%0d%0aX: y".replace(" ", "")), 404, "not_found"),
    "bytes that are no text": (asks(path="/api/v1/%ff%fe"), 404, "not_found"),
    "two slashes": (asks(path="//api/v1/status"), 404, "not_found"),
    "a path of megabytes": (asks(path="/" + "x" * 9_000), 414, "target_too_long"),
    "a long query": (asks(path="/api/v1/status?q=" + "x" * 9_000), 414, "target_too_long"),
    "an asset that is not there": (asks(path="/assets/guard.py"), 404, "not_found"),
    # How much
    "many headers": (
        asks(**{f"X{n}": "y" for n in range(120)}),
        431,
        "headers_too_large",
    ),
    "a long header": (asks(X_Long="x" * 17_000), 431, "headers_too_large"),
    "a header without end": (
        b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000,
        431,
        "headers_too_large",
    ),
    "a large body": (wants(body=HUGE), 413, "body_too_large"),
    "a large body in chunks": (
        wants(body=b"12000\r\n" + b"x" * 0x12000 + b"\r\n0\r\n\r\n", **CHUNKED),
        413,
        "body_too_large",
    ),
    "a body that is said to be large": (
        wants(Content_Length="99999999999999"),
        413,
        "body_too_large",
    ),
    # How
    "a compressed body": (wants(Content_Encoding="gzip"), 415, "unsupported_encoding"),
    "a form": (
        wants(Content_Type="application/x-www-form-urlencoded"),
        415,
        "unsupported_media_type",
    ),
    "plain text": (wants(Content_Type="text/plain"), 415, "unsupported_media_type"),
    "a body of no kind": (wants(Content_Type=None), 415, "unsupported_media_type"),
    "a body with a question": (asks(Content_Length="2") + b"{}", 400, "unexpected_body"),
    "chunks with a question": (
        asks(Transfer_Encoding="chunked") + b"0\r\n\r\n",
        400,
        "unexpected_body",
    ),
    "two lengths of a body": (wants(**{"content-length": "7"}), 400, "bad_request"),
    "a length and chunks": (
        wants(body=b"0\r\n\r\n", Transfer_Encoding="chunked"),
        400,
        "bad_request",
    ),
    "a length below nothing": (wants(Content_Length="-1"), 400, "bad_request"),
    "a length of thousands of digits": (
        wants(Content_Length="9" * 5_000),
        400,
        "bad_request",
    ),
    "a chunk of thousands of digits": (
        wants(body=b"f" * 5_000 + b"\r\n", **CHUNKED),
        400,
        "bad_request",
    ),
    "chunks in chunks": (
        wants(Transfer_Encoding="chunked, chunked", Content_Length=None),
        400,
        "bad_request",
    ),
    "a chunk without a length": (wants(body=b"zz\r\n", **CHUNKED), 400, "bad_request"),
    "a space before the colon": (asks(**{"X-Y ": "z"}), 400, "bad_request"),
    "a null byte in a header": (asks(X_Y="a\0b"), 400, "bad_request"),
    "HTTP of the future": (b"GET / HTTP/2.0\r\nHost: {host}\r\n\r\n", 400, "bad_request"),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad_request"),
    "HTTP/2 straight away": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request"),
    # Who may change something
    "no token": (wants(Authorization=None), 401, "unauthorized"),
    "a wrong token": (wants(Authorization="Bearer " + "x" * 46), 401, "unauthorized"),
    "a token too short": (wants(Authorization="Bearer " + TOKEN[:-1]), 401, "unauthorized"),
    "an empty token": (wants(Authorization="Bearer "), 401, "unauthorized"),
    "a token of another scheme": (wants(Authorization=f"Basic {TOKEN}"), 401, "unauthorized"),
    "a token without a scheme": (wants(Authorization=TOKEN), 401, "unauthorized"),
    "a token that is no ASCII": (wants(Authorization="Bearer \xe9" * 9), 401, "unauthorized"),
    "a token in the query": (
        wants(f"pause?token={TOKEN}&access_token={TOKEN}", Authorization=None),
        401,
        "unauthorized",
    ),
    "a token in a cookie": (
        wants(Authorization=None, Cookie=f"token={TOKEN}"),
        401,
        "unauthorized",
    ),
    "two tokens": (
        wants(authorization=f"Bearer {TOKEN}"),
        401,
        "unauthorized",
    ),
    # What is to be changed
    "no key": (wants(Idempotency_Key=None), 400, "bad_idempotency_key"),
    "an empty key": (wants(Idempotency_Key=""), 400, "bad_idempotency_key"),
    "a long key": (wants(Idempotency_Key="k" * 65), 400, "bad_idempotency_key"),
    "a key with a path in it": (wants(Idempotency_Key="../../x"), 400, "bad_idempotency_key"),
    "two keys": (wants(**{"idempotency-key": "key-2"}), 400, "bad_idempotency_key"),
    "an unknown change": (wants("drop-tables"), 404, "not_found"),
    "a question as a change": (wants("status"), 404, "not_found"),
    "no JSON": (wants(body=b"{reason: 1}"), 400, "bad_request"),
    "a list": (wants(body=b"[]"), 400, "bad_request"),
    "a number": (wants(body=b"1"), 400, "bad_request"),
    "the same key twice": (wants(body=b'{"reason":"a","reason":"b"}'), 400, "bad_request"),
    "no number": (wants("stop", b'{"drain_s": NaN}'), 400, "bad_request"),
    "an infinite number": (wants("stop", b'{"drain_s": Infinity}'), 400, "bad_request"),
    "a number beyond doubles": (wants("stop", b'{"drain_s": 1e400}'), 400, "bad_request"),
    "a whole number of thousands of digits": (
        wants("stop", b'{"drain_s": ' + b"9" * 5_000 + b"}"),
        400,
        "bad_request",
    ),
    "a number below nothing": (wants("stop", b'{"drain_s": -1}'), 400, "bad_request"),
    "lists in lists": (wants(body=DEEP), 400, "bad_request"),
    "half of a character": (wants(body=b'{"reason":"\\ud800"}'), 400, "bad_request"),
    "bytes for a text": (wants(body=b'{"reason":"\xff"}'), 400, "bad_request"),
    "a forged line of the log": (wants(body=b'{"reason":"a\\nb"}'), 400, "bad_request"),
    "an escape sequence": (wants(body=b'{"reason":"\\u001b[2J"}'), 400, "bad_request"),
    "a long reason": (wants(body=b'{"reason":"' + b"x" * 501 + b'"}'), 400, "bad_request"),
    "another name for who asks": (wants(body=b'{"by":"root"}'), 400, "bad_request"),
    "an unknown key": (wants(body=b'{"sudo":true}'), 400, "bad_request"),
    "an agent that is a path": (wants("kill", b'{"agent_id":"../x"}'), 400, "bad_request"),
    "nobody": (wants("kill"), 400, "bad_request"),
    "a strategy that is a module": (wants("spawn", b'{"strategy":"os.path"}'), 400, "bad_request"),
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("daemon")
    folder.chmod(0o700)

    async def handle(request: Request) -> Reply:
        return Reply({"op": str(request.op), "by": request.by, "reason": request.reason})

    @contextlib.asynccontextmanager
    async def daemon() -> AsyncIterator[FastAPI]:
        async with ControlServer(folder / "control.sock", handle) as control:
            yield application(control.path)

    configure_log("error,json")
    try:
        with served(daemon, hosts=("arena.example",), limits=LIMITS) as found:
            yield found
    finally:
        structlog.reset_defaults()


def application(control: Path) -> FastAPI:
    """Return an application with changes as they are, and questions that cost much."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    install(app)
    tokens = Tokens(TOKEN.encode(), limits=LIMITS)
    app.include_router(control_router(AsyncControlClient(control), tokens))

    @app.get("/api/v1/status")
    async def status() -> dict[str, Any]:
        return {"state": "running"}

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret of the house")

    @app.get("/api/v1/stream")
    async def stream() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            while True:
                yield b": " + b"x" * 8192 + b"\n\n"
                await asyncio.sleep(0)

        return StreamingResponse(lines(), media_type="text/event-stream")

    return app


def to(port: int, said: bytes) -> Heard:
    host = f"127.0.0.1:{port}".encode()
    return say(port, said.replace(b"{host}", host).replace(b"{port}", b"%d" % port))


def good(port: int) -> bool:
    """Say whether a good question and a good change are answered."""
    changed = to(port, wants(body=b'{"reason":"why"}'))
    said = {"op": "pause", "by": "http", "reason": "why"}
    asked = to(port, asks(Origin="http://{host}", Sec_Fetch_Site="same-origin"))
    return asked.status == 200 and changed.status == 200 and json.loads(changed.body) == said


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_request_is_turned_away(case: str, port: int) -> None:
    said, status, code = HOSTILE[case]

    heard = to(port, said)

    assert (heard.status, heard.code) == (status, code), heard
    for name, value in SECURITY_HEADERS:
        assert heard.headers[name.decode()] == value.decode()
    assert not {"server", "set-cookie"} & heard.headers.keys()
    assert not any(name.startswith("access-control") for name in heard.headers)
    assert TOKEN.encode() not in heard.body


def test_there_are_more_than_sixty_of_them_and_a_good_request_is_still_answered(port: int) -> None:
    assert len(HOSTILE) > 60
    assert good(port)


@pytest.mark.parametrize(
    "said",
    [
        asks(Host="LOCALHOST:{port}"),
        asks(Host="[::1]:{port}"),
        asks(Host="arena.example", Origin="https://arena.example"),
        asks(Host="arena.example:443", Sec_Fetch_Site="same-origin"),
        asks("HEAD"),
        asks(path="/api/v1/status?q=%2e%2e"),
        wants(Content_Type="Application/JSON; charset=utf-8"),
        wants(Authorization=f"bearer {TOKEN}", body=b""),
        wants(body=b"2\r\n{}\r\n0\r\n\r\n", **CHUNKED),
        wants("kill", b'{"agent_id": "g000-001", "reason": "\xc3\xa9"}'),
    ],
)
def test_whoever_is_welcome_gets_in(said: bytes, port: int) -> None:
    assert to(port, said).status == 200


def test_every_change_is_described_with_its_token_and_its_key(tmp_path: Path) -> None:
    document = application(tmp_path / "control.sock").openapi()

    described = {path: each["post"] for path, each in document["paths"].items() if "post" in each}
    assert {*described} == {f"/api/v1/control/{op}" for op in Op if op.changes}
    for each in described.values():
        assert each["security"] == [{"token": []}]
        assert [name["name"] for name in each["parameters"]] == ["Idempotency-Key"]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_what_breaks_within_is_no_matter_of_who_asked(port: int) -> None:
    heard = to(port, asks(path="/broken"))

    assert (heard.status, heard.code) == (500, "internal_error")
    assert b"secret" not in heard.body
    assert b"Traceback" not in heard.body


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"", "headers_too_slow"),
        (b"GET /api/v1/status HTTP/1.1\r\nHost: {host}\r\nX-Slow: l", "headers_too_slow"),
        (wants(body=b"{", Content_Length="2"), "body_too_slow"),
        (wants(body=b"1\r\n{\r\n", **CHUNKED), "body_too_slow"),
    ],
    ids=["nothing", "headers that do not end", "a body that does not end", "chunks without end"],
)
def test_whoever_is_slow_is_told_and_left(said: bytes, code: str, port: int) -> None:
    heard = to(port, said)

    assert (heard.status, heard.code) == (408, code)


def test_a_header_that_drips_is_as_late_as_one_that_does_not_come(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        with contextlib.suppress(ConnectionError):
            while not heard_something(connection, within_s=0.02):
                connection.sendall(b"x")

        assert hear(connection).code == "headers_too_slow"


def test_a_connection_that_is_kept_has_its_next_header_in_time_too(port: int) -> None:
    question = asks().replace(b"{host}", f"127.0.0.1:{port}".encode())
    with connect(port) as connection:
        connection.sendall(question)
        first = hear(connection)
        connection.sendall(question + question[:20])
        second = hear(connection)
        third = hear(connection)

    assert [first.status, second.status, third.status] == [200, 200, 408]


def test_a_reader_who_does_not_read_is_cut_off(port: int) -> None:
    with connect(port) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(asks(path="/api/v1/stream").replace(b"{host}", b"localhost:%d" % port))
        with pytest.raises(ConnectionResetError):
            wait_for_an_error(connection)

    assert good(port)


def test_whoever_comes_when_all_connections_are_taken_is_told_so(port: int) -> None:
    with contextlib.ExitStack() as held:
        first = [held.enter_context(connect(port)) for _ in range(LIMITS.connections_max)]
        one_more = say(port, b"")
        heard = [hear(connection) for connection in first]

    assert (one_more.status, one_more.code) == (503, "too_many_connections")
    assert one_more.headers["retry-after"] == "1"
    assert {each.code for each in heard} <= {"headers_too_slow", "too_many_connections"}
    assert good(port)


def heard_something(connection: socket.socket, within_s: float) -> bool:
    """Say whether there is something to read; it is not read."""
    connection.settimeout(within_s)
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except TimeoutError:
        return False
    finally:
        connection.settimeout(20)


def wait_for_an_error(connection: socket.socket) -> None:
    """Raise what became of the connection; what waits to be read is not read."""
    waiting = select.poll()
    waiting.register(connection, select.POLLERR)
    waiting.poll(20_000)
    error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, "the connection is no more")


PIECES = st.sampled_from(
    [
        b"GET ",
        b"POST ",
        b"/api/v1/status",
        b"/",
        b"?",
        b" HTTP/1.1",
        b"\r\n",
        b"\n",
        b"\x00",
        b": ",
        b"Host: localhost:1\r\n",
        b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n",
        b"{",
        b"9",
    ]
)


@given(said=st.lists(PIECES | st.binary(max_size=20), max_size=40).map(b"".join))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_bytes_at_all_break_it(said: bytes, port: int) -> None:
    heard = say(port, said + b"\r\n\r\n")

    assert heard.status in {200, 400, 403, 404, 405, 408, 413, 414, 415, 421, 431}, heard


def test_after_all_of_it_a_good_request_is_answered(port: int) -> None:
    assert good(port)
