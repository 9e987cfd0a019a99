"""Packages that are installed for one test, and the command line called inside this process."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import structlog
from click.testing import CliRunner

from actors.app.cli import cli

STRATEGY = """
from arena.strategies import Number, Strategy

class {label}(Strategy):
    \"\"\"Holds a share of BTC.\"\"\"

    name = "{name}"
    family = "holders"
    parameters = (Number(name="share", default=0.5, low=0.1, high=0.9, doc="How much."),)

    def decide(self, market, book, memory):
        return {{"BTC": self.number("share")}}
"""

POLICY = """
from arena.policies import weigh_equal

def weigh_last(candidates, amount, rules):
    \"\"\"Give everyone the same.\"\"\"
    return weigh_equal(candidates, amount, rules)
"""

CONFIG = """
[run]
name = "borrowing"
seed = 7
days = 16
[market]
warmup_days = 30
[population]
agents = 6
mix = {{ "{name}" = 1, defi-yield-farmer = 1 }}
"""


def strategy(name: str, label: str = "Holder") -> str:
    """Return the code of a strategy."""
    return STRATEGY.format(name=name, label=label)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON on the one line of stdout."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def said(self) -> str:
        """What stands on stderr, on one line."""
        return " ".join(self.err.split())


Call: TypeAlias = Callable[..., Answer]


@pytest.fixture
def arena() -> Iterator[Call]:
    def call(*words: object) -> Answer:
        args = [str(word) for word in words]
        result = CliRunner(env={"COLUMNS": None}).invoke(cli, args, prog_name="arena")
        return Answer(result.exit_code, result.stdout, result.stderr)

    yield call
    structlog.reset_defaults()


@dataclass(slots=True)
class Site:
    """A folder on the path, into which packages are put as an installer would."""

    folder: Path
    _there: list[Path] = field(default_factory=list)

    def install(
        self,
        distribution: str,
        files: Mapping[str, str],
        *,
        version: str = "1.0",
        strategies: Mapping[str, str] | None = None,
        policies: Mapping[str, str] | None = None,
    ) -> None:
        """Install a package that offers strategies and policies: name -> `module:attribute`."""
        for name, text in files.items():
            (self.folder / name).write_text(text)
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata)
        lines: list[str] = []
        for kind, offered in (("strategies", strategies), ("policies", policies)):
            lines += [f"[treasury_arena.{kind}]"]
            lines += [f"{name} = {place}" for name, place in (offered or {}).items()]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        self._there += [info, *(self.folder / name for name in files)]
        importlib.invalidate_caches()

    def clear(self) -> None:
        """Uninstall everything."""
        for path in self._there:
            for each in [*path.iterdir()] if path.is_dir() else []:
                each.unlink()
            path.rmdir() if path.is_dir() else path.unlink()
        self._there.clear()
        forget(self.folder)


def forget(folder: Path) -> None:
    """Let nothing be imported any more that came from `folder`."""
    for name, module in [*sys.modules.items()]:
        if (getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture(autouse=True)
def forgetful(tmp_path: Path) -> Iterator[None]:
    """Nothing that a test has written stays imported."""
    yield
    forget(tmp_path)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(folder)
    return Site(folder)


@pytest.fixture
def a_config(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, more: str = "") -> Path:
        folder = tmp_path / "configs"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.toml"
        path.write_text(CONFIG.format(name=name) + more)
        return path

    return write
