"""A daemon that is refused leaves nothing, and what a signal does names the run it is done to."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.contextvars import get_contextvars

from actors.app.cli.serve import _of_its_run
from actors.app.daemon import signals

CONFIG = """
[run]
name = "refused"
[http]
bind = "127.0.0.1:0"
token_file = "token"
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config whose token is not there; this process keeps its signals and its umask."""
    monkeypatch.setattr(signals, "end_early_when_told", lambda: None)
    monkeypatch.setattr(os, "umask", lambda _: 0)
    path = tmp_path / "refused.toml"
    path.write_text(CONFIG)
    return path


def test_a_daemon_that_is_refused_leaves_no_folder(arena, config, tmp_path):
    answer = arena("serve", config, "--out", tmp_path / "run")

    assert answer.code == 2
    assert "http.token_file" in answer.err
    assert not (tmp_path / "run").exists()


def test_a_folder_that_was_there_stays_with_what_is_in_it(arena, config, tmp_path):
    for name in ("empty", "full"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "notes").touch()

    for name in ("empty", "full"):
        assert arena("serve", config, "--out", tmp_path / name).code == 2

    assert [*(tmp_path / "empty").iterdir()] == []
    assert [*(tmp_path / "full").iterdir()] == [tmp_path / "full" / "notes"]


@pytest.mark.parametrize("out", ["file", "file/run"])
def test_a_file_is_no_folder_to_serve_from(arena, config, tmp_path, out):
    (tmp_path / "file").touch()

    answer = arena("serve", config, "--out", tmp_path / out)

    assert answer.code == 2
    assert f"--out: found '{tmp_path / out}', needed a folder, not a file" in answer.err


@pytest.mark.parametrize(("run_id", "named"), [(None, {}), (7, {"run_id": "7"})])
def test_what_a_signal_does_is_logged_with_the_run(run_id, named):
    daemon: Any = SimpleNamespace(life=SimpleNamespace(arena=run_id and SimpleNamespace(run_id=7)))
    seen: list[dict[str, Any]] = []

    _of_its_run(daemon, lambda: seen.append(get_contextvars()))()

    assert seen == [named]
