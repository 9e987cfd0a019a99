"""The run: where it stands, what it is, what it trades, who works on it."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from actors.app.http.models_run import Actors, Config, Data, Status
from actors.app.http.reading import Given, answer
from actors.app.http.replica import View
from actors.app.result import count_agents
from arena import __version__
from arena.exceptions import EventSourcingError
from arena.experiment import plain
from arena.treasury import Treasury
from arena.words import ALL

router = APIRouter(tags=["run"])


@router.get("/status", response_model=Status)
async def show_status(reading: Given) -> Response:
    """Say where the run stands: as its journal says, and as its daemon says, if there is one."""
    view = reading.view
    said = await reading.writer.ask("status")
    total = max(reading.follower.progress.total, view.seq)
    return answer(
        {
            **_standing(view),
            "head": total,
            "behind": total - view.seq,
            "trouble": reading.follower.trouble,
            "writer": said.result,
            "note": said.note,
        }
    )


def _standing(view: View) -> dict[str, Any]:
    treasury = view.treasury
    return {
        "as_of": view.seq,
        "version": __version__,
        "run_id": view.meta.get("run_id", ""),
        "name": treasury.experiment.name,
        "hash": view.head.hash,
        "tick": treasury.tick,
        "ticks": treasury.experiment.market.ticks or None,
        "cycle": treasury.cycle,
        "sim_time": view.settled_at,
        "completed": treasury.completed,
        "panic": _panic(treasury),
        "halted": dict(treasury.halted),
        "agents": count_agents(treasury)["by_layer"],
        "ledger": sums(treasury),
    }


def _panic(treasury: Treasury) -> dict[str, Any] | None:
    if ALL not in treasury.halted:
        return None
    return {"mode": treasury.stop_mode or "pause", "since_tick": treasury.halted[ALL]}


def sums(treasury: Treasury) -> dict[str, int]:
    """Return what both books sum to, micro-USD: 0, or something is wrong."""
    return {f"{book}_sum": sum(rows.values()) for book, rows in treasury.books.items()}


@router.get("/config", response_model=Config)
async def show_config(reading: Given) -> Response:
    """Show what is run: the config as it was at the start, and the rules as they are now."""
    view = reading.view
    experiment = view.treasury.experiment
    return answer(
        {
            "as_of": view.seq,
            "run_id": view.meta.get("run_id", ""),
            "settings": _settings(view),
            "rules": plain(experiment.rules),
            "endowment": plain(experiment.endowment),
            "population": plain(experiment.population),
            "seed": experiment.seed,
        }
    )


def _settings(view: View) -> Any:
    """Return the config as it was at the start; null where a run has none.

    Raises:
        EventSourcingError: It is damaged.
    """
    try:
        return json.loads(view.meta.get("settings", "null"))
    except ValueError as error:
        raise EventSourcingError(f"the config in the run is damaged: {error}") from error


@router.get("/data", response_model=Data)
async def show_data(reading: Given) -> Response:
    """Show where the market's numbers come from, and the last close of each instrument."""
    view = reading.view
    facts = view.treasury.experiment.market
    names = ("unit", "provenance", "origin", "sha256")
    series = [
        {"name": name, **dict(zip(names, each, strict=True))}
        for name, each in sorted(facts.series.items())
    ]
    return answer(
        {
            "as_of": view.seq,
            "source": facts.source,
            "badge": facts.badge,
            "first_bar": facts.opens_at,
            "warmup": facts.warmup,
            "ticks": facts.ticks or None,
            "periods_per_year": facts.periods_per_year,
            "marks": dict(view.treasury.marks),
            "series": series,
        }
    )


@router.get("/actors", response_model=Actors)
async def show_actors(reading: Given) -> Response:
    """Show the daemon's actors, what waits for each, and what each has done."""
    said = await reading.writer.ask("actors")
    actors = None if said.result is None else said.result.get("actors")
    return answer({"actors": actors, "note": said.note})
