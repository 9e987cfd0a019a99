"""A person who asks why gets lines that can be read, and a program gets the numbers."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest


def outcomes(data: dict[str, Any]) -> list[str]:
    return [each["outcome"] for each in data["decisions"]]


def someone(arena, lively: Path, outcome: str) -> str:
    """Return an agent about whom the run decided `outcome`."""
    kinds = {"killed": "AgentKilled", "demoted": "AgentDemoted", "entry": "AgentGraduated"}
    found = arena("events", "list", lively, "--type", kinds[outcome], "--limit", 1000, "--json")
    rows = [row for row in found.data["events"] if row["data"].get("to_layer") != "proving"]
    agent: str = rows[0]["agent"]
    return agent


@pytest.mark.parametrize("outcome", ["killed", "demoted", "entry"])
def test_a_decision_is_told_with_rule_margin_and_what_would_have_flipped_it(arena, lively, outcome):
    agent = someone(arena, lively, outcome)
    answer = arena("why", lively, "agent", agent)
    data = arena("why", lively, "agent", agent, "--json").data

    assert answer.code == 0
    assert answer.out.startswith(agent)
    assert outcome in outcomes(data)
    one = next(each for each in data["decisions"] if each["outcome"] == outcome)
    assert one["rule"]
    assert f"(seq {one['seq']})" in answer.out
    assert f"-> {one['flip']}"[:40] in answer.out


def test_the_lines_are_short_enough_to_be_read(arena, lively):
    for agent in (someone(arena, lively, "killed"), someone(arena, lively, "entry")):
        lines = arena("why", lively, "agent", agent, "--all").out.splitlines()

        assert max(map(len, lines)) <= 100


def test_a_narrow_screen_gets_narrow_lines(arena, lively, monkeypatch):
    monkeypatch.setattr("actors.app.render.screen_width", lambda: 60)
    lines = arena("why", lively, "seq", 100).out.splitlines()

    assert max(map(len, lines)) <= 60


def test_all_cycles_are_told_when_they_are_asked_for(arena, lively):
    agent = someone(arena, lively, "entry")
    some = arena("why", lively, "agent", agent, "--json").data["decisions"]
    every = arena("why", lively, "agent", agent, "--all", "--json").data["decisions"]

    assert len(some) < len(every)
    assert [one for one in every if one["changed"]] == [one for one in some if one["changed"]]
    assert {one["cycle"] for one in every} >= {*range(1, 12)}


@pytest.mark.parametrize("name", ["cash", "baseline-cash"])
def test_a_baseline_is_explained_as_one(arena, lively, name):
    answer = arena("why", lively, "agent", name)

    assert answer.code == 0
    assert "a baseline: outside the population" in answer.out
    assert "a baseline never gets one" in answer.out


def test_before_its_first_cycle_there_is_only_its_birth(arena, small, tmp_path):
    arena("run", small, "--set", "run.days=3", "--out", tmp_path / "short")
    answer = arena("why", tmp_path / "short", "agent", "g000-001")

    assert answer.code == 0
    assert "it was born" in answer.out
    assert "no cycle has decided about it yet" in answer.out


def test_an_event_is_traced_in_words_down_to_its_command(arena, lively):
    paid = arena("events", "list", lively, "--type", "CapitalAllocated", "--json").data["events"]
    seq = paid[0]["seq"]
    answer = arena("why", lively, "seq", seq)
    data = arena("why", lively, "seq", seq, "--json").data

    assert "received $1,000.00 from pool:proving: seat" in answer.out
    assert "RunCycle" in answer.out
    assert answer.out.splitlines()[-1].strip().startswith("by the command tick-")
    assert [each["type"] for each in data["chain"]][-1] == "TickSettled"
    assert (data["command"], data["command_id"][:5]) == ("SettleTick", "tick-")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("agent", "g000-01"), "did you mean"),
        (("seq", "0"), "which has 1.."),
        (("seq", "1000000"), "which has 1.."),
        (("seq", "one"), "not the number of an event"),
        (("seq", "5", "--all"), "--all is for an agent"),
        (("event", "5"), "'event' is not one of"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_a_hint(arena, lively, words, hint):
    answer = arena("why", lively, *words)

    assert answer.code == 2
    assert hint in answer.err


def test_asking_why_leaves_a_run_as_it_was(arena, lively, tmp_path):
    copy = Path(shutil.copytree(lively, tmp_path / "copy"))
    before = hashlib.sha256((copy / "run.db").read_bytes()).hexdigest()

    assert arena("why", copy, "agent", "g000-001").code == 0
    assert arena("why", copy, "seq", 100).code == 0
    assert arena("state", copy, "--at", 100).code == 0
    assert hashlib.sha256((copy / "run.db").read_bytes()).hexdigest() == before


def test_a_cause_that_is_not_earlier_is_damage_and_no_endless_walk(arena, copied):
    with closing(sqlite3.connect(copied / "run.db", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER events_update")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("UPDATE events SET caused_by = 60 WHERE seq = 20")
    answer = arena("why", copied, "seq", 20)

    assert answer.code == 3
    assert "seq 20" in answer.err
