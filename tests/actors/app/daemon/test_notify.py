"""Whoever wants to be told is told, and neither silence nor anger costs the run a thing."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from actors.app.daemon import notify
from actors.app.daemon.notices import Notice, notices_of
from actors.app.daemon.notify import Notifier
from actors.app.daemon.webhook import post
from actors.journal.chain import Entry, Head, link
from actors.runtime import ManualClock
from actors.testing.examples import LIFE, TIME
from arena.events import (
    AgentKilled,
    AgentQuarantined,
    CapitalConservationCheck,
    Event,
    RunCompleted,
    TradingHalted,
)
from arena.exceptions import ValidationError
from arena.ids import AgentId, RunId
from arena.words import ALL, ARENA_SCOPE, Layer

WITHIN_S = 20.0
ALL_OF_IT = ("panic", "invariant", "quarantine", "run_end", "kill", "halt")


@dataclass
class Table:
    """What `[[notify]]` says."""

    url_file: str | None = None
    url_env: str | None = "HOOK"
    on: tuple[str, ...] = ALL_OF_IT
    per_minute: int = 600


@dataclass
class Hook:
    """A server that keeps what it is told, and answers what it has been given to answer."""

    answers: list[int] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    hang: threading.Event | None = None
    url: str = ""

    def take(self, body: bytes) -> int:
        if self.hang is not None:
            self.hang.wait(WITHIN_S)
        status = self.answers.pop(0) if self.answers else 204
        if status == 204:
            self.told.append(json.loads(body))
        return status


@pytest.fixture
def hook() -> Iterator[Hook]:
    known = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # so it is called
            status = known.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{known.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            del words

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        known.url = f"http://127.0.0.1:{server.server_port}/secret-canary"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield known
        if known.hang is not None:
            known.hang.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "BACKOFF_S", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def notifier(hook: Hook, tmp_path: Path) -> Iterator[Callable[..., Notifier]]:
    made: list[Notifier] = []

    def make(*tables: Table, **options: Any) -> Notifier:
        words = {"HOOK": hook.url} | options.pop("environ", {})
        one = Notifier(tables or (Table(),), run="r-1", folder=tmp_path, environ=words, **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def entries_of(events: list[Event]) -> list[Entry]:
    head, entries = Head(6, "0" * 64), []
    for event in events:
        entry = link(
            head,
            RunId("r-1"),
            event,
            timestamp=TIME,
            command_id="c",
            caused_by=None,
        )
        head = Head(entry.seq, entry.hash)
        entries.append(entry)
    return entries


def example(kind: type, **changes: Any) -> Any:
    return replace(next(event for event in LIFE if type(event) is kind), **changes)


def killed(n: int, layer: Layer = Layer.ARENA) -> AgentKilled:
    return example(AgentKilled, agent_id=AgentId(f"g000-{n:03d}"), layer=layer, rule="dd50")


def test_one_commit_makes_one_notice_of_a_kind() -> None:
    events: list[Event] = [killed(n) for n in range(1, 8)]
    events += [killed(9, Layer.SIMULATION), example(RunCompleted, ticks=3, cycles=1)]

    assert notices_of(entries_of(events), events) == [
        Notice(
            "kill",
            13,
            "7 killed in the arena: g000-001 (dd50), g000-002 (dd50), g000-003 (dd50), "
            "g000-004 (dd50), g000-005 (dd50) and 2 more",
        ),
        Notice("run_end", 15, "the run has ended after 3 ticks, 1 cycles"),
    ]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (example(TradingHalted, scope=ALL), "panic"),
        (example(TradingHalted, scope=ARENA_SCOPE), "halt"),
        (example(AgentQuarantined), "quarantine"),
        (example(CapitalConservationCheck, real_sum=1), "invariant"),
        (example(CapitalConservationCheck, rows_agree=False), "invariant"),
        (example(CapitalConservationCheck, real_sum=0, virtual_sum=0, rows_agree=True), None),
        (killed(1, Layer.PROVING), None),
    ],
)
def test_what_is_worth_a_notice(event: Event, kind: str | None) -> None:
    told = notices_of(entries_of([event]), [event])

    assert [notice.event for notice in told] == ([kind] if kind else [])


def test_a_message_says_what_happened_where_and_where_to_look(
    hook: Hook, notifier: Callable[..., Notifier]
) -> None:
    one = notifier(link="http://127.0.0.1:8420/")
    one.tell("invariant", 41, "two\nlines")

    assert one.flush(WITHIN_S)
    assert hook.told == [
        {
            "event": "invariant",
            "run": "r-1",
            "seq": 41,
            "text": "two lines",
            "link": "http://127.0.0.1:8420/",
        }
    ]


def test_each_is_told_of_what_it_asked_for(hook: Hook, notifier: Callable[..., Notifier]) -> None:
    one = notifier(Table(on=("kill",)), Table(on=("run_end",)))
    events: list[Event] = [killed(1), example(RunCompleted), example(AgentQuarantined)]
    one.committed(entries_of(events), events)

    assert one.flush(WITHIN_S)
    assert [told["event"] for told in hook.told] == ["kill", "run_end"]


def test_what_is_too_much_is_counted_and_the_last_place_is_for_what_is_urgent(
    hook: Hook, notifier: Callable[..., Notifier]
) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    one = notifier(Table(per_minute=3), clock=clock)
    for seq in range(5):
        one.tell("kill", seq, "k")
    one.tell("panic", 5, "p")
    one.tell("panic", 6, "p")
    assert one.flush(WITHIN_S)
    clock.advance(61)
    one.tell("kill", 7, "k")

    assert one.flush(WITHIN_S)
    assert [(told["seq"], told["text"]) for told in hook.told] == [
        (0, "k"),
        (1, "k"),
        (5, "p (3 more before this could not be told)"),
        (7, "k (1 more before this could not be told)"),
    ]


def test_a_server_that_breaks_is_asked_again(hook: Hook, notifier: Callable[..., Notifier]) -> None:
    hook.answers = [500, 503]
    one = notifier()
    one.tell("panic", 1, "p")

    assert one.flush(WITHIN_S)
    assert [told["seq"] for told in hook.told] == [1]


def test_one_that_refuses_or_sends_us_elsewhere_is_not(
    hook: Hook, notifier: Callable[..., Notifier]
) -> None:
    hook.answers = [404, 302, 500, 500, 500]
    one = notifier()
    for seq in range(4):
        one.tell("panic", seq, "p")

    assert one.flush(WITHIN_S)
    assert hook.answers == []
    assert [told["text"] for told in hook.told] == ["p (3 more before this could not be told)"]


def test_one_that_is_down_costs_nothing_and_its_address_is_in_no_log(
    notifier: Callable[..., Notifier], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    one = notifier(environ={"HOOK": f"http://user:canary@127.0.0.1:{port}/canary"})
    caplog.set_level("DEBUG")
    one.tell("panic", 1, "p")

    assert one.flush(WITHIN_S)
    assert caplog.text.count("ConnectError") == notify.TRIES
    assert "canary" not in caplog.text


def test_where_no_connection_can_be_made_the_next_one_is_tried_all_the_same(
    hook: Hook, notifier: Callable[..., Notifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = notifier(Table(on=("panic",)))
    with monkeypatch.context() as broken:
        broken.setenv("SSL_CERT_FILE", "/nowhere")
        teller.tell("panic", 1, "one")
        assert teller.flush(30)
    teller.tell("panic", 2, "two")
    assert teller.flush(30)

    assert [each["seq"] for each in hook.told] == [2]


def test_one_that_hangs_holds_nobody_up(
    hook: Hook, notifier: Callable[..., Notifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.hang = threading.Event()
    monkeypatch.setattr(notify, "QUEUE_MAX", 4)
    one = notifier()
    for seq in range(50):
        one.tell("kill", seq, "k")

    assert not one.flush(0.01)
    hook.hang.set()
    assert one.flush(WITHIN_S)
    one.tell("panic", 99, "p")
    assert one.flush(WITHIN_S)
    left_out = [int(n) for told in hook.told for n in re.findall(r"\((\d+) more", told["text"])]
    assert len(hook.told) + sum(left_out) == 51
    assert left_out


def test_one_that_never_answers_is_given_up(
    hook: Hook, notifier: Callable[..., Notifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.hang = threading.Event()
    monkeypatch.setattr(notify, "TIMEOUT_S", 0.02)
    one = notifier()
    one.tell("panic", 1, "p")

    assert one.flush(WITHIN_S)
    assert hook.told == []


def test_after_a_reload_others_are_told_and_a_bad_reload_changes_nothing(
    hook: Hook, notifier: Callable[..., Notifier]
) -> None:
    one = notifier(Table(on=("kill",)))
    with pytest.raises(ValidationError, match="no such variable"):
        one.replace([Table(url_env="NOWHERE")])
    one.tell("kill", 1, "k")
    assert one.flush(WITHIN_S)
    one.replace([Table(on=("panic",))])
    one.tell("kill", 2, "k")

    assert one.flush(WITHIN_S)
    assert [told["seq"] for told in hook.told] == [1]


def test_what_cannot_be_told_for_want_of_httpx_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "find_spec", lambda _: None)

    with pytest.raises(ValidationError, match="no httpx"):
        Notifier([Table()], run="r", folder=tmp_path)
    Notifier([], run="r", folder=tmp_path).close()


def test_the_address_may_stand_in_a_file_that_is_nobody_elses(
    hook: Hook, notifier: Callable[..., Notifier], tmp_path: Path
) -> None:
    secret = tmp_path / "hook"
    secret.write_text(f"{hook.url}\n")
    secret.chmod(0o600)
    one = notifier(Table(url_file="hook", url_env=None))
    one.tell("panic", 1, "p")

    assert one.flush(WITHIN_S)
    assert len(hook.told) == 1


@pytest.mark.parametrize(
    ("content", "mode", "fault"),
    [
        ("http://127.0.0.1/canary", 0o644, "mode 0644"),
        ("http://127.0.0.1/canary", 0o602, "chmod 600"),
        ("canary", 0o600, "a URL, http or https"),
        ("ftp://canary/", 0o600, "a URL, http or https"),
        ("http://[canary/", 0o600, "a URL, http or https"),
        ("http://a b/canary", 0o600, "a URL, http or https"),
        (None, 0o600, "No such file"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_shown(
    tmp_path: Path, content: str | None, mode: int, fault: str
) -> None:
    if content is not None:
        (tmp_path / "hook").write_text(content)
        (tmp_path / "hook").chmod(mode)

    with pytest.raises(ValidationError, match=fault) as refused:
        Notifier([Table(url_file="hook", url_env=None)], run="r", folder=tmp_path)

    assert "canary" not in str(refused.value)


def test_an_answer_that_comes_letter_by_letter_is_not_waited_for() -> None:
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 204 No Content\r\nX: ")
            while not over.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        slow = threading.Thread(target=drip, args=[listener], daemon=True)
        slow.start()
        told = post(f"http://127.0.0.1:{listener.getsockname()[1]}/", {}, within_s=0.2)
        over.set()
        slow.join(WITHIN_S)

    assert told == ("RemoteProtocolError", True)


def test_nobody_waits_for_an_address_on_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hook", 0o600)

    with pytest.raises(ValidationError, match="no regular file"):
        Notifier([Table(url_file="hook", url_env=None)], run="r", folder=tmp_path)
