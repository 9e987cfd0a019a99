"""What a stored history says once it is there: every agent by regime, and the data that fills met.

Regimes are hindsight labels of one reference asset: they stand in results and nowhere else.  The
journal is read twice, for the reference's closes and for the agents' NAVs; what is kept of an agent
does not grow with the run.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from actors.app.archetypes import Archetypes
from actors.app.stretches import Life, Stretch
from actors.journal.codec import decode
from actors.journal.reader import JournalReader, open_run
from arena.events import AgentSpawned, PositionsReduced, TickSettled
from arena.experiment import Experiment, read_experiment
from arena.ids import AgentId
from arena.instruments import Kind
from arena.market import Provenance
from arena.orders import Fill
from arena.prices.regimes import Regime, Regimes
from arena.regimes import label_causal, label_hindsight

REGIMES = tuple(Regime)


def look_back(run: JournalReader) -> dict[str, Any]:
    """Return `archetypes`, `regimes` and `touched` of what is on record, for `arena run --json`.

    Raises:
        EventSourcingError: The run is damaged.
    """
    experiment = read_experiment(run.manifest())
    asset = _reference(run, experiment)
    bars = np.array([*_bars(run, asset)]).reshape(-1, 2)
    labels = label_hindsight(bars[:, 1])
    lives: dict[AgentId, Life] = {}
    touched, archetypes = _Touched(experiment), Archetypes(lives)
    for _, event in run.facts():
        archetypes.add(event)
        match event:
            case AgentSpawned():
                lives[event.agent_id] = Life(event.strategy, baseline=event.baseline)
            case TickSettled():
                touched.held = frozenset(event.held)
                touched.add(event.fills)
                for book in (event.real, event.virtual):
                    for agent_id, nav in zip(book.agents, book.nav, strict=True):
                        lives[agent_id].close(nav, int(labels[event.tick - 1]))
            case PositionsReduced():
                touched.add(event.fills)
                lives[event.agent_id].touch(event.nav)
    year = experiment.market.periods_per_year
    regimes = None if asset is None else _regimes(asset, bars, labels, lives, year)
    return {
        "archetypes": archetypes.summary(),
        "regimes": regimes,
        "touched": touched.summary(),
    }


def look_back_at(folder: Path) -> dict[str, Any]:
    """Return `look_back` of the run in `folder`."""
    with open_run(folder) as run:
        return look_back(run)


def _reference(run: JournalReader, experiment: Experiment) -> str | None:
    """Return the asset that the settings name, or the first spot instrument, if there is one."""
    instruments = experiment.terms.instruments.values()
    first = next((each.name for each in instruments if each.kind is Kind.SPOT), None)
    settings = json.loads(run.meta().get("settings", "{}"))
    named: str | None = settings.get("market", {}).get("reference")
    return named or first


def _bars(run: JournalReader, asset: str | None) -> Iterator[tuple[float, float]]:
    """Yield open and close of `asset` at each tick; NaN where it had no bar."""
    for entry in run.entries(event_type="TickSettled"):
        event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
        if isinstance(event, TickSettled):
            yield event.prices.get(asset or "", (math.nan, math.nan))


def _regimes(
    asset: str, bars: Any, labels: Regimes, lives: Mapping[AgentId, Life], year: int
) -> dict[str, Any]:
    for life in lives.values():
        life.end()
    same = label_causal(bars[:, 1]) == labels
    return {
        "reference": asset,
        "days": {_name(each): int((labels == each).sum()) for each in REGIMES},
        "known_at_the_time": float(same.mean()) if len(same) else None,
        "market": _line(_held(bars, labels).stretches, year),
        "strategies": dict(_strategies(lives, year)),
        "agents": {
            agent_id: {"strategy": life.strategy, **_line(life.stretches, year)}
            for agent_id, life in lives.items()
        },
    }


def _name(regime: Regime) -> str:
    return regime.name.lower()


def _held(bars: Any, labels: Regimes) -> Life:
    """Return the life of one unit of the reference, bought at the first open."""
    life, base = Life("", baseline=True), math.nan
    for (opened, close), label in zip(bars.tolist(), labels.tolist(), strict=True):
        base = opened if math.isnan(base) else base
        life.close(life.nav if math.isnan(close) else close / base, label)
    life.end()
    return life


def _line(stretches: Sequence[Stretch], year: int) -> dict[str, Any]:
    """Return days, NAV return and Sharpe ratio in each regime; None where there was no day."""
    return {
        _name(regime): {
            "days": stretch.days,
            "return": stretch.growth - 1.0 if stretch.days else None,
            "sharpe": stretch.sharpe(year),
        }
        for regime, stretch in zip(REGIMES, stretches, strict=True)
    }


def _strategies(lives: Mapping[AgentId, Life], year: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield for each strategy the mean of everyone who was ever born with it, the dead included."""
    groups: dict[str, list[Life]] = {}
    for agent_id, life in lives.items():
        groups.setdefault(agent_id if life.baseline else life.strategy, []).append(life)
    for name, members in sorted(groups.items()):
        baseline = members[0].baseline
        line = {
            _name(each): _together([life.stretches[each] for life in members], year)
            for each in REGIMES
        }
        yield name, {"agents": len(members), "baseline": baseline, **line}


def _together(stretches: Iterable[Stretch], year: int) -> dict[str, Any]:
    there = [each for each in stretches if each.days]
    sharpes = [value for each in there if (value := each.sharpe(year)) is not None]
    return {
        "agents": len(there),
        "return": fmean(each.growth - 1.0 for each in there) if there else None,
        "sharpe": median(sharpes) if sharpes else None,
    }


class _Touched:
    """Which data the fills met: the provenance of the price at which each one was made.

    Attributes:
        held: Instruments whose latest bar was carried over a gap in the data.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.held: frozenset[str] = frozenset()
        self._fills: Counter[str] = Counter()
        self._on_held = 0
        series = experiment.market.series
        derived = ("", str(Provenance.ESTIMATED))
        self._provenance = {
            name: series.get(each.open_column, derived)[1]
            for name, each in experiment.terms.instruments.items()
        }

    def add(self, fills: Iterable[Fill]) -> None:
        """Count `fills` of the latest bar, forced sales at its close among them."""
        for fill in fills:
            self._fills[self._provenance[fill.instrument]] += 1
            self._on_held += fill.instrument in self.held

    def summary(self) -> dict[str, Any]:
        total = self._fills.total()
        shares = {str(each): self._fills[each] / total if total else 0.0 for each in Provenance}
        return {"fills": total, "share": shares, "held": self._on_held}
