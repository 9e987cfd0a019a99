"""The house is in order: small files, documented modules, no lock, no gap, no loose end."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from actors.app.cli import cli

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for package in ("arena", "actors") for path in (ROOT / package).rglob("*.py"))
CONFIGS = sorted((ROOT / "config").glob("*.toml"))
MIGRATIONS = sorted((ROOT / "migrations").iterdir())

LINES_MAX = 400
FUNCTION_LINES_MAX = 70
LOCKS = {"Lock", "RLock", "Semaphore", "BoundedSemaphore"}
LATER = re.compile("TO" + "DO|FIX" + "ME|XX" + "X")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 100
    assert CONFIGS
    assert MIGRATIONS


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}

    assert {name: length for name, length in lengths.items() if length > LINES_MAX} == {}


def test_every_module_says_what_it_is() -> None:
    assert [name_of(path) for path in MODULES if not ast.get_docstring(parse(path))] == []


def test_no_function_should_be_two() -> None:
    long = {
        f"{name_of(path)}:{node.name}": code_lines(node)
        for path in MODULES
        for node in ast.walk(parse(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and code_lines(node) > FUNCTION_LINES_MAX
    }

    assert long == {}


def test_there_is_no_lock() -> None:
    found = [
        name_of(path)
        for path in MODULES
        for node in ast.walk(parse(path))
        if LOCKS & {getattr(node, field, None) for field in ("attr", "id", "name")}
    ]

    assert found == []


def test_nothing_is_left_for_later() -> None:
    files = [*MODULES, *CONFIGS, *MIGRATIONS]

    assert [name_of(path) for path in files if LATER.search(path.read_text())] == []


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function; its docstring is not counted."""
    first = node.body[0]
    last = node.end_lineno or node.lineno
    if ast.get_docstring(node) is None:
        return last - node.lineno + 1
    return last - node.lineno - (first.end_lineno or first.lineno) + first.lineno


def test_migrations_are_numbered_from_one_without_a_gap() -> None:
    names = [path.name for path in MIGRATIONS]

    assert [name[:4] for name in names] == [f"{n:03d}_" for n in range(1, len(names) + 1)]
    assert all(re.fullmatch(r"[0-9]{3}_[a-z0-9_]+\.sql", name) for name in names)


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_every_config_runs(config: Path, tmp_path: Path) -> None:
    for source in tomllib.loads(config.read_text()).get("market", {}).get("sources", ()):
        data = config.parent / source["path"]
        if not data.exists():
            pytest.skip(f"the market's files are not here: {data.name}")
    words = ["run", str(config), "--set", "run.days=8", "--out", str(tmp_path), "--quiet"]
    try:
        answer = CliRunner().invoke(cli, words)
    finally:
        structlog.reset_defaults()

    assert answer.exit_code == 0, answer.output
    assert "\nledger: balanced\n" in answer.output


def test_every_config_says_at_its_top_how_to_run_it() -> None:
    for config in CONFIGS:
        assert re.search(
            rf"^#     arena (run|serve) {name_of(config)}$", config.read_text(), re.MULTILINE
        )


def test_make_check_asks_for_what_ci_asks_for() -> None:
    makefile, ci = (ROOT / "Makefile").read_text(), (ROOT / ".ci" / "run").read_text()

    for tool in ("ruff format --check .", "ruff check .", "mypy", "lint-imports"):
        assert re.search(rf"/{re.escape(tool)}$", makefile, re.MULTILINE), tool
        assert re.search(rf"/{re.escape(tool)}$", ci, re.MULTILINE), tool


def test_constraints_hold_names_and_versions_only() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!+-]+", line), line


def test_what_is_written_at_run_time_is_not_tracked() -> None:
    ignored = (ROOT / ".gitignore").read_text().split()

    assert {".venv/", "runs/"} <= set(ignored)
