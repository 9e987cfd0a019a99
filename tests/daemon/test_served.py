"""A daemon is started, asked, killed and started again, as somebody who runs one does it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from actors.app.cli import cli
from actors.app.control.errors import Code, ControlError, NoAnswerError, NotRunningError
from actors.app.exits import ExitCode
from actors.app.proof import prove
from actors.journal.chain import Head
from tests.daemon.conftest import CONFIG, Serve
from tests.daemon.nursery import ROOT
from tests.daemon.served import PATIENCE_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SMALL = ("run.days=400", "population.agents=16", "http.enabled=false")


def sets(*overrides: str) -> tuple[str, ...]:
    return tuple(word for each in overrides for word in ("--set", each))


def test_a_daemon_that_was_killed_in_a_panic_is_still_in_it_and_has_lost_nothing(
    serve: Serve,
) -> None:
    run = serve(*sets(*SMALL), config=ROOT / "config" / "daemon.toml")
    run.start_and_wait(tick=3)
    assert arena("status", run.folder)["daemon"]["state"] == "running"
    told = arena("panic", run.folder, "--id", "alarm")
    before = run.until(lambda status: status["seq"] > told["seq"])
    run.kill()

    run.start_and_wait(tick=before["tick"])
    after = arena("status", run.folder)["daemon"]
    again = arena("panic", run.folder, "--id", "alarm")

    assert after["panic"] == before["panic"] is not None
    assert after["seq"] >= before["seq"]
    assert again == told | {"duplicate": True}
    assert run.stop() == ExitCode.OK
    receipts = [f"{each['seq']}:{each['hash']}" for each in (told, before)]
    words = [word for each in receipts for word in ("--receipt", each)]
    assert arena("verify", run.folder, "--deep", *words)["findings"] == []


def arena(command: str, *words: object) -> dict[str, Any]:
    """Return what a command says that came to a good end."""
    result = CliRunner().invoke(cli, [command, *map(str, words), "--json"])
    assert result.exit_code == ExitCode.OK, result.output
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def test_it_stops_when_it_is_told_to_and_says_where(serve: Serve) -> None:
    run = serve()
    run.start_and_wait("--paused")
    run.ask("stop")

    assert run.code() == ExitCode.OK
    told = json.loads(run.said("out"))
    assert prove(str(run.folder), receipts=[Head(told["seq"], told["hash"])]).ok
    with pytest.raises(NotRunningError):
        run.status()


def test_signals_reload_the_config_and_log_the_actors(serve: Serve, config: Path) -> None:
    run = serve()
    run.start_and_wait("--paused")
    config.write_text(CONFIG.replace("[daemon]", "[daemon]\nspeed = '9x'"))
    run.send(signal.SIGHUP)
    changed = run.until(lambda status: status["speed"] == "9x")
    config.write_text("this is no config")
    run.send(signal.SIGHUP)
    run.until_so(lambda: bool(run.logged("reload_refused")))
    run.send(signal.SIGUSR1)
    run.until_so(lambda: len(run.logged("actor_table")) >= 4)
    again = run.status()

    assert (again["speed"], again["seq"]) == ("9x", changed["seq"])
    assert run.logged("reload_refused")[0]["refused"]
    assert {"allocator", "arena_manager"} <= {row["name"] for row in run.logged("actor_table")}
    assert run.stop() == ExitCode.OK


def test_the_second_of_two_daemons_names_the_first(serve: Serve, tmp_path: Path) -> None:
    first, second = serve(), serve()
    first.start_and_wait("--paused")
    second.start()

    assert second.code() == ExitCode.LOCKED
    assert str(first.pid) in second.said()
    assert first.status()["pid"] == first.pid


def test_a_port_that_is_taken_is_named_before_anything_begins(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        run = serve(*sets("http.enabled=true", f"http.bind={bind}"))
        run.start()

        assert run.code() == ExitCode.LOCKED
    assert bind in run.said()
    assert not (run.folder / "run.db").exists()


def test_a_bad_place_for_the_socket_is_named_by_its_key_before_anything_begins(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o1777)
    run = serve(*sets(f"daemon.socket={tmp_path / 'open' / 'sock'}"))
    run.start()

    assert run.code() == ExitCode.USAGE
    assert "daemon.socket" in run.said()
    assert not (run.folder / "run.db").exists()


def test_a_folder_that_cannot_be_written_is_named(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = serve("--out", str(tmp_path / "file" / "run"))
    run.start()

    assert run.code() == ExitCode.USAGE
    assert str(tmp_path / "file") in run.said()


def test_the_web_is_started_again_and_ends_with_its_daemon(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    run = serve(*sets("http.enabled=true", f"http.bind={bind}"))
    run.start_and_wait("--paused")
    run.until_so(lambda: len(run.logged("web_ready")) == 1)
    first = run.web()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    run.until_so(lambda: len(run.logged("web_ready")) == 2)
    status, second = run.status(), run.web()
    live = httpx.get(f"{status['url']}livez", timeout=PATIENCE_S, trust_env=False)
    with waiting_for(second) as ended:
        run.kill()
        run.start_and_wait()  # On the port that the web of the killed one had.
        assert ended()

    assert second != first
    assert status["gauges"]["web_restarts"] == 1
    assert live.status_code == httpx.codes.OK


@contextmanager
def waiting_for(pid: int | None) -> Iterator[Callable[[], bool]]:
    """Yield what waits for the end of a process, which is not our child, and says if it came."""
    assert pid is not None
    handle = os.pidfd_open(pid)
    try:
        yield lambda: bool(select.select([handle], [], [], PATIENCE_S)[0])
    finally:
        os.close(handle)


def test_the_service_manager_hears_of_every_turn(serve: Serve, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE_S)
        run = serve()
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "20000"}
        run.start("--paused", environ=environ)
        heard = hear_until(manager, "READY=1")
        heard += hear_until(manager, "WATCHDOG=1")
        run.send(signal.SIGHUP)
        heard += hear_until(manager, "READY=1")
        run.send(signal.SIGTERM)
        heard += hear_until(manager, "STOPPING=1")

    assert run.code() == ExitCode.OK
    turns = [words[0] for words in heard if words[0] != "WATCHDOG=1"]
    assert turns == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]


def hear_until(manager: socket.socket, word: str) -> list[list[str]]:
    """Return what comes, up to a message that begins with `word`."""
    heard: list[list[str]] = []
    while not heard or heard[-1][0] != word:
        heard.append(manager.recv(4_096).decode().split("\n"))
    return heard


def test_a_request_that_breaks_the_core_is_answered_and_the_fifth_ends_the_daemon(
    serve: Serve, tmp_path: Path, config: Path
) -> None:
    (tmp_path / "poisonous.py").write_text(POISONOUS)
    config.write_text(f'{CONFIG}\n[plugins]\nmodules = ["poisonous"]\n')
    run = serve()
    before = run.start_and_wait("--paused")
    poison = {"strategy": "poison", "parameters": {"dose": 2}}
    codes = []
    for number in range(4):
        with pytest.raises(ControlError) as broken:
            run.ask("spawn", poison, command_id=f"dose-{number}")
        codes.append(broken.value.code)
    after = run.status()
    with pytest.raises((ControlError, NoAnswerError)):
        run.ask("spawn", poison, command_id="dose-4")

    assert set(codes) == {Code.INTERNAL_ERROR}
    assert (after["seq"], after["ready"]) == (before["seq"], True)
    assert run.code() == ExitCode.FAILED
    assert "5 requests within 60 s broke the arena in the same way" in run.said()
    assert prove(str(run.folder), receipts=[Head(before["seq"], before["hash"])]).ok


POISONOUS = """
from arena.strategies.baselines import Cash
from arena.strategies.strategy import Number

class Poison(Cash):
    name = "poison"
    parameters = (Number(name="dose", default=1, low=1, high=9, integer=True, doc="How much."),)

    @classmethod
    def check_settings(cls, settings):
        if settings["dose"] > 1:
            raise ZeroDivisionError("the dose")
"""
