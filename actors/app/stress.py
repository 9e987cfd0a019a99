"""The same run at other costs: 0, 1, 2 and 4 times what the config says, and where profit ends.

Costs are multiplied in the settings, so each of the runs can be resumed, replayed and taken apart
like any other.  The one at 1 changes no setting: it is the plain run, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

from actors.app.experiment import Prepared, prepare
from actors.app.folding import fold_run
from actors.app.settings import Settings, load_settings
from actors.app.settings.fields import plain_usd
from actors.journal.reader import open_run
from arena.money import parse_usd
from arena.treasury import Treasury, capital_breakdown

MULTIPLES = (0, 1, 2, 4)

NO_COSTS = frozenset({"trade_min", "participation_max"})
"""Keys of `[costs]` that are no cost: they say what is traded, and how much of it."""


def prepare_stress(
    config: Path, overrides: Sequence[str], *, now: datetime
) -> list[tuple[int, Prepared]]:
    """Return the runs, each with the multiple of its costs; the market is read once.

    Args:
        config: A TOML file.
        overrides: `table.key=value`, the later one winning.
        now: The current time: data from later than tomorrow is refused.

    Raises:
        ConfigError: The config cannot be used, or not at one of the multiples.
        DataError: The market's files cannot be used.
    """
    settings = load_settings(config, overrides)
    all_overrides = [[*overrides, *_multiplied(settings, multiple)] for multiple in MULTIPLES]
    for each in all_overrides:
        load_settings(config, each)
    plain = prepare(config, overrides, now=now)
    return [
        (multiple, prepare(config, each, now=now, loaded=plain.loaded))
        for multiple, each in zip(MULTIPLES, all_overrides, strict=True)
    ]


def _multiplied(settings: Settings, multiple: int) -> Iterator[str]:
    """Yield the overrides that multiply every cost."""
    if multiple == 1:
        return
    for key, value in settings.costs.model_dump(mode="json", exclude_none=True).items():
        if key in NO_COSTS:
            continue
        if isinstance(value, str):
            yield f'costs.{key}="{plain_usd(parse_usd(value) * multiple)}"'
        else:
            yield f"costs.{key}={value * multiple}"


def measure(folder: Path, multiple: int) -> dict[str, Any]:
    """Return what a run in `folder` came to, as a line of the comparison."""
    with open_run(folder) as run:
        treasury = fold_run(run)
    everyone = [*treasury.population(), *treasury.dead.values()]
    returns = [agent.nav - 1.0 for agent in everyone]
    return {
        "multiple": multiple,
        "treasury_pnl": capital_breakdown(treasury)["total"] - treasury.experiment.endowment.total,
        "best_return": max(returns, default=None),
        "median_return": median(returns) if returns else None,
        "trades": treasury.counts.get("executed", 0),
        "costs": sum(agent.costs for agent in everyone),
        "strategies": _by_strategy(treasury),
    }


def _by_strategy(treasury: Treasury) -> dict[str, float]:
    """Return the mean life return of everyone born with each strategy, the dead included."""
    groups: dict[str, list[float]] = {}
    for agent in (*treasury.population(), *treasury.dead.values()):
        groups.setdefault(agent.genome.strategy, []).append(agent.nav - 1.0)
    return {name: fmean(groups[name]) for name in sorted(groups)}


def break_even(points: Sequence[tuple[float, float]]) -> float | str:
    """Return the multiple of costs at which a measure changes its sign.

    Args:
        points: (multiple, measure) in order of the multiples, at least one.

    Returns:
        The place between the first two neighbours of different signs, in a straight line from one
        to the other; `above N` or `below N` where the measure is a gain, or a loss, at all of them;
        `none` where it is 0 everywhere.
    """
    for (low, one), (high, other) in pairwise(points):
        if (one > 0.0) != (other > 0.0):
            return low + (high - low) * one / (one - other)
    if all(value == 0.0 for _, value in points):
        return "none"
    return f"above {points[-1][0]:g}" if points[0][1] > 0.0 else f"below {points[0][0]:g}"


def break_evens(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the break-even of the treasury, and of each strategy that is in all the runs."""
    treasury = [(line["multiple"], float(line["treasury_pnl"])) for line in lines]
    names = [
        name for name in lines[0]["strategies"] if all(name in line["strategies"] for line in lines)
    ]
    return {
        "treasury": break_even(treasury),
        "strategies": {
            name: break_even([(line["multiple"], line["strategies"][name]) for line in lines])
            for name in names
        },
    }
