"""What became of everyone who was ever born with a strategy, the dead included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import fmean, median
from typing import Any

from actors.app.stretches import Life
from arena.events import AgentGraduated, AgentKilled, Event, TickSettled
from arena.ids import AgentId
from arena.words import Layer


class Archetypes:
    """Counts what is on record, event by event; it grows with the agents, not with the run."""

    def __init__(self, lives: Mapping[AgentId, Life]) -> None:
        """Count for the agents of `lives`, which others keep."""
        self._lives = lives
        self._trades: Counter[AgentId] = Counter()
        self._killed: Counter[AgentId] = Counter()
        self._risen: Counter[tuple[AgentId, Layer]] = Counter()

    def add(self, event: Event) -> None:
        """Take note of one event."""
        match event:
            case TickSettled():
                self._trades.update(fill.agent_id for fill in event.fills)
            case AgentKilled():
                self._killed[event.agent_id] += 1
            case AgentGraduated():
                self._risen[event.agent_id, event.to_layer] += 1
            case _:
                pass

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return a line for each strategy; returns are of the unit NAV over a whole life."""
        groups: dict[str, list[AgentId]] = {}
        for agent_id, life in self._lives.items():
            if not life.baseline:
                groups.setdefault(life.strategy, []).append(agent_id)
        return {name: self._line(members) for name, members in sorted(groups.items())}

    def _line(self, members: list[AgentId]) -> dict[str, Any]:
        returns = [self._lives[each].nav - 1.0 for each in members]
        risen = {
            str(layer): sum(self._risen[each, layer] for each in members)
            for layer in (Layer.PROVING, Layer.ARENA)
        }
        return {
            "born": len(members),
            "killed": sum(self._killed[each] for each in members),
            "trades": sum(self._trades[each] for each in members),
            "median_return": median(returns),
            "mean_return": fmean(returns),
            "best_return": max(returns),
            "graduated": risen,
        }
