"""A plugin is there for whoever names it, and in nobody's way."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from actors.app import Arena
from actors.app.plugins import PluginError, find_plugins
from arena.exceptions import AllocationError
from arena.policies import POLICIES
from arena.strategies import BUILT_IN, Cash, Strategy
from tests.plugins.conftest import POLICY, Site, strategy


def meta(run: Path) -> dict[str, Any]:
    with contextlib.closing(sqlite3.connect(run / "run.db")) as db:
        rows = dict(db.execute("SELECT key, value FROM meta").fetchall())
    return {"plugins": json.loads(rows["plugins"]), "manifest": json.loads(rows["manifest"])}


@pytest.fixture
def holder(site: Site) -> Site:
    """A site with one strategy, `holder`."""
    files = {"holding.py": strategy("holder")}
    site.install("arena-holding", files, strategies={"holder": "holding:Holder"})
    return site


# What is installed


def test_an_installed_strategy_is_one_that_a_config_can_name(arena, holder, a_config, tmp_path):
    answer = arena("run", a_config("holder"), "--out", tmp_path / "run", "--json")

    found = meta(tmp_path / "run")
    assert answer.code == 0, answer.err
    assert answer.data["archetypes"]["holder"]["trades"] > 0
    assert found["manifest"]["catalog"]["holder"]["parameters"][0]["name"] == "share"
    (borrowed,) = found["plugins"]
    assert len(borrowed.pop("sha256")) == 64
    assert borrowed == {
        "kind": "strategy",
        "name": "holder",
        "place": "holding:Holder",
        "distribution": "arena-holding",
        "version": "1.0",
    }


def test_what_is_installed_and_not_named_is_not_imported_and_changes_nothing(
    arena, site, a_config, tmp_path
):
    config = a_config("tactical-trader")
    before = arena("run", config, "--out", tmp_path / "before", "--json").data
    site.install("idle", {"idle.py": "raise OSError\n"}, strategies={"idle": "idle:Idle"})

    after = arena("run", config, "--out", tmp_path / "after", "--json").data

    assert "idle" not in sys.modules
    assert (after["run_id"], after["head"]) == (before["run_id"], before["head"])
    assert meta(tmp_path / "after")["plugins"] == []


@pytest.mark.asyncio
async def test_an_agent_born_by_hand_can_be_what_the_config_names_and_nothing_else(
    holder, a_config
):
    async with Arena.from_config(a_config("holder")) as arena:
        assert await arena.spawn_agent("holder", share=0.2)
    async with Arena.from_config(a_config("tactical-trader")) as arena:
        with pytest.raises(AllocationError) as refused:
            await arena.spawn_agent("holder")

    assert str(sorted(BUILT_IN)) in refused.value.detail


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        ("import not_there_at_all\n", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("def broken(:\n", "SyntaxError"),
        ("", "AttributeError: module 'breaking' has no attribute 'Broken'"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_named_with_its_package_and_its_error(
    arena, site, a_config, tmp_path, code, raised
):
    site.install("arena-broken", {"breaking.py": code}, strategies={"broken": "breaking:Broken"})

    answer = arena("run", a_config("broken"), "--out", tmp_path / "run")

    assert answer.code == 2
    assert "population.mix.broken: found 'broken', needed one that can be used" in answer.said
    assert "breaking:Broken, an entry point in treasury_arena.strategies of" in answer.said
    assert f"arena-broken 1.0: it raised {raised}" in answer.said
    assert not (tmp_path / "run").exists()


def test_a_plugin_that_cannot_be_imported_breaks_no_other_command(arena, site, a_config):
    site.install(
        "arena-broken",
        {"breaking.py": "1 / 0\n"},
        strategies={"broken": "breaking:Broken"},
        policies={"broken-too": "breaking:weigh"},
    )

    listed = arena("list-strategies", "--json")

    assert arena("config", "validate", a_config("cash")).code == 0
    assert listed.code == 0
    assert [each["name"] for each in listed.data["problems"]] == ["broken", "broken-too"]
    assert {each["name"] for each in listed.data["strategies"]} == {*BUILT_IN}


@pytest.mark.parametrize(
    ("name", "label", "wrong"),
    [
        ("holder", "NotThere", "has no attribute 'NotThere'"),
        ("other", "Holder", "its own name is 'holder'"),
        ("number", "NUMBER", "it is no subclass of arena.strategies.Strategy"),
        ("Loud", "Holder", "a name is a small letter, then"),
    ],
)
def test_a_plugin_that_is_not_what_it_says_is_refused(site, name, label, wrong):
    code = f"{strategy('holder')}\nNUMBER = 5\n"
    site.install("arena-odd", {"odd.py": code}, strategies={name: f"odd:{label}"})

    with pytest.raises(PluginError, match=wrong):
        find_plugins().strategies[name]


def test_a_policy_must_be_something_that_can_be_called(site):
    site.install("arena-odd", {"odd.py": "weigh = 5\n"}, policies={"odd": "odd:weigh"})

    with pytest.raises(PluginError, match="it cannot be called"):
        find_plugins().policies["odd"]


def test_the_gate_checks_a_strategy_that_is_installed(arena, holder):
    checked = arena("check", "holder", "--quick", "--json")

    assert checked.code == 0, checked.err
    assert checked.data["strategy"] == "holder"


# Two of one name


def test_a_name_that_is_built_in_means_two_things_and_both_are_named(arena, site, a_config):
    files = {"own_cash.py": strategy("cash")}
    site.install("arena-cash", files, strategies={"cash": "own_cash:Holder"})

    answer = arena("config", "validate", a_config("tactical-trader"))

    assert answer.code == 2
    assert "more than one has this name" in answer.said
    assert "arena.strategies.baselines:Cash, which is built in" in answer.said
    assert "own_cash:Holder, an entry point in treasury_arena.strategies of" in answer.said


def test_two_packages_with_one_name_are_both_named_where_it_is_used(arena, site, a_config):
    for name in ("one", "other"):
        files = {f"{name}_holding.py": strategy("holder")}
        site.install(f"arena-{name}", files, strategies={"holder": f"{name}_holding:Holder"})

    answer = arena("config", "validate", a_config("holder"))

    assert answer.code == 2
    assert "arena-one 1.0" in answer.said
    assert "arena-other 1.0" in answer.said
    assert arena("config", "validate", a_config("cash")).code == 0


def test_a_catalog_that_a_caller_gives_stands_beside_plugins(holder):
    class Mine(Strategy):
        name = "mine"
        family = "mine"

        decide = Cash.decide

    known = find_plugins(catalog={"mine": Mine}).strategies

    assert [*known] == ["mine", "holder"]
    assert known["mine"] is Mine
    assert known["holder"].name == "holder"


# Modules that a config names


def test_a_module_beside_the_config_brings_its_strategies_and_policies(
    arena, a_config, tmp_path, monkeypatch
):
    config = a_config("local", '[plugins]\nmodules = ["rules"]\n[allocation]\npolicy = "last"\n')
    (config.parent / "rules.py").write_text(strategy("local", "Local") + POLICY)
    monkeypatch.chdir(tmp_path)

    answer = arena("run", config, "--out", tmp_path / "run", "--json")

    assert answer.code == 0, answer.err
    assert {each["name"]: each["distribution"] for each in meta(tmp_path / "run")["plugins"]} == {
        "local": None,
        "last": None,
    }
    assert str(config.parent) not in sys.path


def test_a_module_in_a_package_brings_what_the_package_defines(tmp_path):
    package = tmp_path / "mine"
    package.mkdir()
    (package / "inner.py").write_text(strategy("inner", "Inner"))
    (package / "__init__.py").write_text(
        "from arena.strategies import Cash, Strategy\nfrom mine.inner import Inner\n"
        "class _Base(Strategy):\n    name = 'base'\n    family = 'f'\n    decide = Cash.decide\n"
    )

    found = find_plugins(["mine"], tmp_path)

    assert [*found.strategies] == [*BUILT_IN, "inner"]
    assert str(found.strategies.source("inner")).startswith("mine.inner:Inner, of a module")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise RuntimeError('no')\n", "importing it: it raised RuntimeError: no"),
        ("X = 1\n", "it holds no strategy with a name, and no function weigh_*"),
        ("from arena.policies import weigh_equal\n", "it holds no strategy with a name"),
        (None, "No module named 'rules'"),
    ],
)
def test_a_module_that_cannot_be_used_is_named_with_the_reason(arena, a_config, code, why):
    config = a_config("cash", '[plugins]\nmodules = ["rules"]\n')
    if code is not None:
        (config.parent / "rules.py").write_text(code)

    answer = arena("run", config)

    assert answer.code == 2
    assert f"{config}: plugins.modules: found 'rules', needed one that can be used" in answer.said
    assert why in answer.said


def test_a_module_is_not_taken_for_another_one_of_its_name(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rules.py").write_text(strategy(name))
    find_plugins(["rules"], tmp_path / "one")

    with pytest.raises(PluginError, match="is hidden by"):
        find_plugins(["rules"], tmp_path / "other")


def test_without_plugins_there_is_what_is_built_in():
    found = find_plugins()

    assert {name: found.strategies[name] for name in BUILT_IN} == BUILT_IN
    assert {name: found.policies[name] for name in POLICIES} == POLICIES
    with pytest.raises(KeyError):
        found.strategies["nobody"]


def test_what_is_unknown_is_answered_with_the_nearest_name_that_is_installed(
    arena, holder, a_config
):
    answer = arena("config", "validate", a_config("holdr"))

    assert answer.code == 2
    assert "did you mean 'holder'?" in answer.said


# What a reader is shown


def test_the_list_says_where_each_comes_from(arena, holder, a_config):
    config = a_config("local", '[plugins]\nmodules = ["rules"]\n')
    (config.parent / "rules.py").write_text(strategy("local", "Local") + POLICY)

    data = arena("list-strategies", config, "--json").data
    shown = arena("list-strategies", config).out

    origins = {each["name"]: each["origin"] for each in data["strategies"] + data["policies"]}
    assert origins["cash"] == "built in"
    assert origins["holder"] == "arena-holding 1.0"
    assert origins["local"] == origins["last"] == "a module that the config names"
    assert "holder (holders), arena-holding 1.0\n" in shown
    assert "Give everyone the same." in shown
