"""The result of a run, as plain data: a pure view of the treasury after its last event."""

from __future__ import annotations

from collections import Counter
from typing import Any

from arena.agents import Agent
from arena.scoring import Measured, measure
from arena.treasury import Treasury, capital_breakdown
from arena.words import Book, Layer, Status, Tier

LAYERS = (Layer.ARENA, Layer.PROVING, Layer.SIMULATION)


def summarise(treasury: Treasury) -> dict[str, Any]:
    """Return everything that `arena run --json` says about the run itself."""
    return {
        "status": "completed" if treasury.completed else "running",
        "ticks": treasury.tick,
        "cycles": treasury.cycle,
        "events": treasury.seq,
        "state_hash": treasury.state_hash(),
        "market": _market(treasury),
        "agents": count_agents(treasury),
        "trades": count_trades(treasury),
        "ledger": {
            "real_sum": sum(treasury.books[Book.REAL].values()),
            "virtual_sum": sum(treasury.books[Book.VIRTUAL].values()),
        },
        "capital": capital(treasury),
        "leaderboard": leaderboard(treasury, limit=10),
        "baselines": baselines(treasury),
        "average_return_ever_born": average_return(treasury),
        "gate": gate(treasury),
    }


def _market(treasury: Treasury) -> dict[str, Any]:
    facts = treasury.experiment.market
    return {"source": facts.source, "badge": facts.badge, "first_bar": facts.opens_at}


def gate(treasury: Treasury) -> dict[str, Any]:
    """Return whether strategies had to pass the gate, and what became of them there."""
    return {
        "required": treasury.experiment.rules.ladder.gate_required,
        "passed": sorted(name for name, failed in treasury.checked.items() if not failed),
        "failed": {name: [*each] for name, each in sorted(treasury.checked.items()) if each},
    }


def count_agents(treasury: Treasury) -> dict[str, Any]:
    """Return how many there are and were; baselines are not counted."""
    population = treasury.population()
    layers = Counter(agent.layer for agent in population)
    statuses = Counter(agent.status for agent in population)
    counts = treasury.counts
    return {
        "alive": len(population),
        "by_layer": {str(layer): layers[layer] for layer in Layer},
        "by_status": {
            **{str(status): statuses[status] for status in Status},
            str(Status.DEAD): len(treasury.dead),
        },
        "born": counts.get("born", 0),
        "killed": counts.get("killed", 0),
        "killed_by": dict(sorted(Counter(str(a.cause) for a in treasury.dead.values()).items())),
        "mutated": counts.get("mutated", 0),
        "graduated": {
            "proving": counts.get("graduated_to_proving", 0),
            "arena": counts.get("graduated_to_arena", 0),
        },
        "demoted": counts.get("demoted", 0),
        "failures": counts.get("failures", 0),
        "quarantined": counts.get("quarantined", 0),
    }


def count_trades(treasury: Treasury) -> dict[str, int]:
    """Return how many orders there were; forced sales are counted apart."""
    executed = treasury.counts.get("executed", 0)
    rejected = treasury.counts.get("rejected", 0)
    return {
        "submitted": executed + rejected,
        "executed": executed,
        "rejected": rejected,
        "forced_sales": treasury.counts.get("forced_sales", 0),
    }


def capital(treasury: Treasury) -> dict[str, Any]:
    """Return where the real capital is, in micro-USD: by pool, by tier, by agent."""
    tiers: dict[str, int] = {}
    by_agent: dict[str, int] = {}
    for agent in treasury.population():
        if agent.book is Book.REAL:
            by_agent[agent.agent_id] = agent.equity
            tier = str(agent.tier or agent.layer)
            tiers[tier] = tiers.get(tier, 0) + agent.equity
    ranks = (*map(str, Tier), str(Layer.PROVING))
    by_tier = {name: tiers[name] for name in ranks if name in tiers}
    return {**capital_breakdown(treasury), "by_tier": by_tier, "by_agent": by_agent}


def leaderboard(treasury: Treasury, *, limit: int | None = None) -> list[dict[str, Any]]:
    """Return who lives, best first: by layer from the arena down, then by fitness, then by id."""
    found = _measure(treasury, treasury.population())
    order = sorted(
        range(len(found.agents)),
        key=lambda row: (
            LAYERS.index(found.agents[row].layer),
            found.fitness[row] is None,
            -(found.fitness[row] or 0.0),
            found.agents[row].agent_id,
        ),
    )
    return [
        {"rank": n, **agent_row(found, row, treasury.tick)}
        for n, row in enumerate(order[:limit], 1)
    ]


def baselines(treasury: Treasury) -> list[dict[str, Any]]:
    """Return the yardsticks, and whether each would have been given a seat."""
    found = _measure(treasury, [a for a in treasury.living() if a.genome.baseline])
    return [
        {
            **agent_row(found, row, treasury.tick),
            "would_have_graduated": agent.agent_id in treasury.ready,
        }
        for row, agent in enumerate(found.agents)
    ]


def average_return(treasury: Treasury) -> float | None:
    """Return the mean life return of everyone ever born, the dead included."""
    everyone = [*treasury.population(), *treasury.dead.values()]
    return sum(agent.nav - 1.0 for agent in everyone) / len(everyone) if everyone else None


def agent_row(found: Measured, row: int, tick: int) -> dict[str, Any]:
    """Return one agent's line of a table."""
    agent: Agent = found.agents[row]
    metrics = found.metrics(row, tick)
    return {
        "agent": agent.agent_id,
        "strategy": agent.genome.strategy,
        "layer": str(agent.layer),
        "status": str(agent.status),
        "tier": None if agent.tier is None else str(agent.tier),
        "fitness": metrics["fitness"],
        "sharpe": metrics["sharpe"],
        "win_rate": metrics["win_rate"],
        "max_drawdown": metrics["drawdown"],
        "return": metrics["total_return"],
        "life_return": agent.nav - 1.0,
        "age": int(metrics["age"] or 0),
        "equity": agent.equity,
        "pnl": agent.pnl,
        "pnl_real": agent.pnl_real,
        "costs": agent.costs,
        "trades": agent.trades,
    }


def _measure(treasury: Treasury, agents: list[Agent]) -> Measured:
    return measure(
        agents,
        tick=treasury.tick,
        periods_per_year=treasury.experiment.market.periods_per_year,
        rules=treasury.experiment.rules.records,
    )
