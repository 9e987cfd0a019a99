"""What keeps a daemon from being seen is said before it begins anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from actors.app.control.errors import SocketTakenError
from actors.app.control.place import make_socket
from actors.app.daemon import face
from actors.app.daemon.face import Face
from actors.app.daemon.serving import Serving, prepare_serving
from actors.runtime import WallClock
from arena.exceptions import ValidationError


def one(tmp_path: Path) -> Serving:
    config = tmp_path / "one.toml"
    config.write_text('[run]\nname = "one"\ndays = 1\n[http]\nbind = "127.0.0.1:0"\n')
    return prepare_serving(config, (), tmp_path / "run")


def test_http_without_what_serves_it_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face, "find_spec", lambda _: None)

    with pytest.raises(ValidationError, match=r"\[serve\].*--no-web"):
        Face(one(tmp_path), WallClock())


def test_a_run_that_is_served_is_named_before_its_port_is(tmp_path: Path) -> None:
    serving = one(tmp_path)

    with make_socket(serving.socket), pytest.raises(SocketTakenError, match=f"{os.getpid()} lis"):
        Face(serving, WallClock())
