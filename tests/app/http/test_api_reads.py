"""The API says what the command line says, about one moment at a time."""

from __future__ import annotations

import json
import math

import pytest

from actors.app.explaining.agent import explain_agent
from actors.app.explaining.walk import walk
from actors.app.folding import fold_run
from actors.app.http import models, models_run
from actors.app.http.reading import answer
from actors.app.inspecting import agent_facts, agent_rows
from actors.app.result import baselines, capital, leaderboard
from actors.journal.reader import open_run
from arena.experiment import plain

pytestmark = pytest.mark.asyncio

MODELS = {
    "status": models_run.Status,
    "config": models_run.Config,
    "data": models_run.Data,
    "actors": models_run.Actors,
    "capital": models_run.Capital,
    "ledger": models_run.Ledger,
    "events": models_run.Events,
    "events/1": models_run.EventAnswer,
    "events/100/cause": models_run.Cause,
    "allocator/cycles/2": models_run.Cycle,
    "agents": models.Agents,
    "agents/g000-001": models.AgentAnswer,
    "agents/g000-001/why": models.Decisions,
    "agents/g000-001/equity": models.Equity,
    "agents/baseline-buy-and-hold/positions": models.Positions,
    "leaderboard": models.Board,
    "lineage": models.Lineage,
}

PROBLEMS = [
    ("nowhere", 404, "not_found", None),
    ("agents/", 404, "not_found", None),
    ("agents/g999-999", 404, "unknown_agent", "agent_id"),
    ("agents/G000", 422, "invalid_parameter", "agent_id"),
    ("agents/..%2fx", 404, "not_found", None),
    ("agents?after=nobody", 404, "unknown_agent", "agent_id"),
    ("agents?limit=0", 422, "invalid_parameter", "limit"),
    ("agents?limit=1001", 422, "invalid_parameter", "limit"),
    ("agents?limit=1e3", 422, "invalid_parameter", "limit"),
    ("agents?limit=5&limit=5", 422, "repeated_parameter", "limit"),
    ("agents?offset=5", 422, "unknown_parameter", "offset"),
    ("agents?layer=heaven", 422, "invalid_parameter", "layer"),
    ("leaderboard?sort=agent;drop", 422, "invalid_parameter", "sort"),
    ("agents/g000-001/equity?points=1", 422, "invalid_parameter", "points"),
    ("status?x=", 422, "unknown_parameter", "x"),
    ("events?type=Nonsense", 422, "invalid_parameter", "type"),
    ("events?after_seq=-1", 422, "invalid_parameter", "after_seq"),
    ("events/0", 422, "invalid_parameter", "seq"),
    ("events/99999999999999999999", 422, "invalid_parameter", "seq"),
    ("events/999999", 404, "unknown_event", "seq"),
    ("events/999999/cause", 404, "unknown_event", "seq"),
    ("allocator/cycles/999", 404, "unknown_cycle", "cycle"),
    ("ledger?account=nobody", 422, "invalid_parameter", "account"),
    ("stream?type=Nonsense", 422, "invalid_parameter", "type"),
]


async def test_every_answer_is_what_its_model_says(seen, open_web):
    async with open_web(seen) as web:
        for path, model in MODELS.items():
            found = await web.get(path)

            assert found.status_code == 200, (path, found.text)
            model.model_validate_json(found.content, strict=True)


async def test_answers_are_those_of_a_fold_of_the_whole_journal(seen, open_web):
    with open_run(seen) as run:
        treasury, head = fold_run(run), run.head()
        why = explain_agent(walk(run), next(iter(treasury.agents)), everything=True)
    async with open_web(seen) as web:
        board = (await web.get("leaderboard", limit=1000)).json()
        listed = (await web.get("agents", limit=1000)).json()
        dead = (await web.get("agents", limit=1000, state="dead")).json()
        held = (await web.get("capital")).json()
        status = (await web.get("status")).json()
        decided = (await web.get(f"agents/{why.agent.agent_id}/why", all="true")).json()
        shown = (await web.get(f"agents/{why.agent.agent_id}")).json()

    assert (status["as_of"], status["hash"], status["behind"]) == (*head, 0)
    assert status["completed"]
    assert status["note"]
    assert board["leaderboard"] == leaderboard(treasury)
    assert board["baselines"] == baselines(treasury)
    assert by_id(listed["agents"]) == by_id(agent_rows(treasury, dead=False))
    assert by_id(dead["agents"]) == by_id(agent_rows(treasury, dead=True))
    assert capital(treasury).items() <= held.items()
    assert shown["agent"] == agent_facts(treasury, why.agent)
    assert decided["decisions"] == json.loads(json.dumps(plain(why.decisions)))


def by_id(rows):
    return sorted(rows, key=lambda row: row["agent"])


async def test_pages_of_agents_are_everyone_once_in_order_of_birth(seen, open_web):
    async with open_web(seen) as web:
        found, after = [], {}
        while after is not None:
            page = (await web.get("lineage", limit=7, **after)).json()
            found += page["agents"]
            after = {"after": page["next"]} if page["next"] else None
        everyone = (await web.get("agents", state="all", limit=1000)).json()["agents"]

    assert [each["agent"] for each in found] == [each["agent"] for each in everyone]
    assert [each["born"] for each in found] == sorted(each["born"] for each in found)
    assert any(each["changes"] for each in found)


async def test_a_board_can_be_sorted_by_a_column_and_unknown_values_come_last(seen, open_web):
    async with open_web(seen) as web:
        for sort in ("fitness", "equity", "max_drawdown", "trades"):
            rows = (await web.get("leaderboard", sort=sort, limit=1000)).json()["leaderboard"]

            values = [row[sort] for row in rows]
            known = [value for value in values if value is not None]
            assert known == sorted(known, reverse=True)
            assert values == known + [None] * (len(values) - len(known))


async def test_what_is_no_answer_is_a_problem_with_a_code(seen, open_web):
    async with open_web(seen) as web:
        for path, status, code, field in PROBLEMS:
            found = await web.client.get(f"/api/v1/{path}")

            problem = found.json()
            assert found.headers["content-type"] == "application/problem+json"
            assert (found.status_code, problem["status"]) == (status, status), path
            assert (problem["code"], problem["field"]) == (code, field), path
            assert not problem["detail"].startswith("Value error"), path


async def test_nothing_can_be_changed_here(seen, open_web):
    async with open_web(seen) as web:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            found = await web.client.request(method, "/api/v1/status")
            assert (found.status_code, found.json()["code"]) == (405, "method_not_allowed")
            assert found.headers["allow"] == "GET"


async def test_a_bug_is_answered_without_a_word_about_it(seen, open_web, monkeypatch, caplog):
    async with open_web(seen) as web:
        monkeypatch.delattr(web.reading.follower.view, "counts")
        monkeypatch.delattr(web.reading.follower.view, "treasury")
        found = await web.get("capital")

    problem = found.json()
    assert (found.status_code, problem["code"]) == (500, "internal_error")
    assert "treasury" not in found.text
    assert problem["detail"].split()[-1] in caplog.text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
async def test_what_is_no_number_is_null(value):
    found = answer({"at": 1.5, "deep": [{"nav": value}, (value,)]})

    assert json.loads(found.body) == {"at": 1.5, "deep": [{"nav": None}, [None]]}
