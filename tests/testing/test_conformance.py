"""A suite finds what breaks its promises, and needs no plugin of pytest to do so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOUND = {
    "TestLenientJournal": {
        "test_a_gap_is_refused_and_nothing_is_written",
        "test_a_bad_last_entry_takes_the_whole_batch_with_it",
        "test_the_last_two_snapshots_are_kept_newest_first",
    },
    "TestDoubleVenue": {
        "test_a_fill_is_of_its_order_and_of_no_more",
        "test_under_a_known_id_nothing_more_is_executed",
    },
    "TestGenerousPolicy": {"test_together_they_are_no_more_than_there_is"},
    "TestMoodyFeed": {
        "test_the_same_feed_says_the_same_twice",
        "test_every_column_says_what_it_is_and_where_it_is_from",
        "test_bars_open_on_their_grid_and_nothing_is_infinite",
    },
    "TestPeeking": {"test_it_passes_the_gate[poisoned_future]"},
    "TestBroken": {
        "test_it_passes_the_gate[crash]",
        "test_what_is_not_known_does_not_break_it",
    },
}


@pytest.fixture(scope="module")
def failed() -> dict[str, set[str]]:
    """Return suite -> its tests that failed, in a pytest without any other plugin."""
    suites = Path(__file__).with_name("faulty_suites.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-o", "addopts=", "-c", "/dev/null", "--rootdir", ".", str(suites)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, set[str]] = {}
    for suite, test in re.findall(r"^FAILED .*::(\w+)::([\w\[\]]+)", done.stdout, re.MULTILINE):
        found.setdefault(suite, set()).add(test)
    return found


@pytest.mark.parametrize("suite", FOUND)
def test_what_breaks_a_promise_is_found(suite: str, failed: dict[str, set[str]]) -> None:
    names = failed[suite] | {test.partition("[")[0] for test in failed[suite]}

    assert FOUND[suite] <= names


def test_without_pytest_the_error_says_what_is_missing() -> None:
    code = "import sys; sys.modules['pytest'] = None; import actors.testing.conformance"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert "need pytest, which is not installed" in done.stderr
