"""What a person asks a daemon for arrives as it was meant, and ends with the code that says so."""

from __future__ import annotations

import errno
import getpass
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.app.control.client import ControlClient
from actors.app.control.errors import Code, ControlError
from actors.app.control.requests import Op
from tests.app.control.serving import HASH, Desk, refusal, serving

CHANGES: dict[str, tuple[list[str], Op, dict[str, Any]]] = {
    "pause": (["pause", "RUN"], Op.PAUSE, {}),
    "resume": (["resume", "RUN"], Op.RESUME, {}),
    "stop": (["stop", "RUN"], Op.STOP, {"drain_s": None}),
    "stop, 30s": (["stop", "RUN", "--drain", "30s"], Op.STOP, {"drain_s": 30.0}),
    "stop, 2m": (["stop", "RUN", "--drain", "2m"], Op.STOP, {"drain_s": 120.0}),
    "reload": (["reload", "RUN"], Op.RELOAD, {"dry_run": False}),
    "reload, dry": (["reload", "RUN", "--dry-run"], Op.RELOAD, {"dry_run": True}),
    "panic": (["panic", "RUN"], Op.PANIC, {"wind_down": False}),
    "wind down": (["panic", "RUN", "--wind-down", "--yes"], Op.PANIC, {"wind_down": True}),
    "reset-panic": (["reset-panic", "RUN"], Op.RESET_PANIC, {}),
    "evolve": (["evolve", "RUN"], Op.EVOLVE, {"dry_run": False}),
    "evolve, dry": (["evolve", "RUN", "--dry-run"], Op.EVOLVE, {"dry_run": True}),
    "spawn": (
        ["agents", "spawn", "RUN", "tactical-trader", "--set", "asset=ETH", "--set", "days=7"],
        Op.SPAWN,
        {"strategy": "tactical-trader", "parameters": {"asset": "ETH", "days": 7}},
    ),
    "kill": (["agents", "kill", "RUN", "g0", "--yes"], Op.KILL, {"agent_id": "g0"}),
    "pause an agent": (["agents", "pause", "RUN", "g0"], Op.PAUSE_AGENT, {"agent_id": "g0"}),
    "unpause": (["agents", "unpause", "RUN", "g0"], Op.UNPAUSE_AGENT, {"agent_id": "g0"}),
}


RELOADED = {"accepted": True, "changed": [], "refused": [], "pending": [], "dry_run": False}
REHEARSED = {name: [] for name in ("deaths", "demotions", "graduations", "births", "moves")}


