"""What the daemons of these tests share: one process that forks them, and a small config."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon.nursery import Nursery
from tests.daemon.served import Served

CONFIG = """
[run]
name = "served"
days = 500
[market]
warmup_days = 40
[http]
enabled = false
[daemon]
drain_s = 60
[population]
agents = 6
baselines = ["cash"]
[evolution]
cycle_days = 5
[ladder]
gate_required = false
"""

Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "served.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def serve(nursery: Nursery, config: Path, tmp_path: Path) -> Iterator[Serve]:
    """Make runs to serve; in the end none of their processes is left."""
    made: list[Served] = []

    def make(*words: str, config: Path = config, folder: Path = tmp_path / "run") -> Served:
        made.append(Served(nursery, folder, config, *words))
        return made[-1]

    yield make
    for each in made:
        each.end()
