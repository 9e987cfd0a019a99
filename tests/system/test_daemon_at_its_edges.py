"""A daemon at its edges: what is under way when it is told to end, breaks, or has no room.

Nobody who asks is left without an answer, and no answer says what is not so.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from actors.app.cli.serve import _report
from actors.app.control.errors import Code, ControlError, UnknownOutcomeError
from actors.app.control.requests import Op, Request
from actors.app.daemon import daemon as module
from actors.app.daemon import life, reloading
from actors.app.daemon.daemon import Daemon
from actors.app.daemon.gauges import MeteredJournal
from actors.app.daemon.inbox import AT_ONCE, WAITING_MAX, Inbox
from actors.app.daemon.serving import prepare_serving
from actors.app.daemon.status import State
from actors.app.proof import prove
from actors.journal.chain import Head
from actors.journal.lock import LockedError
from actors.journal.port import Batch, StorageError
from actors.journal.reader import open_run
from actors.runtime import Exit, ManualClock, WallClock, spawn
from actors.runtime.tasks import wait_ended
from tests.app.live.growing import NOW, WARMUP, Folder
from tests.system.in_hand import CONFIG, ask, history, served, until

pytestmark = pytest.mark.asyncio

CarryOut = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(CONFIG)
    return path


def kinds(config: Path) -> list[str]:
    return [type(event).__name__ for event in history(config)]


def begin(*asks: Callable[[], Awaitable[object]]) -> list[Exit]:
    """Let each be asked in a task of its own; return where their ends will be."""
    ended: list[Exit] = []
    for number, each in enumerate(asks):
        spawn(f"asker-{number}", each, on_exit=ended.append)
    return ended


def a_full_disk(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    """Let the first commit of a command that is called so find no room."""
    append, refused = MeteredJournal.append, list[str]()

    async def full(self: MeteredJournal, batch: Batch) -> Head:
        names = [row.command_id for row in batch.commands if row.command_id.startswith(prefix)]
        if names and not refused:
            refused.extend(names)
            raise StorageError("no room", definite=True)
        return await append(self, batch)

    monkeypatch.setattr(MeteredJournal, "append", full)


async def room_again(daemon: Daemon) -> None:
    await until(lambda: daemon.life.state is State.STORAGE_FULL)
    daemon.life.inbox.wake()
    await until(lambda: daemon.life.state is not State.STORAGE_FULL)


async def test_a_panic_waits_behind_nothing_and_the_last_word_on_it_counts() -> None:
    inbox = Inbox()
    asked = [Op.PAUSE, Op.RESET_PANIC, Op.SPAWN, Op.PANIC, Op.KILL]
    begin(*[partial(inbox.ask, Request(op=op, id=op, by="tester")) for op in asked])
    await until(lambda: len(inbox) == len(asked))

    taken, later = [], Request(op=Op.PANIC, id="later", by="tester")
    for each in inbox.take():
        taken.append(str(each.request.id))
        if each.request.op is Op.PAUSE:
            begin(partial(inbox.ask, later))
            await until(lambda: len(inbox) == 3)
        each.answer({})

    assert taken == ["reset-panic", "panic", "pause", "later", "spawn", "kill"]


async def test_a_panic_is_taken_where_too_many_others_wait() -> None:
    inbox = Inbox()
    pause, panic = (Request(op=op, id="one", by="tester") for op in (Op.PAUSE, Op.PANIC))
    begin(*[partial(inbox.ask, pause)] * WAITING_MAX)
    await until(lambda: len(inbox) == WAITING_MAX)

    with pytest.raises(ControlError, match="overloaded"):
        await inbox.ask(pause)
    begin(partial(inbox.ask, panic))
    await until(lambda: len(inbox) == WAITING_MAX + 1)
    assert next(inbox.take()).request is panic

    inbox.close(ControlError(Code.DRAINING, "it ends"))
    await until(lambda: not len(inbox))


async def test_many_requests_are_answered_while_time_stands_still(config: Path) -> None:
    many = 3 * AT_ONCE
    async with served(config) as daemon:
        asks = [partial(ask, daemon, Op.KILL, f"n{n}", agent_id="nobody") for n in range(many)]
        ended = begin(*asks)
        await until(lambda: len(ended) == many)

    assert all("not_found" in str(each.error) for each in ended)


async def test_who_is_told_to_stop_while_it_opens_begins_nothing(config: Path) -> None:
    daemon = Daemon(prepare_serving(config, (), config.parent / "run", web=False), WallClock())
    ended: list[Exit] = []
    task = spawn("daemon", daemon.run, on_exit=ended.append)
    await asyncio.sleep(0)
    daemon.life.stop()
    assert await wait_ended(task, 30)

    assert ended[0].error is None
    assert daemon.life.opened is None
    assert [*_report(daemon.summary())] == ["stopped before the run was open"]
    with pytest.raises(ControlError, match="draining"):
        await ask(daemon, Op.KILL, agent_id="g000-001")


async def test_no_tick_follows_a_stop_and_it_is_said_to_the_end(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out: CarryOut = module.carry_out

    async def stopped_meanwhile(*words: Any) -> dict[str, Any]:
        daemon.life.stop()
        return await carry_out(*words)

    async with served(config) as daemon:
        monkeypatch.setattr(module, "carry_out", stopped_meanwhile)
        assert (await ask(daemon, Op.RESUME))["events"]

    assert daemon.summary()["tick"] == 0
    with open_run(config.parent / "run") as run:
        last = run.process_log()[-1]
    assert (last.kind, '"draining"' in last.data) == ("stopped", True)


async def test_a_stop_that_is_said_again_can_only_come_sooner(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[bool] = []
    monkeypatch.setattr(life, "_leave_undrained", lambda: left.append(True))
    daemon = Daemon(prepare_serving(config, (), config.parent / "run", web=False), WallClock())
    daemon.life.stop(3_600)
    daemon.life.stop(0)
    daemon.life.stop(3_600)
    await until(lambda: bool(left))

    daemon.life.stop(0)
    daemon.life.drained()
    for _ in range(3):
        await asyncio.sleep(0)
    assert left == [True]
    daemon.life.notifier.close()


async def break_in_hand(config: Path, seen: list[Exit | dict[str, Any]]) -> None:
    """Let a request break the daemon while two more wait, and see what they are told."""
    async with served(config) as daemon:
        asks = [partial(ask, daemon, Op.KILL, f"n{n}", agent_id="g000-001") for n in range(3)]
        ended = begin(*asks)
        await until(lambda: len(ended) == 3)
        seen += [*ended, await ask(daemon, Op.HEALTH)]
        with pytest.raises(ControlError, match="draining"):
            await ask(daemon, Op.KILL, "late", agent_id="g000-001")


async def test_what_is_told_after_the_seal_is_not_hurried_by_the_stop(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[bool] = []
    monkeypatch.setattr(life, "_leave_undrained", lambda: left.append(True))
    loop = asyncio.get_running_loop()
    async with served(config) as daemon:

        def flush(_: float) -> bool:
            loop.call_soon_threadsafe(daemon.life.stop, 0)
            return True

        monkeypatch.setattr(daemon.life.notifier, "flush", flush)
    for _ in range(5):
        await asyncio.sleep(0)

    assert left == []


async def test_a_daemon_that_breaks_answers_whoever_waits(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object) -> dict[str, Any]:
        raise StorageError("the disk is gone", definite=False)

    seen: list[Exit | dict[str, Any]] = []
    monkeypatch.setattr(module, "carry_out", breaks)
    with pytest.raises(StorageError, match="gone"):
        await break_in_hand(config, seen)

    *ended, health = seen
    errors = [type(each.error) for each in ended if isinstance(each, Exit)]
    assert errors == [UnknownOutcomeError, ControlError, ControlError]
    assert isinstance(health, dict)
    assert (health["ready"], health["state"]) == (False, "draining")


def rewrite(config: Path, text: str, word: str) -> None:
    config.write_text(text.replace("[live]", f"[live]\n{word}"))


def with_other_rules(config: Path) -> None:
    config.write_text(CONFIG.replace("[evolution]", "[evolution]\nbirths_base = 1"))


async def test_a_cycle_that_finds_no_room_is_held_when_there_is_some(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(config) as daemon:
        a_full_disk(monkeypatch, "cycle-")
        ended = begin(partial(ask, daemon, Op.EVOLVE, "a"))
        await room_again(daemon)
        await until(lambda: daemon.life.state is State.PAUSED)
        again = await ask(daemon, Op.EVOLVE, "a")

    assert [type(each.error) for each in ended] == [UnknownOutcomeError]
    assert again["duplicate"]
    assert kinds(config).count("EvolutionCycleComplete") == 1
    assert prove(str(config.parent / "run"), deep=True).ok


async def test_rules_that_find_no_room_wait_for_the_next_cycle(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(config) as daemon:
        with_other_rules(config)
        await ask(daemon, Op.RELOAD)
        a_full_disk(monkeypatch, "config/")
        await ask(daemon, Op.RESUME)
        await room_again(daemon)
        await until(lambda: daemon.life.state is State.COMPLETED)

    found = kinds(config)
    assert found[: found.index("RunForked")].count("EvolutionCycleComplete") == 2
    assert prove(str(config.parent / "run"), deep=True).ok


async def test_nobody_is_woken_for_a_second_daemon(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    async with served(config) as first:
        sets = [f"daemon.socket={config.parent}/other.sock"]
        serving = prepare_serving(config, sets, first.life.serving.folder, web=False)
        second = Daemon(serving, WallClock())
        monkeypatch.setattr(second.life.notifier, "tell", lambda *words: told.append(words))
        with pytest.raises(LockedError):
            await second.run()

    assert told == []


async def test_a_reload_that_breaks_is_over_for_the_service_manager_too(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise OSError("no file can be opened")

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(config.parent / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(config.parent / "notify"))
        async with served(config) as daemon:
            assert manager.recv(999).startswith(b"READY=1")
            monkeypatch.setattr(reloading, "plan_reload", breaks)
            with pytest.raises(OSError, match="no file"):
                await ask(daemon, Op.RELOAD)
            told = [manager.recv(999).split(b"\n")[0] for _ in range(2)]

    assert told == [b"RELOADING=1", b"READY=1"]


async def test_where_bars_come_from_changes_at_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "grown", WARMUP + 2)
    async with served(folder.config, clock=ManualClock(NOW)) as daemon:
        opened = daemon.life.opened
        assert opened is not None
        assert opened.source is not None
        text = folder.config.read_text()
        found = []
        for wanted in ("true", "false"):
            rewrite(folder.config, text, f"download = {wanted}")
            told = await ask(daemon, Op.RELOAD, wanted)
            found.append((told["accepted"], opened.source.downloader is not None))

    assert found == [(True, True), (True, False)]


async def test_what_was_done_has_its_answer_when_the_run_is_over(config: Path) -> None:
    async with served(config) as daemon:
        told = await ask(daemon, Op.KILL, "a", agent_id="g000-001")
        await ask(daemon, Op.RESUME)
        await until(lambda: daemon.life.state is State.COMPLETED)
        again = await ask(daemon, Op.KILL, "a", agent_id="g000-001")
        with pytest.raises(ControlError, match="over"):
            await ask(daemon, Op.KILL, "b", agent_id="g000-002")

    assert again == told | {"duplicate": True}


async def test_a_daemon_that_ends_or_is_not_there_yet_takes_no_other_config(config: Path) -> None:
    async with served(config) as daemon:
        for state in (State.STARTING, State.CATCHING_UP):
            daemon.life.state = state
            with pytest.raises(ControlError, match="not_running"):
                await ask(daemon, Op.RELOAD)
        daemon.life.stop()
        with pytest.raises(ControlError, match="draining"):
            await ask(daemon, Op.RELOAD)
