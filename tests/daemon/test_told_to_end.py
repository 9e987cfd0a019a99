"""A daemon ends well whenever it is told to.  These are few times; `make soak-daemon` is many.

A minute of the soak, in which it is killed as well, is a part of `.ci/run`.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.daemon.nursery import ROOT


@pytest.mark.slow
def test_a_daemon_ends_well_whenever_it_is_told_to() -> None:
    command = [sys.executable, "-m", "tests.daemon.terms", "--count", "6"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "| held |" in done.stdout
