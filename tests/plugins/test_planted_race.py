"""The race that was planted in the example is found by a sweep, which prints its seed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "arena-momentum"
RACE = "tests/planted_race.py"

pytestmark = pytest.mark.slow


def pytest_on(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the example's tests from its folder, without installing it."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(EXAMPLE / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    named = ["-p", "actors.testing.plugin", "-p", "asyncio", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *named, *words]
    return subprocess.run(
        command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, check=False
    )


def test_a_sweep_finds_the_race_and_its_seed_replays_it() -> None:
    found = pytest_on(RACE)
    (said,) = set(re.findall(r'pytest "(\S+)" --arena-seed (\d+)', found.stdout))
    again = pytest_on(said[0], "--arena-seed", said[1])

    assert found.returncode == again.returncode == 1
    assert "assert 200000000 == 100000000" in found.stdout
    assert "assert 200000000 == 100000000" in again.stdout
    assert "when it was run once more" not in found.stdout


def test_the_first_seed_does_not_show_it() -> None:
    assert pytest_on(RACE, "--arena-seed", "0").returncode == 0
