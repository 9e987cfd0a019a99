"""What was asked from outside is kept word by word, comes back as it was, and cannot be changed."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.arena import Arena
from actors.journal.bodies import body_hash, body_of, command_of
from actors.journal.chain import run_id_of
from actors.journal.memory import MemoryJournal
from actors.journal.reader import open_run
from actors.journal.schema import migrate
from actors.journal.sqlite import SqliteJournal
from actors.journal.verify import verify
from actors.messages.allocator import CONTROL, Clocked, Probe
from arena import commands as c
from arena.events import AgentFailed
from arena.exceptions import EventSourcingError
from arena.experiment import manifest
from arena.ids import AgentId
from arena.money import Money
from arena.orders import Order
from arena.words import Action, Layer, StopMode
from tests.worlds import a_run

ADA = AgentId("g000-001")
FAILED = AgentFailed(agent_id=ADA, tick=3, kind="raised", message='"ä" \n 漢')
TRADE = Order(order_id="by-hand", agent_id=ADA, instrument="btc", quantity=-0.25)
COMMANDS: tuple[c.Command, ...] = (
    c.OpenArena(command_id="1"),
    c.SettleTick(command_id="2", tick=4, prices={"btc": (1.5, 2.0)}, failures=(FAILED,)),
    c.RequestCapital(command_id="3", agent_id=ADA, amount=None),
    c.ReturnCapital(command_id="4", agent_id=ADA, amount=Money(5)),
    c.AllocateCapital(command_id="5", agent_id=ADA, amount=Money(-5)),
    c.RunCycle(command_id="6", failures=(FAILED,)),
    c.KillUnderperformers(command_id="7"),
    c.GraduateAgent(command_id="8", agent_id=ADA, layer=Layer.ARENA),
    c.SpawnAgent(command_id="9", strategy="s", parameters={"a": 1, "b": 1.0, "c": None}),
    c.MutateAgent(command_id="10", parent=ADA),
    c.HaltTrading(command_id="11", reason="{", mode=StopMode.WIND_DOWN),
    c.ResumeTrading(command_id="12", reason="ü"),
    c.SubmitTrade(command_id="trade-by-hand", order=TRADE),
    c.ConfigureProtocol(command_id="13", protocol="aave", enabled=False),
    c.SetPositionLimit(command_id="14", instrument="btc", most=Money(7)),
    c.CheckConservation(command_id="15", real={"market": -1}, virtual={}),
    c.RecordCheck(command_id="16", strategy="s", checks={"a": True, "b": None}),
    c.RecordNote(command_id="17", kind="k", data={"x": 1.0, "y": False, "z": "\u2028"}),
    c.ForkRun(command_id="18", parent_hash="f", changes={"a.b": "[]"}, manifest="{}"),
    c.CompleteRun(command_id="19"),
    c.KillAgent(command_id="20", agent_id=ADA),
    c.PauseAgent(command_id="21", agent_id=ADA),
    c.UnpauseAgent(command_id="22", agent_id=ADA),
    c.OnBehalf(command_id="23", by="ada", reason="", action=Action.PAUSE),
    c.OnBehalf(
        command_id="24",
        by="ada",
        reason="für uns",
        action=Action.SPAWN,
        command=c.SpawnAgent(command_id="24", strategy="s", parameters={"a": 1.0}),
    ),
)


def test_there_is_an_example_of_every_command() -> None:
    assert {type(command) for command in COMMANDS} == set(get_args(c.Command))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_command_comes_back_from_its_body(command: c.Command) -> None:
    body = body_of(command)

    assert command_of(body) == command
    assert body_hash(body) == sha256(body.encode()).hexdigest()


@given(
    kind=st.text(st.characters(codec="utf-8")),
    data=st.dictionaries(
        st.text(st.characters(codec="utf-8")),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="utf-8")),
    ),
)
def test_so_does_whatever_somebody_notes(kind: str, data: dict[str, object]) -> None:
    note = c.RecordNote(command_id="n", kind=kind, data=data)  # type: ignore[arg-type]

    assert body_of(command_of(body_of(note))) == body_of(note)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "Nothing{}",
        "PauseAgent",
        "PauseAgent[]",
        'PauseAgent{"agent_id":"a"}',
        'PauseAgent{"agent_id":"a", "command_id":"x"}',
        'PauseAgent{"agent_id":"a","command_id":"x","more":1}',
        'RecordNote{"command_id":"x","data":{"a":[]},"kind":"k"}',
        'OnBehalf{"action":"fly","by":"a","command":{},"command_id":"x","reason":""}',
        'OnBehalf{"action":"kill","by":"a","command":null,"command_id":"x","reason":""}',
        'OnBehalf{"action":"evolve","by":"a","command":{},"command_id":"x","reason":""}',
    ],
)
def test_what_is_no_body_is_named(body: str) -> None:
    with pytest.raises(EventSourcingError):
        command_of(body)


async def _asked(folder: Path) -> None:
    experiment, market = a_run(days=3, agents=2)
    facts = manifest(experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, {})
    async with Arena(experiment, market, journal) as arena:
        await arena.backtest(1)
        await arena.emit_event("seen", {"n": 1})
        await arena.kill_underperformers()
        note = c.RecordNote(command_id="clocked", kind="k")
        stamp = "2030-01-01T00:00:00.000000Z"
        await arena.cast.ask_allocator.ask(Clocked(note, stamp), timeout_s=60, lane=CONTROL)
        await arena.verify_capital_conservation()


def test_what_comes_from_outside_has_one_and_what_actors_ask_has_none(tmp_path: Path) -> None:
    asyncio.run(_asked(tmp_path))

    with open_run(tmp_path) as run:
        names = [row[0] for row in run.connection.execute("SELECT command_id FROM commands")]
        rows = [row for name in names if (row := run.command(name)) is not None]
        assert run.command("never") is None

    kept = {row.command_id.split("-")[0] for row in rows if row.body is not None}
    assert kept == {"open", "note", "kill"}
    assert {row.command_id.split("-")[0] for row in rows} == kept | {"tick", "audit", "clocked"}
    assert all(body_hash(row.body) == row.body_hash for row in rows if row.body is not None)
    assert verify(tmp_path).ok


@pytest.mark.parametrize("change", ["replace(body, '1', '2')", "NULL", "''"])
def test_a_body_that_was_changed_is_found(tmp_path: Path, change: str) -> None:
    asyncio.run(_asked(tmp_path))
    with closing(sqlite3.connect(tmp_path / "run.db", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER commands_update")
        connection.execute(f"UPDATE commands SET body = {change} WHERE command_id LIKE 'note-%'")

    found = [str(each) for each in verify(tmp_path).findings]

    assert any("'note-" in each and "does not have its" in each for each in found)


def test_a_run_of_an_older_schema_remembers_its_commands_without_bodies(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA application_id = 0x41524E41")
        migrate(connection, 4)
        connection.execute("INSERT INTO commands VALUES ('old', 'hash', NULL, 0, 'digest')")

    with open_run(path) as run:
        row = run.command("old")

    assert row is not None
    assert (row.body_hash, row.body) == ("hash", None)


@pytest.mark.asyncio
async def test_a_probe_is_answered_after_what_came_before_it_and_causes_nothing() -> None:
    experiment, market = a_run(days=2, agents=2)
    journal = MemoryJournal(manifest(experiment))
    async with Arena(experiment, market, journal) as arena:
        async with asyncio.TaskGroup() as group:
            notes = [group.create_task(arena.emit_event(f"n{n}")) for n in range(3)]
            await asyncio.sleep(0)  # They are in the mailbox now.
            answer = await arena.cast.ask_allocator.ask(Probe(), timeout_s=60, lane="api")

        last = journal.entries[-1]
        assert answer.receipt == notes[-1].result().receipt == (last.seq, last.hash)
        assert (answer.events, answer.refusal) == ((), None)
        assert [each.command_id for each in journal.entries[-3:]] == [*journal.commands][-3:]
