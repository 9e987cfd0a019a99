"""The web is a process that lives as long as it is wanted, and a page that any browser shows."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from actors.app.cli import cli
from actors.app.exits import ExitCode
from actors.app.http import listening, page_parts
from actors.app.http.listening import listen
from actors.app.http.server import WebServer
from actors.app.http.settings import WorkerSettings, worker_command
from actors.journal.chain import run_id_of
from actors.journal.reader import open_run
from arena.exceptions import ValidationError
from tests.app.http.raw_http import connect, hear, say


@pytest.fixture
def run(seen: Path) -> Iterator[Path]:
    yield seen
    structlog.reset_defaults()


def get(port: int, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode()


def wait_until_read(port: int) -> None:
    """Return when the run has been read to its end: it is shown from its newest snapshot on."""
    while True:
        status = say(port, get(port, "/api/v1/status"))
        if status.status == 200 and not json.loads(status.body)["behind"]:
            return


def test_the_process_serves_what_it_is_told_and_ends_with_whoever_told_it(run: Path) -> None:
    with listen("127.0.0.1:0") as listener:
        port = listener.getsockname()[1]
        settings = WorkerSettings(run=str(run), fd=listener.fileno(), port=port, nice=1)
        pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
        child = subprocess.Popen(worker_command(), pass_fds=[listener.fileno()], **pipes)
    assert child.stdin is not None
    assert child.stderr is not None
    child.stdin.write(settings.to_json().encode() + b"\n")
    child.stdin.flush()

    with child, connect(port) as stream:
        wait_until_read(port)
        status = say(port, get(port, "/api/v1/status"))
        stream.sendall(get(port, "/api/v1/stream"))
        began = hear(stream)
        child.stdin.close()
        said = child.stderr.read()
        code = child.wait()

    assert (status.status, began.status, code) == (200, 200, 0)
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["event"] for line in lines] == ["web_ready", "web_ended"]
    with open_run(run) as stored:
        assert {line["run_id"] for line in lines} == {run_id_of(stored.manifest())}


async def nobody(scope: object, receive: object, send: object) -> None:
    raise AssertionError("nobody asks")


@pytest.mark.asyncio
async def test_a_client_that_leaves_while_it_is_written_to_is_no_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.NOTSET, "asyncio")
    with listen("127.0.0.1:0") as listener:
        WebServer(nobody, listener)
    ours, theirs = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=ours)
    theirs.close()
    for _ in range(9):
        writer.write(b"more")
    writer.transport.abort()

    assert caplog.records == []


def test_settings_come_back_as_they_went() -> None:
    settings = WorkerSettings(run="r", fd=3, port=1, socket="s", hosts=("a", "b"))

    assert WorkerSettings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize("address", ["0.0.0.0:80", "10.1.2.3:80", "[::]:80", "localhost", ":80"])
def test_it_listens_on_this_machine_only(address: str) -> None:
    with pytest.raises(ValidationError, match="TLS proxy"):
        listen(address)


class Visitor(threading.Thread):
    """Looks at what `arena open` serves, and then presses Ctrl-C."""

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.heard: dict[str, Any] = {}

    def run(self) -> None:
        try:
            wait_until_read(self.port)
            for path in ("/", "/assets/page.css", "/assets/page.js", "/assets/page.py", "/metrics"):
                self.heard[path] = say(self.port, get(self.port, path))
            self.heard["pause"] = say(self.port, post(self.port))
        finally:
            os.kill(os.getpid(), signal.SIGINT)


def post(port: int) -> bytes:
    return (
        f"POST /api/v1/control/pause HTTP/1.1\r\nHost: localhost:{port}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    ).encode()


class Words(HTMLParser):
    """The words of a page, its tags, and what would run in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs)
        self.loads += [value for name, value in attrs if name in {"src", "href"}]

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            assert self.open, f"</{tag}> ends nothing"


def test_a_stored_run_is_opened_shown_and_left_with_ctrl_c(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor()

    def listen_and_tell(address: str) -> socket.socket:
        found = listen(address)
        visitor.port = found.getsockname()[1]
        visitor.start()
        return found

    monkeypatch.setattr(listening, "listen", listen_and_tell)
    answer = CliRunner().invoke(cli, ["open", str(run), "--json"])
    visitor.join()

    assert answer.exit_code == ExitCode.OK, answer.output
    assert json.loads(answer.stdout)["url"] == f"http://127.0.0.1:{visitor.port}/"
    heard = visitor.heard
    assert [each.status for each in heard.values()] == [200, 200, 200, 404, 200, 403]
    assert heard["pause"].code == "control_disabled"
    page = heard["/"].body.decode()
    words = Words(page)
    assert {"/assets/page.css", "/assets/page.js"} <= {*words.loads}
    assert not re.search(r"<script>|<style>|javascript:", page)
    for each in ("seen", "balanced", "ready", "40 of 40", "RunCompleted"):
        assert each in page


def test_a_port_that_is_taken_is_said_to_be(run: Path) -> None:
    with listen("127.0.0.1:0") as taken:
        port = taken.getsockname()[1]
        answer = CliRunner().invoke(cli, ["open", str(run), "--port", str(port)])

    assert answer.exit_code == ExitCode.LOCKED
    assert f"127.0.0.1:{port} already" in answer.stderr


def test_a_run_that_is_none_is_not_opened(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["open", str(tmp_path)]).exit_code == ExitCode.DATA


def test_every_word_of_a_page_is_escaped() -> None:
    row = {"rank": 1, "agent": "<b>", "strategy": "&", "tier": None, "layer": '"', "fitness": None}
    entry = {"seq": 1, "timestamp": "<i>", "type": "<u>", "agent": "'", "data": {"<s>": "\x1b"}}

    shown = page_parts.leaders([{**row, "return": 0.1, "life_return": 0.0, "equity": 0}])
    shown += page_parts.events([entry]) + page_parts.waiting("<img>")

    assert not re.search("<[bius]>|<img", shown)
    assert "\x1b" not in shown
    assert "&lt;b&gt;" in shown
    assert "+10.0%" in shown  # Of the record that ranks it, as everywhere else.
