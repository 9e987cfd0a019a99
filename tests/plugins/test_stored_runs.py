"""A run that used plugins can be read without them, and carried on where they are installed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actors.app.experiment import prepare, run_experiment
from tests.plugins.conftest import POLICY, Call, Site, forget, strategy

STEPS = """
[ladder]
seats_max = 3
[rules.seat]
all = [{ metric = "age", op = ">=", value = 7 }]
[rules.entry]
all = [{ metric = "age", op = ">=", value = 7 }]
[allocation]
entrant_days = 8
per_family_bp = 9000
"""
"""Everyone rises, so that a policy has something to weigh."""

PLUGINS = {
    "strategies": {"holder": "lent:Holder"},
    "policies": {"last": "lent:weigh_last"},
}


@pytest.fixture
def lent(site: Site) -> Site:
    """A site with the strategy `holder` and the policy `last`."""
    site.install("arena-lent", {"lent.py": strategy("holder") + POLICY}, **PLUGINS)
    return site


@pytest.fixture
def run(arena: Call, lent: Site, a_config, tmp_path: Path) -> Path:
    """A finished run of both."""
    config = a_config("holder", STEPS + 'policy = "last"\n')
    answer = arena("run", config, "--set", "run.days=40", "--out", tmp_path / "run")
    assert answer.code == 0, answer.err
    return tmp_path / "run"


def events(arena: Call, run: Path, kind: str) -> list[dict[str, Any]]:
    """Return the events of one kind."""
    found = arena("events", "list", run, "--type", kind, "--json")
    return list(found.data["events"])


def a_fork(arena: Call, run: Path, *changes: str) -> Path:
    """Fork `run` in its middle."""
    settled, folder = events(arena, run, "TickSettled"), run.parent / "fork"
    at = settled[len(settled) // 2]["seq"]
    words = [word for change in changes for word in ("--set", change)]
    answer = arena("fork", run, "--at", at, *words, "--out", folder, "--json")
    assert answer.code == 0, answer.err
    return folder


def test_with_its_plugins_a_run_is_carried_out_again_to_the_same_bytes(arena, run):
    again = arena("replay", run, "--re-execute", "--json")

    assert again.code == 0, again.err
    assert again.data["divergence"] is None
    assert again.data["notes"] == []


def test_a_policy_of_a_plugin_divides_the_capital(arena, run):
    reasons = {each["data"]["reason"] for each in events(arena, run, "CapitalAllocated")}

    assert "rebalance" in reasons
    assert events(arena, run, "EvolutionFailed") == []


def test_reading_a_run_needs_no_plugin(arena, run, lent):
    lent.clear()

    assert arena("verify", run).code == 0
    assert arena("replay", run, "--json").data["match"]
    assert arena("leaderboard", run).code == 0
    assert arena("state", run).code == 0
    assert arena("run", "--resume", run, "--json").data["status"] == "completed"


def test_why_asks_the_policy_and_says_so_where_it_cannot(arena, run, lent):
    def explained() -> list[dict[str, Any]]:
        agents = {line["agent"] for line in events(arena, run, "CapitalAllocated")}
        answers = [arena("why", run, "agent", each, "--all", "--json") for each in sorted(agents)]
        return [
            decision
            for answer in answers
            for decision in answer.data["decisions"]
            if decision["kind"] == "allocation" and decision["outcome"] not in {"entry", "entrant"}
        ]

    before = explained()
    lent.clear()
    after = explained()

    assert {each["outcome"] for each in after} == {"untold"}
    assert "untold" not in {each["outcome"] for each in before}
    assert [each["seq"] for each in after] == [each["seq"] for each in before]
    assert [each["numbers"]["moved"] for each in after] == [
        each["numbers"]["moved"] for each in before
    ]
    assert "the policy 'last' weighed it" in after[0]["notes"][0]


def test_a_run_whose_plugin_is_missing_says_which_package_to_install(arena, run, lent):
    lent.clear()

    answer = arena("replay", run, "--re-execute")

    assert answer.code == 2
    assert (
        "not installed here: the strategy 'holder' (lent:Holder of arena-lent 1.0)" in answer.said
    )
    assert "the policy 'last' (lent:weigh_last of arena-lent 1.0)" in answer.said


def test_another_version_of_a_plugin_is_noted(arena, run, lent):
    lent.clear()
    code = strategy("holder") + POLICY
    lent.install("arena-lent", {"lent.py": code}, version="2.0", **PLUGINS)

    notes = arena("replay", run, "--re-execute", "--json").data["notes"]

    assert notes[0].startswith("the run was made with the strategy 'holder'")
    assert notes[0].endswith("this is the strategy 'holder' (lent:Holder of arena-lent 2.0)")


def test_a_change_of_a_plugins_source_is_noted(arena, run, lent):
    path = lent.folder / "lent.py"
    path.write_text(path.read_text() + "# Nothing else.\n")
    forget(lent.folder)

    notes = arena("replay", run, "--re-execute", "--json").data["notes"]

    assert [note.rpartition("; ")[2] for note in notes] == ["its source has changed"] * 2


def test_a_run_that_was_stopped_goes_on_with_its_plugins_only(arena, lent, a_config, tmp_path):
    config = a_config("holder")
    whole = arena("run", config, "--out", tmp_path / "whole", "--json").data
    folder = tmp_path / "stopped"
    stop_after(arena, config, folder, days=5)
    lent.clear()
    without = arena("run", "--resume", folder)
    lent.install("arena-lent", {"lent.py": strategy("holder") + POLICY}, **PLUGINS)

    resumed = arena("run", "--resume", folder, "--json")

    assert without.code == 2
    assert "not installed here" in without.said
    assert resumed.data["head"] == whole["head"]


def stop_after(arena: Call, config: Path, folder: Path, *, days: int) -> None:
    """Leave a run that was stopped after so many days."""
    ticks: list[int] = []
    prepared = prepare(config, (), now=datetime(2026, 1, 1, tzinfo=UTC))
    folder.mkdir()
    asyncio.run(
        run_experiment(prepared, folder, on_tick=ticks.append, stopped=lambda: len(ticks) >= days)
    )


def test_a_fork_can_take_up_a_plugin_that_its_parent_never_named(arena, lent, a_config, tmp_path):
    parent = tmp_path / "parent"
    assert arena("run", a_config("tactical-trader", STEPS), "--out", parent).code == 0

    folder = a_fork(arena, parent, "population.mix={holder=1}", "allocation.policy=last")
    again = arena("replay", folder, "--re-execute", "--json")
    lent.clear()

    assert again.data["divergence"] is None
    assert arena("verify", folder).code == 0
    assert "of arena-lent 1.0" in arena("replay", folder, "--re-execute").said


def test_a_fork_can_name_a_module_that_lies_beside_the_config(arena, a_config, tmp_path):
    config, parent = a_config("tactical-trader"), tmp_path / "parent"
    assert arena("run", config, "--out", parent).code == 0
    (config.parent / "late.py").write_text(strategy("late"))

    folder = a_fork(arena, parent, 'plugins.modules=["late"]', "population.mix={late=1}")
    again = arena("replay", folder, "--re-execute", "--json")

    assert again.data["divergence"] is None
    assert arena("replay", parent, "--re-execute", "--json").data["notes"] == []
