"""What a daemon does with what it is asked for, from its requests to its journal."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.app.control.errors import Code, ControlError
from actors.app.control.requests import Op, Request
from actors.app.daemon.daemon import Daemon
from actors.app.daemon.inbox import WAITING_MAX, Inbox
from actors.app.daemon.serving import prepare_serving
from actors.app.daemon.status import State
from actors.app.experiment import prepare, run_experiment
from actors.app.forking import make_fork, plan_fork
from actors.app.proof import prove
from actors.app.settings import ConfigError
from actors.journal.reader import open_run
from actors.runtime import Exit, ManualClock, WallClock, spawn
from arena.events import OperatorActed
from tests.app.live.growing import NOW, WARMUP, Folder, rows
from tests.system.in_hand import CONFIG, ask, history, served, until

pytestmark = pytest.mark.asyncio


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(CONFIG)
    return path


async def until_completed(daemon: Daemon) -> None:
    await ask(daemon, Op.RESUME, "let-go")
    await until(lambda: daemon.life.state is State.COMPLETED)


def rewrite(config: Path, text: str) -> None:
    config.write_text(text)


def fork_at_the_end_of_a_day(config: Path, child: Path) -> None:
    (child.parent / "run").mkdir(parents=True)
    child.write_text(config.read_text())
    with open_run(config.parent / "run") as parent:
        at = next(entry.seq for entry, event in parent.events() if getattr(event, "tick", 0) == 6)
        plan = plan_fork(parent, at, ["evolution.births_base=1"], now=NOW)
        make_fork(parent, plan, child.parent / "run" / "run.db")


def acted(config: Path) -> list[tuple[str, str, str]]:
    found = [event for event in history(config) if isinstance(event, OperatorActed)]
    return [(str(event.action), event.by, event.reason) for event in found]


async def test_a_run_that_nobody_touched_is_the_backtest_of_its_config(
    config: Path, tmp_path: Path
) -> None:
    prepared = prepare(config, (), now=WallClock().stamp())
    folder = tmp_path / "backtest"
    folder.mkdir()
    backtest = await run_experiment(prepared, folder)

    async with served(config, paused=False) as daemon:
        await until(lambda: daemon.life.state is State.COMPLETED)
        status = await ask(daemon, Op.STATUS)

    assert (status["seq"], status["hash"]) == (backtest["events"], backtest["head"])
    assert status["ready"]
    assert status["tick"] == status["ticks"] == 30


async def test_every_change_is_on_record_with_who_and_why(config: Path) -> None:
    changes: list[tuple[Op, dict[str, Any]]] = [
        (Op.PANIC, {"wind_down": True}),
        (Op.RESET_PANIC, {}),
        (Op.SPAWN, {"strategy": "tactical-trader", "parameters": {}}),
        (Op.PAUSE_AGENT, {"agent_id": "g000-001"}),
        (Op.UNPAUSE_AGENT, {"agent_id": "g000-001"}),
        (Op.KILL, {"agent_id": "g000-002"}),
        (Op.EVOLVE, {}),
        (Op.RESUME, {}),
        (Op.PAUSE, {}),
    ]
    async with served(config) as daemon:
        for op, args in changes:
            result = await ask(daemon, op, **args)
            assert result["events"][0]["type"] == "OperatorActed"
            assert not result["duplicate"]

    expected = [(str(op).replace("-", "_"), "tester", f"to {op}") for op, _ in changes]
    assert acted(config) == [("pause", "arena serve", "--paused"), *expected]
    assert prove(str(config.parent / "run"), deep=True).ok


async def test_the_same_id_is_carried_out_once(config: Path) -> None:
    async with served(config) as daemon:
        first = await ask(daemon, Op.KILL, "a", agent_id="g000-001")
        again = await ask(daemon, Op.KILL, "a", agent_id="g000-001")
        with pytest.raises(ControlError) as conflict:
            await ask(daemon, Op.KILL, "a", agent_id="g000-002")

    async with served(config) as daemon:
        later = await ask(daemon, Op.KILL, "a", agent_id="g000-001")

    assert again == later == first | {"duplicate": True}
    assert conflict.value.code is Code.COMMAND_CONFLICT


async def test_a_cycle_asked_for_twice_under_one_id_is_held_once(config: Path) -> None:
    async with served(config) as daemon:
        held = await ask(daemon, Op.EVOLVE, "a")
        again = await ask(daemon, Op.EVOLVE, "a")

    assert held["cycle"] == 1
    assert again["duplicate"]
    assert [type(event).__name__ for event in history(config)].count("EvolutionCycleComplete") == 1


async def test_a_rehearsal_says_what_the_cycle_then_does(config: Path) -> None:
    async with served(config) as daemon:
        await ask(daemon, Op.SPAWN, strategy="tactical-trader", parameters={})
        told = await ask(daemon, Op.EVOLVE, "a", dry_run=True)
        seq = (await ask(daemon, Op.STATUS))["seq"]
        held = await ask(daemon, Op.EVOLVE, "b")

    assert told["dry_run"]
    assert (told["cycle"], len(told["births"])) == (1, held["births"])
    assert held["seq"] == seq + 1


@pytest.mark.parametrize(
    ("op", "args", "code"),
    [
        (Op.KILL, {"agent_id": "nobody"}, Code.NOT_FOUND),
        (Op.PAUSE_AGENT, {"agent_id": "nobody"}, Code.NOT_FOUND),
        (Op.UNPAUSE_AGENT, {"agent_id": "g000-001"}, Code.REFUSED),
        (Op.SPAWN, {"strategy": "no-such-one", "parameters": {}}, Code.NOT_FOUND),
        (Op.SPAWN, {"strategy": "cash", "parameters": {"x": 1}}, Code.REFUSED),
    ],
)
async def test_what_cannot_be_done_says_why(
    config: Path, op: Op, args: dict[str, Any], code: Code
) -> None:
    async with served(config) as daemon:
        with pytest.raises(ControlError) as refused:
            await ask(daemon, op, **args)

    assert refused.value.code is code
    assert refused.value.message


async def test_what_holds_already_writes_nothing(config: Path) -> None:
    async with served(config) as daemon:
        nothing = await ask(daemon, Op.RESET_PANIC, "a")
        stood = await ask(daemon, Op.PAUSE, "e")
        stopped = await ask(daemon, Op.PANIC, "b", wind_down=False)
        again = await ask(daemon, Op.PANIC, "c", wind_down=False)
        wound_down = await ask(daemon, Op.PANIC, "d", wind_down=True)
        repeated = await ask(daemon, Op.PANIC, "d", wind_down=True)

    assert nothing["events"] == again["events"] == stood["events"] == []
    assert stopped["events"]
    assert wound_down["events"]
    assert repeated == wound_down | {"duplicate": True}


async def test_pause_and_panic_outlive_the_daemon(config: Path) -> None:
    async with served(config) as daemon:
        await ask(daemon, Op.PANIC, wind_down=False)
    async with served(config, paused=False) as daemon:
        seen = await ask(daemon, Op.STATUS)
        await until(lambda: daemon.life.state is State.PAUSED)
        seen = await ask(daemon, Op.STATUS)

    assert seen["panic"] == {"mode": "pause", "reason": "to panic", "since_tick": 0}
    assert seen["paused"]
    assert seen["tick"] == 0


async def test_a_run_that_is_over_can_be_asked_and_not_changed(config: Path) -> None:
    async with served(config, paused=False) as daemon:
        await until(lambda: daemon.life.state is State.COMPLETED)
    async with served(config, paused=False) as daemon:
        await until(lambda: daemon.life.state is State.COMPLETED)
        with pytest.raises(ControlError) as refused:
            await ask(daemon, Op.KILL, agent_id="g000-001")
        status = await ask(daemon, Op.STATUS)

    assert refused.value.reason == "completed"
    assert (status["state"], status["tick"]) == ("completed", 30)


async def test_more_requests_than_may_wait_are_refused_and_time_goes_on(config: Path) -> None:
    async with served(config) as daemon:
        await ask(daemon, Op.RESUME)
        found: list[Exit] = []
        for number in range(WAITING_MAX + 40):

            async def one(number: int = number) -> None:
                await ask(daemon, Op.PAUSE_AGENT, f"n{number}", agent_id="nobody")

            spawn(f"asker-{number}", one, on_exit=found.append)
        await until(lambda: len(found) == WAITING_MAX + 40)
        await until(lambda: daemon.life.state is State.COMPLETED)

    codes = [each.error.code for each in found if isinstance(each.error, ControlError)]
    assert codes.count(Code.NOT_FOUND) == WAITING_MAX
    assert codes.count(Code.OVERLOADED) == 40


async def test_who_is_told_to_stop_between_two_requests_answers_neither_twice() -> None:
    inbox, ended = Inbox(), list[Exit]()
    for number in range(3):
        request = Request(op=Op.PAUSE, id=f"n{number}", by="tester")
        spawn(f"asker-{number}", partial(inbox.ask, request), on_exit=ended.append)
    await until(lambda: len(inbox) == 3)

    for asked in inbox.take():
        asked.answer({"done": True})
        inbox.close(ControlError(Code.DRAINING, "it ends"))

    await until(lambda: len(ended) == 3)
    codes = [each.error.code for each in ended if isinstance(each.error, ControlError)]
    assert codes == [Code.DRAINING, Code.DRAINING]


async def test_time_stands_still_while_the_disk_is_nearly_full(config: Path) -> None:
    async with served(config, "daemon.disk_reserve_mib=1048576", paused=False) as daemon:
        await until(lambda: daemon.life.state is State.STORAGE_FULL)
        health = await ask(daemon, Op.HEALTH)
        daemon.life.settings = prepare_serving(config, (), config.parent / "run").settings
        daemon.life.inbox.wake()
        await until(lambda: daemon.life.state is State.COMPLETED)

    assert (health["ready"], health["reasons"]) == (False, ["storage_full"])


async def test_a_folder_is_not_served_with_another_config(config: Path) -> None:
    async with served(config):
        pass

    with pytest.raises(ConfigError, match=r"run.seed.*43"):
        async with served(config, "run.seed=43"):
            pass


async def test_new_rules_wait_for_the_end_of_a_cycle_and_outlive_the_daemon(config: Path) -> None:
    async with served(config) as daemon:
        rewrite(config, CONFIG.replace("[evolution]", "[evolution]\nbirths_base = 1"))
        told = await ask(daemon, Op.RELOAD)
        at_once = await ask(daemon, Op.STATUS)
        await until_completed(daemon)
        later = await ask(daemon, Op.STATUS)
    async with served(config, paused=False) as daemon:
        await until(lambda: daemon.life.state is State.COMPLETED)
        again = await ask(daemon, Op.STATUS)

    assert told["accepted"]
    assert told["pending"] == ["evolution.births_base"]
    assert at_once["pending_reload"] == ["evolution.births_base"]
    assert later["pending_reload"] == []
    assert (again["seq"], again["hash"]) == (later["seq"], later["hash"])
    kinds = [type(event).__name__ for event in history(config)]
    assert kinds.index("RunForked") > kinds.index("EvolutionCycleComplete")
    assert ("reload", "tester", "to reload") in acted(config)
    assert prove(str(config.parent / "run"), deep=True).ok


async def test_a_fork_is_served_from_where_it_leaves_its_parent(
    config: Path, tmp_path: Path
) -> None:
    async with served(config, "run.days=12", paused=False) as daemon:
        await until(lambda: daemon.life.state is State.COMPLETED)
    child = tmp_path / "fork" / config.name
    fork_at_the_end_of_a_day(config, child)

    async with served(child, "run.days=12", "evolution.births_base=1", paused=False) as daemon:
        await until(lambda: daemon.life.state is State.COMPLETED)
        served_to = await ask(daemon, Op.STATUS)

    kinds = [type(event).__name__ for event in history(child)]
    assert kinds.count("RunForked") == 1
    assert (served_to["tick"], kinds[-1]) == (12, "RunCompleted")
    assert prove(str(child.parent / "run"), deep=True).ok


async def test_a_reload_that_is_refused_changes_nothing(config: Path) -> None:
    async with served(config) as daemon:
        before = daemon.life.settings
        rewrite(config, CONFIG.replace("[evolution]", "[daemon]\nspeed = '9x'\n[evolution]\nx = 1"))
        broken = await ask(daemon, Op.RELOAD, "a")
        rewrite(config, f"{CONFIG}\n[daemon]\nspeed = '9x'\n[treasury]\ntotal = '1.00'")
        fixed = await ask(daemon, Op.RELOAD, "b")
        interval_s = daemon.life.pace.interval_s

    assert not broken["accepted"]
    assert not fixed["accepted"]
    assert [each["key"] for each in fixed["refused"]] == ["treasury.total"]
    assert daemon.life.settings == before
    assert interval_s == 0.0


async def test_speed_changes_at_once_and_a_rehearsed_reload_changes_nothing(config: Path) -> None:
    async with served(config) as daemon:
        rewrite(config, f"{CONFIG}\n[daemon]\nspeed = '1000x'")
        told = await ask(daemon, Op.RELOAD, "a", dry_run=True)
        rehearsed = daemon.life.pace.interval_s
        await ask(daemon, Op.RELOAD, "b")
        interval_s = daemon.life.pace.interval_s

    assert told["accepted"]
    assert [each["key"] for each in told["changed"]] == ["daemon.speed"]
    assert (rehearsed, interval_s) == (0.0, 86.4)


async def test_the_log_tells_a_reload_from_a_rehearsal_and_names_a_key_once(config: Path) -> None:
    async with served(config) as daemon:
        with capture_logs() as lines:
            rewrite(config, CONFIG.replace("[evolution]", "[evolution]\nbirths_base = 1"))
            await ask(daemon, Op.RELOAD, "a", dry_run=True)
            await ask(daemon, Op.RELOAD, "b")
            rewrite(config, CONFIG.replace("[evolution]", "[evolution]\nx = 1"))
            await ask(daemon, Op.RELOAD, "c")

    told = [(line["event"], line.get("keys", [])) for line in lines if "reload" in line["event"]]
    keys = ["evolution.births_base"]
    assert told == [("reload_rehearsed", keys), ("reload", keys), ("reload_refused", [])]
    assert str(lines).count("evolution.x") == 1


async def test_a_daemon_that_stops_answers_nobody_and_leaves_a_snapshot(config: Path) -> None:
    async with served(config) as daemon:
        await ask(daemon, Op.KILL, agent_id="g000-001")
        stopped = await ask(daemon, Op.STOP)
        with pytest.raises(ControlError) as refused:
            await ask(daemon, Op.KILL, "b", agent_id="g000-002")

    assert stopped == {"stopping": True}
    assert refused.value.code is Code.DRAINING
    with open_run(config.parent / "run") as run:
        assert run.snapshots()[-1].seq == run.head().seq
        words = [(row.kind, json.loads(row.data)) for row in run.process_log()]
    assert [kind for kind, _ in words] == ["started", "told_to_stop", "stopped"]
    assert words[1][1] == {"by": "tester", "reason": "to stop"}


class SetClock(ManualClock):
    """A clock whose hands somebody moves."""

    moved = timedelta()

    def stamp(self) -> datetime:
        return super().stamp() + self.moved


async def test_a_clock_that_was_set_is_on_the_log_of_the_process_and_nowhere_else(
    config: Path,
) -> None:
    clock = SetClock(NOW)
    async with served(config, clock=clock) as daemon:
        clock.moved = timedelta(hours=-1)
        await ask(daemon, Op.PANIC, wind_down=False)
        clock.moved += timedelta(seconds=1)
        await ask(daemon, Op.RESET_PANIC)

    with open_run(config.parent / "run") as run:
        jumps = [row.data for row in run.process_log() if row.kind == "clock_jumped"]
        stamps = [entry.timestamp for entry in run.entries()]
    assert jumps == ['{"by_s":-3600.0}']
    assert stamps == sorted(stamps)


async def test_bars_that_are_made_meanwhile_are_settled(tmp_path: Path) -> None:
    folder, clock = Folder(tmp_path / "grown", WARMUP + 2), ManualClock(NOW)
    async with served(folder.config, paused=False, clock=clock) as daemon:
        await until(lambda: daemon.life.state is State.WAITING)
        waiting = await ask(daemon, Op.STATUS)
        folder.add(rows(range(WARMUP + 2, WARMUP + 5)))
        clock.advance(60)
        daemon.life.inbox.wake()
        await until(lambda: daemon.life.arena is not None and daemon.life.arena.treasury.tick == 5)
        await ask(daemon, Op.PAUSE)
    async with served(folder.config, paused=False, clock=clock) as daemon:
        again = await ask(daemon, Op.STATUS)

    assert (waiting["tick"], waiting["ticks"], waiting["ready"]) == (2, None, False)
    assert all("nothing after 2024-01-10" in reason for reason in waiting["reasons"])
    assert (again["tick"], again["paused"]) == (5, True)
    assert prove(str(tmp_path / "grown" / "run"), deep=True).ok
