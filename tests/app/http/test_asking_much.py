"""Whoever asks much gets an answer in time or a problem, and the writer is asked little."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from actors.app.control.errors import Code, ControlError
from actors.app.http.heavy import UNDER_WAY_MAX, Heavy
from actors.app.http.problems import ProblemError
from actors.app.http.source import Readers, Source
from actors.app.http.writer import NOBODY, Writer

pytestmark = pytest.mark.asyncio


@pytest.fixture
def heavy(seen):
    heavy = Heavy(Readers(Source(seen)), deadline_s=0.3)
    yield heavy
    heavy.close()


async def test_an_answer_that_takes_too_long_is_a_problem_and_the_work_ends(heavy):
    ended = threading.Event()

    def ask(run, until):
        try:
            for _ in until.each(iter(int, 1)):
                pass
        finally:
            ended.set()

    with pytest.raises(ProblemError) as caught:
        await heavy.run(ask)

    assert (caught.value.status, caught.value.code) == (503, "too_slow")
    assert ended.wait(5)
    assert await heavy.run(lambda run, until: run.head().seq) > 0


async def test_no_more_than_a_few_may_wait(heavy):
    go = threading.Event()
    async with asyncio.TaskGroup() as group:
        asked = [heavy.run(lambda run, until: go.wait(5)) for _ in range(UNDER_WAY_MAX)]
        tasks = [group.create_task(each) for each in asked]
        await asyncio.sleep(0)
        with pytest.raises(ProblemError) as caught:
            await heavy.run(lambda run, until: None)
        go.set()

    assert (caught.value.status, caught.value.code) == (503, "busy")
    assert caught.value.retry_s
    assert all(task.result() is True for task in tasks)


class Daemon:
    """Answers when it is let, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.let = asyncio.Event()
        self.error: Exception | None = None

    async def ask(self, op):
        self.asked += 1
        await self.let.wait()
        if self.error is not None:
            raise self.error
        return {"op": op}


async def test_however_many_want_to_know_the_writer_is_asked_once():
    daemon = Daemon()
    writer = Writer(daemon)
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(writer.ask("status")) for _ in range(20)]
        await asyncio.sleep(0)
        asking[0].cancel()
        daemon.let.set()
    again = await writer.ask("status")

    assert daemon.asked == 1
    assert [each.result().result for each in asking[1:]] == [{"op": "status"}] * 19
    assert again.result == {"op": "status"}


async def test_what_the_writer_refuses_or_breaks_on_is_a_note():
    assert (await Writer(None).ask("status")).note == NOBODY
    for error, note in (
        (ControlError(Code.DRAINING, "it is about to end"), "it is about to end"),
        (OSError("no room"), "no room"),
        (KeyError("bug"), "asking the daemon broke: KeyError('bug')"),
    ):
        daemon = Daemon()
        daemon.error = error
        daemon.let.set()
        said = await Writer(daemon).ask("status")
        assert (said.result, said.note) == (None, note)


async def test_nobody_waits_long_for_a_writer_that_is_silent(monkeypatch):
    monkeypatch.setattr("actors.app.http.writer.PATIENCE_S", 0.01)
    daemon = Daemon()

    said = await Writer(daemon).ask("status")

    assert said.result is None
    assert "did not answer" in said.note
    daemon.let.set()


async def test_while_the_writer_is_busy_its_last_answer_is_given_until_that_is_old(monkeypatch):
    monkeypatch.setattr("actors.app.http.writer.FRESH_S", 0.0)
    monkeypatch.setattr("actors.app.http.writer.PATIENCE_S", 0.01)
    daemon = Daemon()
    writer = Writer(daemon)
    daemon.let.set()
    first = await writer.ask("status")
    daemon.let.clear()

    assert await writer.ask("status") == first
    monkeypatch.setattr("actors.app.http.writer.NOTED_S", 0.0)
    assert await writer.ask("status") == replace(
        first, note="the daemon said so 0 s ago, and is busy"
    )
    monkeypatch.setattr("actors.app.http.writer.STALE_S", 0.0)
    assert "did not answer" in (await writer.ask("status")).note
    assert daemon.asked == 2
    daemon.let.set()
