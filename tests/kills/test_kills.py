"""Nothing acknowledged is lost, whenever the process is killed.

These are few of each; `make proof` and `make soak` are many.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # The disk is shared with who knows whom.

ROOT = Path(__file__).parents[2]


def carried_out(part: str, *words: object) -> dict[str, Any]:
    """Return the tally of `python -m tests.kills PART`: in a process without a second thread."""
    command = [sys.executable, "-m", "tests.kills", part, *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.stdout, done.stderr
    tally: dict[str, Any] = json.loads(done.stdout)
    tally["said"] = done.stderr
    return tally


def test_a_run_that_was_killed_ends_as_if_it_never_had_been() -> None:
    tally = carried_out("runs", "--count", 20, "--days", 12)

    assert (tally["problems"], tally["lost"]) == ([], 0), tally["said"]
    assert tally["kills"] == 20


def test_what_a_client_was_told_is_there_after_the_server_was_killed() -> None:
    tally = carried_out("client", "--count", 20)

    assert (tally["problems"], tally["lost"], tally["duplicates"]) == ([], 0, 0), tally["said"]
    assert tally["kills"] == 20
    assert tally["notes"]["repeats"] > 0


def test_a_server_that_answers_before_it_commits_is_found_out() -> None:
    tally = carried_out("control", "--count", 10)

    assert tally["lost"] > 0, tally["said"]


def test_one_of_twenty_writes_and_one_that_was_robbed_of_its_lock_does_not() -> None:
    tally = carried_out("locks", "--count", 1)

    assert (tally["problems"], tally["lost"]) == ([], 0), tally["said"]
    assert tally["kills"] == 20


def test_a_run_that_was_asked_to_stop_goes_on_as_if_it_never_had_been() -> None:
    tally = carried_out("signals", "--count", 5, "--days", 12)

    assert (tally["problems"], tally["lost"]) == ([], 0), tally["said"]
    assert tally["kills"] == 5


def test_after_an_emergency_stop_nothing_is_executed_in_any_later_life() -> None:
    tally = carried_out("stops", "--count", 12)

    assert (tally["problems"], tally["lost"], tally["duplicates"]) == ([], 0, 0), tally["said"]
    assert tally["kills"] == 12
    assert tally["acked"] > 1_000
