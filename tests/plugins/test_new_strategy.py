"""What `arena new-strategy` writes works at once, and never at the cost of what was there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from actors.app.cli.new_strategy import TEMPLATES
from actors.app.packaged import PACKAGED, config_file

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "pyproject.toml"


def carried_out(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Carry out a module of Python in `folder`."""
    command = [sys.executable, "-m", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_strategy_its_test_and_its_config_work_at_once(arena, tmp_path, template):
    made = arena("new-strategy", "slow-turtle", "--template", template, "--out", tmp_path, "--json")
    plugins = ["-p", "no:cacheprovider", "-W", "error::pytest.PytestCollectionWarning"]
    tested = carried_out(tmp_path, "pytest", "-q", *plugins, made.data["files"]["test"])
    checked = arena("check", made.data["files"]["strategy"], "--quick", "--json")
    config = made.data["files"]["config"]
    ran = arena("run", config, "--set", "run.days=8", "--out", tmp_path / "run", "--json")

    assert made.code == 0
    assert tested.returncode == 0, tested.stdout
    assert checked.data["passed"], checked.out
    assert ran.data["archetypes"]["slow-turtle"]["born"] > 0
    assert ran.data["agents"]["failures"] == 0


@pytest.mark.slow
def test_a_new_strategy_is_as_tidy_as_our_own(arena, tmp_path):
    for template in TEMPLATES:
        arena("new-strategy", f"slow-{template}", "--template", template, "--out", tmp_path)
    code = [tmp_path / f"slow_{template.replace('-', '_')}.py" for template in TEMPLATES]

    typed = carried_out(tmp_path, "mypy", "--strict", *code)
    assert typed.returncode == 0, typed.stdout
    for words in (("check", *code), ("format", "--check", ".")):
        found = carried_out(tmp_path, "ruff", *words, "--config", SETTINGS)
        assert found.returncode == 0, found.stdout


def test_it_says_what_to_do_next(arena, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    said = arena("new-strategy", "breakout").out

    assert said.splitlines()[:3] == [
        "strategy: breakout.py",
        "test: test_breakout.py",
        "config: breakout.toml",
    ]
    assert "try: pytest test_breakout.py" in said
    assert "run breakout.toml" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "breakout.py",
        "breakout.toml",
        "test_breakout.py",
    ]


@pytest.mark.parametrize("there", ["breakout.py", "test_breakout.py", "breakout.toml"])
def test_nothing_is_written_over_and_nothing_is_half_written(arena, tmp_path, there):
    (tmp_path / there).write_text("mine\n")

    answer = arena("new-strategy", "breakout", "--out", tmp_path)

    assert answer.code == 2
    assert f"{tmp_path / there} is there already" in answer.said
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine\n"


@pytest.mark.parametrize(
    "name", ["", "Breakout", "a b", "../up", "9th", "lambda", "match", "random", "arena", "cash"]
)
def test_a_name_that_means_something_else_is_refused(arena, tmp_path, name):
    answer = arena("new-strategy", name, "--out", tmp_path / "out")

    assert answer.code == 2
    assert "NAME: found" in answer.said
    assert not (tmp_path / "out").exists()


# Packaged configs


@pytest.mark.parametrize("name", PACKAGED)
def test_a_packaged_config_goes_by_its_name(arena, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)

    by_name = arena("config", "show", name, "--json").data

    assert by_name == arena("config", "show", ROOT / "config" / f"{name}.toml", "--json").data
    assert f'"config/{name}.toml" = "actors/app/configs/{name}.toml"\n' in SETTINGS.read_text()


def test_a_file_comes_before_a_packaged_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = config_file(Path("quickstart"))
    (tmp_path / "quickstart").mkdir()

    assert before.is_file()
    assert config_file(Path("quickstart")) == Path("quickstart")
    assert config_file(Path("nobody")) == Path("nobody")
