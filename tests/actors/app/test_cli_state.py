"""The treasury can be looked at as it was after any event."""

from __future__ import annotations

import hashlib
import json

import pytest


def test_without_a_place_the_state_is_the_last_one(arena, finished):
    data = arena("state", finished, "--json").data
    replayed = arena("replay", finished, "--json").data

    assert data["seq"] == data["head"] == replayed["events"]
    assert data["state_hash"] == replayed["state_hash"]
    assert data["completed"] is True


def test_the_whole_state_is_the_one_that_the_hash_covers(arena, finished):
    data = arena("state", finished, "--at", 60, "--json").data

    text = json.dumps(data["state"], sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == data["state_hash"]
    assert data["state"]["seq"] == data["seq"] == 60


def test_the_state_after_an_event_has_what_the_event_did_and_no_more(arena, finished):
    paid = arena("events", "list", finished, "--type", "CapitalAllocated", "--json").data["events"]
    seq, agent, amount = paid[0]["seq"], paid[0]["agent"], paid[0]["data"]["amount"]

    before = arena("state", finished, "--at", seq - 1, "--json").data
    after = arena("state", finished, "--at", seq, "--json").data

    pool, account = paid[0]["data"]["source"], f"agent:{agent}"
    moved = [after["accounts"]["real"][pool] - before["accounts"]["real"][pool]]
    moved.append(after["accounts"]["real"][account] - before["accounts"]["real"].get(account, 0))
    assert moved == [-amount, amount]
    assert amount in {row["equity"] for row in after["layers"]["proving"]}
    assert {sum(rows.values()) for rows in after["accounts"].values()} == {0}


def test_before_the_first_event_there_is_nothing(arena, finished):
    answer = arena("state", finished, "--at", 0)
    data = arena("state", finished, "--at", 0, "--json").data

    assert answer.code == 0
    assert "simulation: nobody" in answer.out
    assert data["accounts"] == {"real": {}, "virtual": {}}


def test_a_state_is_shown_by_layers_and_accounts(arena, finished):
    answer = arena("state", finished)

    assert "proving: " in answer.out
    assert "of play money" in answer.out
    assert "buy-and-hold" in answer.out
    assert "real book" in answer.out
    assert all(len(line) <= 100 for line in answer.out.splitlines())


@pytest.mark.parametrize("seq", [-1, 10**6, 10**30])
def test_a_place_that_the_run_has_not_is_answered_with_the_range(arena, finished, seq):
    answer = arena("state", finished, "--at", seq)
    head = arena("state", finished, "--json").data["head"]

    assert answer.code == 2
    assert f"0..{head}" in answer.err
