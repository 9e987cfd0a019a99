"""What a run holds can be asked for: as tables, and as one line of JSON."""

from __future__ import annotations

import re
import tomllib

import pytest

from actors.app.cli.config import toml_lines
from actors.app.render import FEWER, PIPE_WIDTH, cell, gist, screen_width
from arena.strategies import BUILT_IN


def test_the_leaderboard_ranks_who_lives_and_shows_the_baselines(arena, finished):
    answer = arena("leaderboard", finished, "--limit", 3)
    data = arena("leaderboard", finished, "--limit", 3, "--json").data

    assert answer.code == 0
    assert "synthetic" in answer.out
    assert [row["rank"] for row in data["leaderboard"]] == [1, 2, 3]
    assert {row["strategy"] for row in data["baselines"]} == {"cash", "buy-and-hold", "random"}


def test_agents_are_listed_living_and_dead(arena, finished):
    living = arena("agents", "list", finished, "--json").data["agents"]
    dead = arena("agents", "list", finished, "--dead", "--json").data["agents"]
    proving = arena("agents", "list", finished, "--layer", "proving", "--json").data["agents"]

    assert living[0]["agent"] in arena("agents", "list", finished).out
    assert {row["status"] for row in living} == {"alive"}
    assert all(row["cause"] for row in dead)
    assert {row["layer"] for row in proving} <= {"proving"}


def test_an_agent_is_shown_with_all_that_made_it(arena, finished):
    agents = arena("agents", "list", finished, "--json").data["agents"]
    agent = max(agents, key=lambda row: row["trades"])["agent"]

    answer = arena("agents", "show", finished, agent)
    data = arena("agents", "show", finished, agent, "--json").data

    assert answer.code == 0
    assert agent in answer.out
    assert data.keys() >= {"parameters", "parents", "records", "positions", "capital", "life"}
    assert data["last_trades"]
    assert data["life"][0]["type"] == "AgentSpawned"


def test_an_unknown_agent_is_met_with_the_nearest(arena, finished):
    answer = arena("agents", "show", finished, "g000-0001")

    assert answer.code == 2
    assert "did you mean" in answer.err
    assert "'g000-001'" in answer.err


def test_capital_is_shown_by_pool_and_by_account(arena, finished):
    answer = arena("capital", "show", finished)
    data = arena("capital", "show", finished, "--json").data

    capital = data["capital"]
    assert answer.code == 0
    assert "idle" in answer.out
    assert capital["total"] == sum(
        capital[name] for name in ("stable_reserve", "proving_capital", "arena_capital")
    )
    assert data["ledger"] == {"real_sum": 0, "virtual_sum": 0}
    assert {sum(rows.values()) for rows in data["accounts"].values()} == {0}


def test_the_ledger_lists_transfers_by_account(arena, finished):
    answer = arena("capital", "ledger", finished, "--limit", 2)
    data = arena("capital", "ledger", finished, "--account", "pool:proving", "--json").data

    assert "endowment" in answer.out
    assert "there are more" in answer.err
    sides = [{row["debit_account"], row["credit_account"]} for row in data["transfers"]]
    assert sides
    assert all("pool:proving" in each for each in sides)


def test_events_are_listed_from_the_first_and_tailed_from_the_last(arena, finished):
    listed = arena("events", "list", finished, "--limit", 3, "--json").data
    tailed = arena("events", "tail", finished, "--limit", 2, "--json").data

    assert [row["seq"] for row in listed["events"]] == [1, 2, 3]
    assert listed["more"] is True
    assert tailed["events"][-1]["type"] == "RunCompleted"
    assert tailed["events"][0]["seq"] == tailed["events"][1]["seq"] - 1
    assert "RunCompleted" in arena("events", "tail", finished).out


