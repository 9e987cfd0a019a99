"""Agents: who they are, what they hold, how they did, why, and whose children they are."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from actors.app.explaining.agent import explain_agent
from actors.app.explaining.walk import walk
from actors.app.http.heavy import Until
from actors.app.http.models import (
    AgentAnswer,
    Agents,
    Board,
    Decisions,
    Equity,
    Lineage,
    Positions,
)
from actors.app.http.reading import NAME, AgentPath, Given, Limit, answer, beside, find_agent
from actors.app.inspecting import agent_facts, positions_of, rows_of
from actors.app.result import baselines
from actors.journal.reader import JournalReader
from arena.agents import Agent
from arena.experiment import plain
from arena.treasury import Treasury

LayerName = Literal["simulation", "proving", "arena"]
SortKey = Literal[
    "rank", "fitness", "return", "life_return", "sharpe", "max_drawdown", "equity", "pnl", "age",
    "trades",
]  # fmt: skip
State = Literal["living", "dead", "all"]

After = Annotated[
    str | None,
    Query(pattern=NAME, description="Only agents born after this one.", examples=["g000-001"]),
]

router = APIRouter(tags=["agents"])


@router.get("/agents", response_model=Agents)
async def list_agents(
    reading: Given,
    layer: Annotated[LayerName | None, Query(description="Only of one layer.")] = None,
    state: Annotated[State, Query(description="The living, the dead, or both.")] = "living",
    after: After = None,
    limit: Limit = 100,
) -> Response:
    """List agents in order of birth: those of one day by the length of their id, then by id."""
    view = reading.view
    treasury = view.treasury

    def make() -> Response:
        known = _everyone(treasury, state)
        page = _page(treasury, (a for a in known if layer in {None, a.layer.value}), after, limit)
        rows = rows_of(treasury, page) if page else []
        return answer({"as_of": view.seq, "agents": rows, "next": _next(page, limit)})

    return await beside(make, limit)


@router.get("/agents/{agent_id}", response_model=AgentAnswer)
async def show_agent(reading: Given, agent_id: AgentPath) -> Response:
    """Show one agent, dead or alive: what it was born with, what it holds, how it has done."""
    view = reading.view
    agent = find_agent(view.treasury, agent_id)
    return answer({"as_of": view.seq, "agent": agent_facts(view.treasury, agent)})


@router.get("/agents/{agent_id}/positions", response_model=Positions)
async def show_positions(reading: Given, agent_id: AgentPath) -> Response:
    """Show what one agent holds, at the last close."""
    view = reading.view
    agent = find_agent(view.treasury, agent_id)
    held = {
        "agent": agent_id,
        "cash": agent.portfolio.cash,
        "equity": agent.equity,
        "positions": positions_of(view.treasury, agent),
    }
    return answer({"as_of": view.seq, **held})


@router.get("/agents/{agent_id}/equity", response_model=Equity)
async def show_equity(
    reading: Given,
    agent_id: AgentPath,
    points: Annotated[int, Query(ge=2, le=1000, description="How many closes to keep.")] = 200,
) -> Response:
    """Show one agent's unit NAV from its birth on, thinned by LTTB so that its shape stays.

    Of a life of more than a thousand closes, a thousand at most are looked at, evenly spread.
    """
    view = reading.view
    agent = find_agent(view.treasury, agent_id)

    at = (view.seq, view.treasury.tick)

    def ask(run: JournalReader, until: Until) -> Response:
        curve = view.navs.find(run, agent, at, points, until)
        return answer({"as_of": view.seq, "agent": agent_id, **curve})

    return await reading.heavy.run(ask, view.head)


@router.get("/agents/{agent_id}/why", response_model=Decisions)
async def why_agent(
    reading: Given,
    agent_id: AgentPath,
    *,
    everything: Annotated[
        bool, Query(alias="all", description="Each cycle, also where nothing changed.")
    ] = False,
) -> Response:
    """Say what was decided about one agent: by which rule, on which facts, by what margin.

    The run is folded from the newest snapshot before its birth, or from the first entry.  Where
    that takes more than 10 s the answer is 503, and `arena why` has the time.  What a policy from a
    plugin weighed is not explained.
    """
    view = reading.view
    agent = find_agent(view.treasury, agent_id)

    def ask(run: JournalReader, until: Until) -> Response:
        found = explain_agent(
            until.each(walk(run, about=agent.agent_id)), agent.agent_id, everything=everything
        )
        decisions = [plain(decision) for decision in found.decisions]
        return answer({"as_of": view.seq, "agent": agent_id, "decisions": decisions})

    return await reading.heavy.run(ask, view.head)


@router.get("/leaderboard", response_model=Board)
async def show_leaderboard(
    reading: Given,
    layer: Annotated[LayerName | None, Query(description="Only of one layer.")] = None,
    sort: Annotated[SortKey, Query(description="By what; `rank` is layer, then fitness.")] = "rank",
    limit: Limit = 100,
) -> Response:
    """Show who did best: by rank, or the highest of another column first; null comes last."""
    view = reading.view
    treasury = view.treasury

    def make() -> Response:
        rows = [row for row in view.board if layer in {None, row["layer"]}]
        if sort != "rank":
            rows.sort(key=lambda row: (row[sort] is None, -(row[sort] or 0), row["rank"]))
        facts = {"tick": treasury.tick, "market": treasury.experiment.market.badge}
        board = {"leaderboard": rows[:limit], "baselines": baselines(treasury)}
        return answer({"as_of": view.seq, **facts, **board})

    return await beside(make, limit if view.ranked else len(treasury.agents))


@router.get("/lineage", response_model=Lineage)
async def show_lineage(reading: Given, after: After = None, limit: Limit = 100) -> Response:
    """Show the family tree in order of birth: everyone there ever was, and what was changed."""
    view = reading.view
    treasury = view.treasury

    def make() -> Response:
        page = _page(treasury, _everyone(treasury, "all"), after, limit)
        relatives = [_relative(treasury, agent) for agent in page]
        return answer({"as_of": view.seq, "agents": relatives, "next": _next(page, limit)})

    return await beside(make, limit)


def _everyone(treasury: Treasury, state: State) -> Iterable[Agent]:
    if state != "dead":
        yield from treasury.agents.values()
    if state != "living":
        yield from treasury.dead.values()


def _birth(agent: Agent) -> tuple[int, int, str]:
    return agent.genome.born, len(agent.agent_id), agent.agent_id


def _page(
    treasury: Treasury, agents: Iterable[Agent], after: str | None, limit: int
) -> list[Agent]:
    """Return who was born next after `after`, whatever became of that one since."""
    if after is not None:
        born = _birth(find_agent(treasury, after))
        agents = (agent for agent in agents if _birth(agent) > born)
    return heapq.nsmallest(limit, agents, key=_birth)


def _next(page: list[Agent], limit: int) -> str | None:
    return page[-1].agent_id if len(page) == limit else None


def _relative(treasury: Treasury, agent: Agent) -> dict[str, Any]:
    genome = agent.genome
    parent = treasury.find(genome.parents[0]) if genome.parents else None
    before = parent.genome.parameters if parent is not None else genome.parameters
    return {
        "agent": agent.agent_id,
        "strategy": genome.strategy,
        "parents": list(genome.parents),
        "generation": genome.generation,
        "born": genome.born,
        "died": agent.died,
        "cause": agent.cause,
        "layer": str(agent.layer),
        "nav": agent.nav,
        "changes": {
            name: [before[name], value]
            for name, value in genome.parameters.items()
            if name in before and before[name] != value
        },
    }
