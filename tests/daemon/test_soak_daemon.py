"""What a daemon was told to do is done, and once, whenever it is killed or told to end.

These are few of each; `make soak-daemon` is many.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.daemon.nursery import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def carried_out(part: str, *words: object) -> str:
    """Return the last row of the table that `python -m tests.daemon.PART` prints."""
    command = [sys.executable, "-m", f"tests.daemon.{part}", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(line for line in reversed(done.stdout.splitlines()) if line.startswith("|"))


def test_a_daemon_that_is_killed_while_everybody_asks_it_loses_nothing() -> None:
    assert carried_out("soak", "--seconds", 60, "--agents", 40).endswith("| held |")


def test_a_daemon_ends_well_whenever_it_is_told_to() -> None:
    assert carried_out("terms", "--count", 10).endswith("| held |")