def test_events_are_filtered(arena, finished):
    def seqs(*words: object) -> list[int]:
        data = arena("events", "list", finished, "--json", *words).data
        return [row["seq"] for row in data["events"]]

    born = arena("events", "list", finished, "--type", "AgentSpawned", "--json").data["events"]
    about = arena("events", "list", finished, "--agent", "g000-001", "--json").data["events"]

    assert {row["type"] for row in born} == {"AgentSpawned"}
    assert {row["agent"] for row in about} == {"g000-001"}
    assert seqs("--since-seq", 5, "--limit", 2) == [6, 7]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--type", "AgentKiled"), "'AgentKilled'"),
        (("--agent", "g000-01"), "'g000-001'"),
        (("--limit", "0"), "0 is not in the range"),
        (("--since-seq", "x"), "'x' is not a valid integer"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(arena, finished, words, hint):
    answer = arena("events", "list", finished, *words)

    assert answer.code == 2
    assert hint in answer.err


def test_control_characters_in_a_run_do_not_reach_the_screen(arena, finished):
    assert str(cell("a\x1b[31m\nb\u202e")) == "a\\u001b[31m\\u000ab\\u202e"
    assert str(cell(gist({"message": "\x07"}))) == "message=\\u0007"


def test_a_config_is_validated(arena, small):
    good = arena("config", "validate", small)
    bad = arena("config", "validate", small, "--set", "run.days=0", "--json")

    assert good.code == 0
    assert good.out.startswith("valid: small: 40 days")
    assert bad.code == 2
    assert bad.data["valid"] is False
    assert bad.data["problems"][0]["key"] == "run.days"


def test_a_config_shown_in_full_is_itself_a_config(arena, small, tmp_path):
    full = tmp_path / "full.toml"
    full.write_text(arena("config", "show", small, "--seed", 9).out)

    one = arena("config", "show", small, "--seed", 9, "--json").data
    other = arena("config", "show", full, "--json").data

    assert one == other
    assert one["run"]["seed"] == 9


def test_a_config_shows_when_a_daemon_takes_over_a_change(arena, small):
    lines = arena("config", "show", small, "--reload").out.splitlines()
    data = arena("config", "show", small, "--reload", "--json").data

    assert 'daemon.speed = "max"  # live' in lines
    assert "run.days = 40  # restart" in lines
    assert tomllib.loads("\n".join(lines))["run"]["days"] == data["config"]["run"]["days"]
    assert data["reload"]["costs.fee_bps"] == "next-cycle"


def test_every_shape_of_setting_has_its_toml():
    data = {"a": {"b-c": [{"x": 1, "é": True}], "odd key": "\n", "none": {}}, "list": [0.5, "t"]}

    assert tomllib.loads("\n".join(toml_lines(data))) == data


def test_the_schema_is_json(arena):
    assert arena("config", "schema", "--json").data["type"] == "object"
    assert arena("config", "schema").out.startswith("{\n")


def test_every_strategy_is_listed_with_its_bounds(arena):
    answer = arena("list-strategies")
    data = arena("list-strategies", "--json").data["strategies"]

    assert {each["name"] for each in data} == set(BUILT_IN)
    assert all(each["doc"] for each in data)
    assert all(name in answer.out for name in BUILT_IN)
    assert "horizon_days" in answer.out


@pytest.mark.parametrize(
    ("width", "kept", "gone"),
    [
        (160, {"#", "strategy", "fitness", "return", "equity", "Sharpe", "fall", "won"}, set()),
        (80, {"strategy", "fitness", "return", "Sharpe", "fall"}, {"won", "equity"}),
        (60, {"place", "fitness", "return", "Sharpe", "fall"}, {"won", "equity", "strategy"}),
    ],
)
def test_a_narrow_screen_has_fewer_columns_and_says_so(
    arena, finished, monkeypatch, width, kept, gone
):
    monkeypatch.setattr("actors.app.render.screen_width", lambda: width)
    answer = arena("leaderboard", finished)

    heading = set(next(line for line in answer.out.splitlines() if "fitness" in line).split())
    assert heading >= kept
    assert not heading & gone
    assert (FEWER in answer.out) == bool(gone)
    assert all(len(line) <= width for line in answer.out.splitlines())


@pytest.mark.parametrize("width", ["abc", "", "0", "-5", "9" * 5000, "\u00b2"])
def test_a_width_that_is_none_is_ignored(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)

    assert screen_width() == PIPE_WIDTH


def test_the_return_since_birth_has_a_name_of_its_own(arena, finished):
    listed = arena("agents", "list", finished).out
    dead = arena("agents", "list", finished, "--dead").out
    row = arena("agents", "list", finished, "--json").data["agents"][0]
    shown = arena("agents", "show", finished, row["agent"]).out

    assert {"return", "life"} <= set(listed.splitlines()[1].split())
    assert "return" not in dead
    assert re.search(rf"^return +{row['return']:.1%}$", shown, re.MULTILINE)
    assert re.search(rf"^life +{row['life_return']:.1%} since birth", shown, re.MULTILINE)


@pytest.mark.parametrize("name", ["cash", "baseline-cash"])
def test_a_baseline_goes_by_its_short_name(arena, finished, name):
    assert arena("agents", "show", finished, name, "--json").data["agent"] == "baseline-cash"
    assert arena("events", "list", finished, "--agent", name, "--json").data["events"]


def test_a_list_of_names_that_is_cut_says_by_how_many(arena, finished):
    answer = arena("agents", "show", finished, "nobody")

    assert answer.code == 2
    assert re.search(r" and [0-9]+ more\.$", answer.err.rstrip())
    assert "..." not in answer.err


def test_an_unknown_account_is_met_with_the_nearest(arena, finished):
    answer = arena("capital", "ledger", finished, "--account", "pool:provng")

    assert answer.code == 2
    assert "'pool:proving'" in answer.err


@pytest.mark.parametrize(
    "words",
    [
        ("events", "list", "--since-seq", "1000000"),
        ("events", "tail", "--since-seq", "1000000"),
        ("capital", "ledger", "--since-seq", "1000000"),
        ("capital", "ledger", "--account", "pool:proving", "--since-seq", "1000000"),
    ],
)
def test_an_empty_table_says_that_it_is_one(arena, finished, words):
    answer = arena(*words[:2], finished, *words[2:])

    assert (answer.code, answer.out) == (0, "nothing found\n")


def test_tiers_stand_in_the_order_of_rank(arena, finished):
    tiers = [*arena("capital", "show", finished, "--json").data["capital"]["by_tier"]]
    ranks = ["elite", "active", "challenger", "entrant", "proving"]

    assert tiers
    assert tiers == [each for each in ranks if each in tiers]
