"""A stored run, asked about: its agents, its money, its events, as plain data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from actors.app.result import agent_row
from actors.journal.chain import Entry
from actors.journal.reader import JournalReader
from arena.agents import Agent, Record
from arena.exceptions import EventSourcingError
from arena.experiment import plain
from arena.scoring import measure
from arena.treasury import Treasury
from arena.words import Layer

CAPITAL_EVENTS = frozenset({"CapitalAllocated", "CapitalReturned", "PositionsReduced"})
LIFE_EVENTS = frozenset(
    {"AgentSpawned", "AgentMutated", "AgentGraduated", "AgentDemoted", "AgentKilled"}
    | {"AgentFailed", "AgentQuarantined"}
)


def entry_data(entry: Entry) -> dict[str, Any]:
    """Return one entry of the journal, its data as JSON and not as text.

    Raises:
        EventSourcingError: The data is no JSON object.
    """
    return {
        "seq": entry.seq,
        "type": entry.event_type,
        "agent": entry.agent_id,
        "timestamp": entry.timestamp,
        "caused_by": entry.caused_by,
        "command_id": entry.command_id,
        "data": _data(entry),
        "hash": entry.hash,
    }


def _data(entry: Entry) -> dict[str, Any]:
    try:
        data = json.loads(entry.data)
    except ValueError as error:
        raise EventSourcingError("its data is no JSON", seq=entry.seq) from error
    if not isinstance(data, dict):
        raise EventSourcingError("its data is no JSON object", seq=entry.seq)
    return data


def agent_ids(run: JournalReader) -> Iterator[str]:
    """Yield everyone who was ever born, in order of birth."""
    for entry in run.entries(event_type="AgentSpawned"):
        if entry.agent_id is not None:
            yield entry.agent_id


def treasury_state(treasury: Treasury) -> dict[str, Any]:
    """Return what `treasury` holds: its books, and each layer's agents, the best first."""
    return {
        "tick": treasury.tick,
        "cycle": treasury.cycle,
        "completed": treasury.completed,
        "state_hash": treasury.state_hash(),
        "halted": treasury.halted,
        "accounts": {
            str(book): dict(sorted(rows.items())) for book, rows in treasury.books.items()
        },
        "layers": {str(layer): _layer(treasury, layer) for layer in reversed(Layer)},
        "dead": len(treasury.dead),
    }


def _layer(treasury: Treasury, layer: Layer) -> list[dict[str, Any]]:
    """Return a line for each agent of `layer`, with the facts that the state itself holds."""
    agents = sorted(
        treasury.living(layer),
        key=lambda agent: (agent.fitness is None, -(agent.fitness or 0.0), agent.agent_id),
    )
    return [
        {
            "agent": agent.agent_id,
            "strategy": agent.genome.strategy,
            "baseline": agent.genome.baseline,
            "tier": None if agent.tier is None else str(agent.tier),
            "status": str(agent.status),
            "equity": agent.equity,
            "nav": agent.nav,
            "fitness": agent.fitness,
        }
        for agent in agents
    ]


def agent_rows(treasury: Treasury, *, dead: bool) -> list[dict[str, Any]]:
    """Return a line for each agent that lives, or for each that does not, in order of birth."""
    return rows_of(treasury, [*(treasury.dead if dead else treasury.agents).values()])


def rows_of(treasury: Treasury, agents: Sequence[Agent]) -> list[dict[str, Any]]:
    """Return a line for each of `agents`, in their order."""
    tick = treasury.tick
    found = measure(
        agents,
        tick=tick,
        periods_per_year=treasury.experiment.market.periods_per_year,
        rules=treasury.experiment.rules.records,
    )
    return [
        {
            **agent_row(found, row, agent.died or tick),
            "baseline": agent.genome.baseline,
            "born": agent.genome.born,
            "died": agent.died,
            "cause": agent.cause,
        }
        for row, agent in enumerate(agents)
    ]


def agent_story(run: JournalReader, treasury: Treasury, agent_id: str) -> dict[str, Any]:
    """Return everything about one agent that `treasury` knows by that name."""
    dead = agent_id in treasury.dead
    agent: Agent = (treasury.dead if dead else treasury.agents)[agent_id]  # type: ignore[index] # text
    events = [entry_data(entry) for entry in run.entries(agent_id=agent_id)]
    return {
        **agent_facts(treasury, agent),
        "life": [each for each in events if each["type"] in LIFE_EVENTS],
        "capital": [each for each in events if each["type"] in CAPITAL_EVENTS],
        "last_trades": [trade._asdict() for trade in [*run.trades(agent_id=agent_id)][-10:]],
    }


def agent_facts(treasury: Treasury, agent: Agent) -> dict[str, Any]:
    """Return what `treasury` itself knows about one of its agents."""
    (row,) = rows_of(treasury, [agent])
    return {
        **row,
        "family": agent.genome.family,
        "parameters": plain(dict(sorted(agent.genome.parameters.items()))),
        "generation": agent.genome.generation,
        "parents": list(agent.genome.parents),
        "cash": agent.portfolio.cash,
        "positions": positions_of(treasury, agent),
        "nav": agent.nav,
        "records": {"life": _record(agent.life), "stint": _record(agent.stint)},
    }


def positions_of(treasury: Treasury, agent: Agent) -> list[dict[str, Any]]:
    """Return what an agent holds, at the last close."""
    return [
        {
            "instrument": name,
            "quantity": quantity,
            "price": treasury.marks[name],
            "value": agent.portfolio.value(name, treasury.marks[name]),
        }
        for name, quantity in agent.portfolio.positions.items()
    ]


def _record(record: Record) -> dict[str, Any]:
    return {
        "start": record.start,
        "base": record.base,
        "drawdown": record.drawdown,
        "days_negative": record.days_negative,
    }