@pytest.fixture
def desk() -> Desk:
    found = Desk()
    found.answers[Op.RELOAD] = RELOADED
    return found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with a run."""
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(desk: Desk, here: Path) -> Iterator[Path]:
    """Serve that run."""
    folder = here / "runs" / "mine"
    with serving(folder / "control.sock", desk.handle):
        yield folder


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_typed_is_what_is_asked(case, arena, desk, run):
    words, op, args = CHANGES[case]
    if args.get("dry_run"):
        desk.answers[Op.EVOLVE] = {**REHEARSED, "cycle": 1, "tick": 7}

    asked = arena(*(run if word == "RUN" else word for word in words), "--reason", "a test")

    assert (asked.code, asked.err) == (0, "")
    (seen,) = desk.seen
    assert (seen.op, seen.args.model_dump()) == (op, args)
    assert (seen.by, seen.reason) == (f"cli:{getpass.getuser()}", "a test")
    assert seen.id.startswith("cli-")


def test_the_answer_of_a_change_is_its_receipt(arena, run):
    data = arena("panic", "--json", "--id", "ops-1").data

    assert {name: data[name] for name in ("op", "id", "seq", "hash", "duplicate")} == {
        "op": "panic",
        "id": "ops-1",
        "seq": 7,
        "hash": HASH,
        "duplicate": False,
    }
    assert data["events"][0]["data"]["action"] == "panic"


def test_people_read_what_is_so_now_and_where_it_is_on_record(arena, desk, run):
    first = arena("panic", "--id", "ops-1").out
    again = arena("panic", "--id", "ops-1").out
    desk.answers[Op.PANIC] = {"seq": 7, "hash": HASH, "events": [], "duplicate": False}
    already = arena("panic").out

    assert first == "all trading is stopped\non record up to seq 7: OperatorActed\n"
    assert again.startswith("done before, under the id ops-1; nothing was done again\n")
    assert already == "all trading is stopped already; nothing changed\n"


def test_whatever_else_the_daemon_tells_is_shown_and_moves_no_cursor(arena, desk, run):
    change = {"key": "daemon.speed", "before": "max", "after": "\x1b[2J10x", "reload": "live"}
    desk.answers[Op.RELOAD] = {**RELOADED, "changed": [change], "dry_run": True}

    out = arena("reload", "--dry-run").out

    assert "nothing was taken over; this would be:" in out
    assert re.search(r"daemon\.speed +max +\\u001b\[2J10x +now$", out, re.MULTILINE)
    assert "\x1b" not in out


def test_a_config_that_was_refused_says_why_and_is_no_success(arena, desk, run):
    refused = {"key": "http.bind", "why": "it needs a restart"}
    desk.answers[Op.RELOAD] = {**RELOADED, "accepted": False, "refused": [refused]}

    answer = arena("reload")
    data = arena("reload", "--json")

    assert (answer.code, data.code) == (2, 2)
    assert answer.out == "nothing was taken over:\nhttp.bind: it needs a restart\n"
    assert data.data["refused"] == [refused]


def test_a_rehearsal_says_what_a_cycle_would_decide(arena, desk, run):
    desk.answers[Op.EVOLVE] = {
        "dry_run": True,
        "cycle": 3,
        "tick": 21,
        "deaths": [{"agent_id": "g0", "rule": "drawdown"}],
        "demotions": [],
        "graduations": [{"agent_id": "g1", "to_layer": "arena"}],
        "births": [{"agent_id": "g2", "strategy": "cash", "parents": []}],
        "moves": [{"agent_id": "g1", "balance": 1_000_000, "target": 2_500_000}],
    }

    out = arena("evolve", "--dry-run").out

    for said in ("nothing was done; cycle 3", "g0 (drawdown)", "g1 to arena", "g2 (cash)", "$2.50"):
        assert said in out


@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_a_cycle_that_comes_to_nothing_says_where(dry, arena, desk, run):
    failed = {"failed": {"step": "allocate", "why": "broke"}, "cycle": 3, "tick": 21}
    event = {"seq": 7, "type": "OperatorActed", "data": {}}
    desk.answers[Op.EVOLVE] = failed if dry else {"events": [event], "seq": 7, **failed}

    answer = arena("evolve", *dry)

    assert answer.code == 1
    assert "the cycle came to nothing: step allocate: broke\n" in answer.out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refusal("there is no room", "population_full"), 1),
        (ControlError(Code.COMMAND_CONFLICT, "another body"), 1),
        (ControlError(Code.BAD_REQUEST, "unknown strategy"), 2),
        (ControlError(Code.NOT_FOUND, "no such agent"), 2),
        (ControlError(Code.DRAINING, "it ends"), 5),
        (ControlError(Code.OVERLOADED, "too many"), 5),
        (ControlError(Code.STORAGE_FULL, "no room on the disk"), 74),
        (RuntimeError("a bug"), 1),
    ],
)
def test_what_was_not_done_says_so_by_its_exit_code(error, code, arena, desk, run):
    desk.answers[Op.SPAWN] = error

    answer = arena("agents", "spawn", "cash", "--json")

    assert answer.code == code
    assert answer.data["error"]["code"] == code
    assert answer.err.startswith("arena: ")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("words", [["pause"], ["status"], ["pause", "runs/mine"], ["panic"]])
def test_where_no_daemon_is_it_says_how_to_start_one(words, arena, here):
    answer = arena(*words)

    assert answer.code == 5
    assert "`arena serve CONFIG` starts one" in answer.err


READS = [
    ["leaderboard"],
    ["agents", "list"],
    ["agents", "show", "cash"],
    ["capital", "show"],
    ["capital", "ledger"],
    ["state"],
    ["events", "list"],
    ["events", "tail"],
]


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_what_is_read_without_a_run_is_of_the_only_daemon(words, arena, run, finished):
    shutil.copy(finished / "run.db", run)

    answer = arena(*words, "--json")

    assert answer.code == 0, answer.err
    assert answer.data["run"] == "runs/mine"


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_where_no_daemon_is_a_run_has_to_be_named(words, arena, here):
    answer = arena(*words)

    assert answer.code == 2
    assert "Missing argument 'RUN', and no daemon listens at runs/*/control.sock." in answer.err


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_of_several_daemons_one_has_to_be_named_to_be_read(words, arena, run, desk, here):
    (here / "runs" / "other").mkdir()
    with serving(here / "runs" / "other" / "control.sock", desk.handle):
        answer = arena(*words)

    assert answer.code == 2
    assert "needed one of those that run: runs/mine, runs/other" in answer.err


@pytest.mark.parametrize("word", ["pause", "status"])
def test_a_socket_of_somebody_else_is_said_to_be(word, arena, run, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(ControlClient, "ask", refuse)
    answer = arena(word)

    assert answer.code == 4
    assert answer.err.startswith("arena: runs/mine/control.sock: Permission denied; its daemon is")


def test_an_answer_that_does_not_come_says_how_to_find_out(arena, run, desk):
    answer = arena("pause", "--timeout", "0ms", "--id", "ops-9")

    assert answer.code == 7
    assert "unknown: ask again with the same --id ops-9" in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["agents", "kill", "g0"], "say --yes"),
        (["panic", "--wind-down"], "say --yes"),
        (["stop", "--drain", "30"], "no duration"),
        (["stop", "--drain", "-1s"], "no duration"),
        (["stop", "--drain", "2h"], "args.drain_s"),
        (["pause", "--id", "a b"], "id: "),
        (["pause", "--reason", "a\nb"], "reason: "),
        (["agents", "spawn", "cash", "--set", "days"], "--set"),
        (["agents", "spawn", "cash", "--set", "days=[1]"], "--set days"),
        (["agents", "spawn", "cash", "--set", "days=nan"], "--set days"),
        (["agents", "pause", "runs/mine", "g0", "g1"], "an argument too many"),
        (["agents", "pause"], "Missing argument"),
        (["pause", "runs/mine", "--socket", "x.sock"], "either a socket or a run"),
    ],
)
def test_what_cannot_be_meant_is_not_done(words, said, arena, desk, run):
    answer = arena(*words)

    assert answer.code == 2
    assert said in answer.err
    assert desk.seen == []


def test_a_panic_needs_no_more_than_the_word(arena, desk, run):
    assert arena("panic").code == 0
    assert [each.op for each in desk.seen] == [Op.PANIC]


def test_a_socket_elsewhere_can_be_named(arena, desk, here):
    with serving(here / "elsewhere.sock", desk.handle):
        assert arena("pause", "--socket", "elsewhere.sock").code == 0


# The status

STATUS: dict[str, Any] = {
    "version": "1.2.3",
    "pid": 4711,
    "name": "mine",
    "url": "http://127.0.0.1:8420/",
    "state": "running",
    "ready": False,
    "reasons": ["mailbox_full"],
    "startup": {"done": 5, "total": 5},
    "speed": "10x",
    "run_id": "r" * 32,
    "tick": 12,
    "ticks": None,
    "sim_time": "2024-01-13T00:00:00+00:00",
    "seq": 812,
    "hash": HASH,
    "cycle": 1,
    "paused": False,
    "panic": {"mode": "pause", "reason": "smoke", "since_tick": 12},
    "pending_reload": ["ladder.seats_max"],
    "uptime_s": 90_000.0,
    "lag_s": 0.5,
    "agents": {"simulation": 6, "proving": 0, "arena": 2},
}


@pytest.fixture
def live(arena, desk: Desk, finished: Path, here: Path) -> Iterator[Path]:
    """Serve a stored run, as far as its status goes."""
    folder = here / "runs" / "mine"
    shutil.copytree(finished, folder, dirs_exist_ok=True)
    desk.answers[Op.STATUS] = {**STATUS, "folder": str(folder)}
    with serving(folder / "control.sock", desk.handle):
        yield folder


def test_the_daemon_stands_above_its_trading(arena, live):
    out = arena("status").out

    said = ("running, not ready: mailbox_full", "pause since day 12: smoke", "1.0 d", STATUS["url"])
    for line in said:
        assert line in out
    assert out.index("PANIC") < out.index("success rate")
    assert "after the cycle under way: ladder.seats_max" in out


@pytest.mark.parametrize("words", [[], ["runs/mine"], ["--socket", "runs/mine/control.sock"]])
def test_however_it_is_named_it_is_one_object(words, arena, live, finished):
    data = arena("status", *words, "--json").data

    stored = arena("status", finished, "--json").data
    assert data["daemon"]["seq"] == 812
    assert stored["daemon"] is None
    assert data["total"] == stored["total"]
    assert data.keys() == stored.keys()


def test_a_daemon_that_has_not_opened_its_run_says_what_it_knows(arena, desk, run):
    unknown = dict.fromkeys(("run_id", "tick", "ticks", "sim_time", "seq", "panic", "agents"))
    known = {"state": "starting", "startup": {"done": 3, "total": 10}, "folder": str(run)}
    desk.answers[Op.STATUS] = {**STATUS, **unknown, **known}

    answer = arena("status")

    assert answer.code == 0
    assert "starting" in answer.out
    assert "3 of 10" in answer.out
    assert "success rate" not in answer.out
