"""Costs on trial: the same run at other costs, and the multiple at which profit ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.settings import load_settings
from actors.app.stress import MULTIPLES, NO_COSTS, break_even, prepare_stress
from actors.journal.reader import open_run
from arena.execution import CostModel
from tests.worlds import NOW

ARENA = (sys.executable, "-c", "from actors.app.cli import cli; cli(prog_name='arena')")


@pytest.fixture(scope="module")
def tried(small, tmp_path_factory):
    """Return the folder of a trial, and what was printed."""
    from tests.actors.app.conftest import call  # noqa: PLC0415  # the fixture's own way to call

    folder = tmp_path_factory.mktemp("tried")
    answer = call("run", small, "--cost-stress", "--json", "--out", folder)
    assert answer.code == 0, answer.err
    return folder, answer.data


def test_each_multiple_has_a_run_of_its_own(tried):
    folder, data = tried

    assert [line["multiple"] for line in data["multiples"]] == [0, 1, 2, 4]
    assert data["status"] == "completed"
    for line in data["multiples"]:
        assert line["path"] == str(folder / f"{line['multiple']}x" / "run.db")
        with open_run(line["path"]) as run:
            assert run.head().hash == line["head"]


def test_the_run_at_one_is_the_plain_run(tried, finished):
    folder, _ = tried

    with open_run(folder / "1x") as one, open_run(finished) as plain:
        assert one.manifest() == plain.manifest()
        assert [*one.entries()] == [*plain.entries()]


def test_every_cost_is_multiplied_and_nothing_else(small):
    runs = dict(prepare_stress(small, (), now=NOW))
    plain = runs[1].experiment.terms

    for multiple, prepared in runs.items():
        terms = prepared.experiment.terms
        for field in fields(CostModel):
            before = getattr(plain.costs, field.name)
            expected = before if field.name in NO_COSTS else before * multiple
            assert getattr(terms.costs, field.name) == expected
        assert replace(terms, costs=plain.costs) == plain
        assert replace(prepared.experiment, terms=plain) == runs[1].experiment


def test_every_key_of_the_costs_is_a_cost_or_is_known_to_be_none(small):
    keys = set(load_settings(small).costs.model_dump())

    assert keys - NO_COSTS <= {field.name for field in fields(CostModel)}
    assert NO_COSTS & keys >= {"trade_min"}


def test_nobody_pays_at_zero_and_four_times_the_costs_are_seen(tried):
    _, data = tried
    paid = {line["multiple"]: line["costs"] for line in data["multiples"]}

    assert paid[0] == 0
    assert 0 < paid[1] < paid[2] < paid[4]


def test_a_run_of_the_trial_can_be_replayed(arena, tried):
    folder, _ = tried

    answer = arena("replay", folder / "4x", "--re-execute", "--json")

    assert answer.data["match"] is True


def test_people_see_each_multiple_and_where_profit_ends(arena, small, tmp_path):
    words = ("--set", "run.days=3", "--set", "costs.fee_bps=200.0")

    out = arena("run", small, *words, "--cost-stress", "--out", tmp_path).out

    for multiple in MULTIPLES:
        assert f" {multiple} x " in out
    for word in ("break-even", "treasury", "tactical-trader", "costs paid"):
        assert word in out


def test_without_out_the_trial_has_a_folder_of_its_own(arena, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    arena("run", small, "--set", "run.days=1", "--cost-stress")

    found = {str(path.parent) for path in tmp_path.glob("runs/*/*/run.db")}
    assert found == {str(tmp_path / "runs" / "small-stress-1" / f"{n}x") for n in MULTIPLES}


def test_costs_that_cannot_be_multiplied_are_refused_before_anything_runs(arena, small, tmp_path):
    words = ("--set", "costs.fee_bps=400.0", "--cost-stress")

    answer = arena("run", small, *words, "--out", tmp_path / "none")

    assert answer.code == 2
    assert "costs.fee_bps: found 1600.0, needed" in answer.err
    assert not (tmp_path / "none").exists()


def test_a_trial_is_begun_anew_and_not_resumed(arena, tried):
    answer = arena("run", "--resume", tried[0] / "2x", "--cost-stress")

    assert answer.code == 2
    assert "--resume takes no CONFIG, and no option of a new run" in answer.err


@pytest.mark.slow
def test_a_trial_that_is_interrupted_says_what_is_there(small, tmp_path):
    words = ("run", small, "--set", "run.days=3000", "--cost-stress", "--out", tmp_path / "run")
    process = subprocess.Popen(
        [*ARENA, *map(str, words)],
        env=os.environ | {"ARENA_LOG": "debug"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr is not None
    for _ in range(10):
        assert "batch_settled" in process.stderr.readline()

    process.send_signal(signal.SIGINT)
    out, err = process.communicate()

    assert process.returncode == 130
    assert "of run 1 of 4" in out
    assert f"--resume {tmp_path / 'run' / '0x'}" in out
    assert "break-even" not in out
    assert "Traceback" not in err


# Where profit ends

KNOWN = [
    ([(0, 10.0), (1, 5.0), (2, -5.0), (4, -9.0)], 1.5),
    ([(0, 10.0), (1, 5.0), (2, 1.0), (4, -3.0)], 2.5),
    ([(0, 4.0), (1, 0.0), (2, -4.0), (4, -9.0)], 1.0),
    ([(0, -4.0), (1, -2.0), (2, 2.0), (4, 9.0)], 1.5),
    ([(0, 4.0), (1, 3.0), (2, 2.0), (4, 1.0)], "above 4"),
    ([(0, -1.0), (1, -2.0), (2, -3.0), (4, -4.0)], "below 0"),
    ([(0, 0.0), (1, -2.0), (2, -3.0), (4, -4.0)], "below 0"),
    ([(0, 0.0), (1, 0.0), (2, 0.0), (4, 0.0)], "none"),
]


@pytest.mark.parametrize(("points", "expected"), KNOWN)
def test_profit_ends_where_the_line_crosses_zero(points, expected):
    assert break_even(points) == expected


@given(st.floats(0.01, 1e6), st.floats(0.01, 1e6))
def test_a_profit_that_falls_in_a_line_ends_where_the_line_does(gain, slope):
    points = [(multiple, gain - slope * multiple) for multiple in MULTIPLES]

    found = break_even(points)

    if points[-1][1] > 0.0:
        assert found == "above 4"
    else:
        assert found == pytest.approx(gain / slope)
