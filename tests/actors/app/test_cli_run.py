"""`arena run`: a config goes in, a verified journal and a result come out."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.app.cli.calling import how_to
from actors.journal.reader import open_run

RESULT = {
    "run_id", "status", "ticks", "events", "head", "state_hash", "agents", "trades", "ledger",
    "capital", "leaderboard", "baselines", "reproducible", "wall_s", "path",
}  # fmt: skip
CAPITAL = {
    "total", "stable_reserve", "proving_capital", "arena_capital", "allocated", "available",
    "by_tier", "by_agent",
}  # fmt: skip


def test_a_run_reports_what_it_did_and_what_to_try_next(arena, small, tmp_path):
    out = tmp_path / "mine"

    answer = arena("run", small, "--out", out)

    lines = answer.out.splitlines()
    assert answer.code == 0
    assert "synthetic market" in lines[0]
    assert lines[-3:] == [
        f"journal: {out}/run.db",
        f"try: arena verify {out}",
        "ledger: balanced",
    ]
    for word in ("buy-and-hold", "cash", "random", "reserve", "idle", "graduated", "executed"):
        assert word in answer.out


def test_json_is_one_line_with_every_field(arena, small, tmp_path):
    answer = arena("run", small, "--json", "--out", tmp_path / "mine")

    data = answer.data
    assert answer.err == ""
    assert data.keys() >= RESULT
    assert data["capital"].keys() == CAPITAL
    assert data["ledger"] == {"real_sum": 0, "virtual_sum": 0}
    assert data["agents"].keys() >= {"by_layer", "by_status", "born", "killed", "mutated"}
    assert data["agents"]["graduated"].keys() == {"proving", "arena"}
    assert data["trades"].keys() >= {"submitted", "executed", "rejected"}
    assert (data["status"], data["ticks"], data["seed"]) == ("completed", 40, 7)
    assert data["reproducible"] is True


def test_the_result_is_what_the_journal_says(arena, small, tmp_path):
    data = arena("run", small, "--json", "--out", tmp_path).data

    with open_run(data["path"]) as run:
        assert run.head().hash == data["head"]
        assert run.head().seq == data["events"]
        assert run.state()["state_hash"].value == data["state_hash"]
        assert run.meta()["run_id"] == data["run_id"]


def test_how_it_was_run_is_kept_beside_the_history(arena, small, finished):
    with open_run(finished) as run:
        meta = run.meta()
        kinds = [row.kind for row in run.process_log()]

    assert meta.keys() >= {"settings", "config", "base", "data", "python"}
    assert meta["config"] == str(small)
    assert kinds == ["started", "stopped"]


def test_seed_and_set_change_the_config(arena, small, tmp_path):
    short = ("--set", "run.days=3", "--json")

    one = arena("run", small, *short, "--out", tmp_path / "1").data
    same = arena("run", small, *short, "--seed", 7, "--out", tmp_path / "2").data
    other = arena("run", small, *short, "--seed", 8, "--out", tmp_path / "3").data

    assert one["ticks"] == 3
    assert (one["head"], one["state_hash"]) == (same["head"], same["state_hash"])
    assert one["head"] != other["head"]
    assert one["state_hash"] != other["state_hash"]


def test_runs_are_numbered_from_the_first_free_one(arena, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "small-1").mkdir(parents=True)
    short = ("--set", "run.days=1", "--quiet")

    arena("run", small, *short)
    arena("run", small, *short)

    found = {path.parent.name for path in Path("runs").glob("*/run.db")}
    assert found == {"small-2", "small-3"}


def test_a_folder_that_holds_a_run_is_not_touched(arena, small, finished):
    before = (finished / "run.db").read_bytes()

    answer = arena("run", small, "--out", finished)

    assert answer.code == 2
    assert "a folder that holds no run yet" in answer.err
    assert (finished / "run.db").read_bytes() == before


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_out_cannot_be_a_file(arena, small, tmp_path, name):
    (tmp_path / "file").touch()

    answer = arena("run", small, "--out", tmp_path / name)

    assert answer.code == 2
    assert "a folder, not a file" in answer.err


def test_a_config_that_cannot_be_used_leaves_nothing_behind(arena, small, tmp_path):
    out = tmp_path / "mine"

    answer = arena("run", small, "--set", "run.dayz=3", "--out", out)

    assert answer.code == 2
    assert "unknown key, did you mean 'days'?" in answer.err
    assert not out.exists()


def test_without_a_terminal_stderr_is_empty_and_stdout_plain(arena, small, tmp_path):
    answer = arena("run", small, "--out", tmp_path, "--set", "run.days=2")

    assert answer.err == ""
    assert "\x1b" not in answer.out
    assert not any(line.endswith(" ") for line in answer.out.splitlines())


def test_seed_wins_over_set_wherever_it_stands(arena, small):
    seeds = [
        arena("config", "show", small, *words, "--json").data["run"]["seed"]
        for words in (
            ("--seed", 3, "--set", "run.seed=4"),
            ("--set", "run.seed=4", "--seed", 3),
        )
    ]

    assert seeds == [3, 3]


def test_an_empty_out_is_no_folder(arena, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    answer = arena("run", small, "--out", "")

    assert answer.code == 2
    assert "--out" in answer.err
    assert [*tmp_path.iterdir()] == []


def test_a_command_to_try_is_one_that_works(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", [".venv/bin/arena", "run"])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert how_to("verify", "my runs/1") == ".venv/bin/arena verify 'my runs/1'"

    (tmp_path / "arena").touch(mode=0o755)
    assert how_to("verify", "runs/1") == "arena verify runs/1"
