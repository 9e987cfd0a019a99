"""The status says what the trading of a run may do, what waits, and what it did."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from actors.app.arena import Arena
from actors.app.status import RECENT
from actors.journal.chain import run_id_of
from actors.journal.sqlite import SqliteJournal
from arena.experiment import manifest
from arena.ids import AgentId
from arena.orders import Order
from arena.words import StopMode
from tests.worlds import a_run

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after twelve days, and given a trade since."""
    folder = tmp_path_factory.mktemp("stopped")
    asyncio.run(_live(folder))
    return folder


async def _live(folder: Path) -> None:
    experiment, market = a_run(days=20, agents=6)
    facts = manifest(experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, {})
    async with Arena(experiment, market, journal) as arena:
        await arena.backtest(12)
        await arena.desk.emergency_stop("smoke in the room", StopMode.PAUSE)
        who = AgentId("baseline-cash")
        order = Order(order_id="patient", agent_id=who, instrument="BTC", quantity=0.1)
        await arena.desk.submit_trade(order)


def test_a_stopped_run_says_since_when_why_and_what_waits(arena, stopped):
    answer = arena("status", stopped)

    assert answer.code == 0
    assert re.search(
        r"^trading +paused \(all\) since day 12: smoke in the room$", answer.out, re.MULTILINE
    )
    assert re.search(r"^pending +patient$", answer.out, re.MULTILINE)
    assert all(len(line) <= 160 for line in answer.out.splitlines())


def test_a_run_that_is_complete_trades_as_usual(arena, finished):
    data = arena("status", finished, "--json").data

    assert (data["mode"], data["scope"], data["since"], data["reason"]) == ("normal", *[None] * 3)
    assert data["completed"] is True
    assert data["pending"] == []


def test_what_was_executed_is_what_the_run_said(arena, finished):
    data = arena("status", finished, "--json").data
    total, today = data["total"], data["today"]

    assert total["trades"] == total["successful"] + total["failed"]
    assert total["success_rate"] == total["successful"] / total["trades"]
    assert 0 <= today["gas"] <= total["gas"]
    assert len(data["recent"]) == RECENT
    places = [(trade["seq"], trade["line"]) for trade in data["recent"]]
    assert places == sorted(places, reverse=True)


def test_it_changes_no_byte(arena, stopped):
    before = (stopped / "run.db").read_bytes()

    assert arena("status", stopped).code == 0

    assert (stopped / "run.db").read_bytes() == before


def test_its_fields_stand_in_the_reference(arena, stopped):
    data: dict[str, Any] = arena("status", stopped, "--json").data
    text = PAGE.read_text(encoding="utf-8").split("\n## arena status\n")[1].split("\n## ")[0]

    for name in (*data, *data["total"], *data["pending"][0]):
        assert f"`{name}`" in text, name


def test_where_no_run_is_it_says_so(arena, tmp_path):
    assert arena("status", tmp_path).code == 4
