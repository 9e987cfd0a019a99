"""The proof's table says what its parts counted, and whether that is how it must be."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.powercut.__main__ import Line
from tests.proof import (
    ROOT,
    Part,
    Row,
    carry_out,
    read_cuts,
    read_kills,
    read_soak,
    read_tampering,
    read_tests,
)
from tests.tamper.__main__ import Line as Tampered


def test_every_line_of_the_power_cuts_is_a_row() -> None:
    lines = [
        Line("cut, drop", "896 operations", 897, 17894),
        Line("each operation fails", "9 refused", 30),
        Line("cut, drop, synchronous=NORMAL", "852 operations", 853, 17074, 1859, control=True),
    ]

    drop, fails, control = read_cuts(json.dumps([line._asdict() for line in lines]))

    assert (drop.size, drop.crashes, drop.acked, drop.lost) == ("896 operations", 897, 17894, 0)
    assert (fails.crashes, fails.acked) == (30, None)
    assert [row.verdict for row in (drop, fails, control)] == ["held", "held", "found out"]


def test_what_went_unseen_breaks_its_row() -> None:
    lines = [Tampered("bytes of events", 140_000, 0, ""), Tampered("bytes of trades", 9, 1, "x")]

    events, trades = read_tampering(json.dumps([line._asdict() for line in lines]))

    assert (events.size, events.verdict) == ("140,000 places", "held")
    assert (trades.size, trades.verdict) == ("9 places", "BROKEN")


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("part", "1", lost=0), "held"),
        (Row("part", "1", lost=1), "BROKEN"),
        (Row("part", "1", lost=0, twice=1), "BROKEN"),
        (Row("part", "1", wrong=1), "BROKEN"),
        (Row("part", "1", lost=3, wrong=9, control=True), "found out"),
        (Row("part", "1", lost=0, control=True), "NOT FOUND OUT"),
    ],
)
def test_a_part_holds_if_nothing_was_lost_and_a_control_if_something_was(
    row: Row, verdict: str
) -> None:
    assert row.verdict == verdict


def test_a_seed_that_broke_a_promise_breaks_the_soak() -> None:
    report = {"seeds": 3, "duplicates": 611, "crashes": 15, "acked": 96, "lost": 0, "violations": 1}

    (row,) = read_soak(json.dumps(report))

    assert (row.size, row.verdict) == ("3 seeds, 611 repeats", "BROKEN")


def test_a_problem_that_is_no_loss_breaks_a_part_too() -> None:
    tally = {
        "size": 2,
        "kills": 9,
        "acked": 50,
        "lost": 0,
        "duplicates": 0,
        "notes": {"s at most": 1.5},
    }

    (good,) = read_kills("killed run", json.dumps({**tally, "problems": []}), control=False)
    (bad,) = read_kills("killed run", json.dumps({**tally, "problems": ["?"]}), control=False)

    assert (good.size, good.verdict, bad.verdict) == ("2 runs, 1.5 s at most", "held", "BROKEN")


def test_a_test_that_failed_breaks_a_part() -> None:
    assert read_tests("109 passed in 3.1s")[0].good
    assert not read_tests("1 failed, 108 passed in 3.1s")[0].good


@pytest.mark.parametrize("printed", ["", "109 passed in 3.1s"])
def test_a_command_that_failed_breaks_its_part_whatever_it_had_printed(printed: str) -> None:
    rows = carry_out(Part(("-c", f"print({printed!r}); raise SystemExit(3)"), read_tests))

    assert [row[1] for row in rows][-1] == "exit 3"
    assert [row[-1] for row in rows][-1] == "BROKEN"


@pytest.mark.slow
def test_the_runner_prints_a_table_of_what_it_was_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.proof", "--size", "glance", "--only", "client"],
        cwd=ROOT, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "| killed server, outside client | 1 run, " in done.stdout
    assert "+ python -m tests.kills client --count 2\n" in done.stderr
