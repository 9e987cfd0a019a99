"""The gate of a run: at its beginning every strategy in it is checked, and that is recorded.

What is found depends on the strategy and on the run's own market, and on nothing else: a run that
is resumed, carried out again or forked finds the same, and so the same is on record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from actors.app.gate.checking import check_strategy
from actors.app.gate.report import GateReport
from actors.app.gate.worlds import World, world_of_run
from arena.commands import RecordCheck
from arena.experiment import plain
from arena.ids import AgentId
from arena.market import Market
from arena.strategies import BUILT_IN, Strategy
from arena.treasury import Treasury

REPORTS_MAX = 64
"""How many reports a process remembers: many runs of one process may have the same strategies."""


def find_unchecked(treasury: Treasury, also: Iterable[str] = ()) -> list[str]:
    """Return the strategies that agents have or may be born with, and that were not checked yet.

    Args:
        treasury: Says whether they must be.
        also: More names; one that is not in the catalog is left out.
    """
    experiment = treasury.experiment
    if not experiment.rules.ladder.gate_required:
        return []
    names = {*experiment.population.mix, *also}
    names |= {agent.genome.strategy for agent in treasury.population()}
    return sorted(name for name in names & {*experiment.catalog} if name not in treasury.checked)


async def pass_gate(
    treasury: Treasury,
    market: Market,
    send: Callable[[RecordCheck], Awaitable[object]],
    also: Iterable[str] = (),
) -> list[AgentId]:
    """Check what was not at the gate yet, and have it put on record.

    Args:
        treasury: As it is now.
        market: Of the run.
        send: Has a command decided and recorded.
        also: More strategies than agents have.

    Returns:
        For each one of which a step took too long, a name that says so: on another day it might not
        have.
    """
    overran = []
    for command, report in _check_all(treasury, market, find_unchecked(treasury, also)):
        await send(command)
        if "budget" in report.failed:
            overran.append(AgentId(command.command_id))
    return overran


def _check_all(
    treasury: Treasury, market: Market, names: Iterable[str]
) -> Iterator[tuple[RecordCheck, GateReport]]:
    """Yield, for each of the strategies, what is to be put on record of it, and the report."""
    experiment, world = treasury.experiment, world_of_run(treasury.experiment, market)
    numbers = hashlib.sha256(world.market.values.tobytes()).hexdigest()
    facts = repr([world.warmup, plain(world.market.series), plain(world.terms)])
    for name in names:
        kind = experiment.catalog[name]
        report = _check(_Asked(kind, numbers, facts, world))
        command = RecordCheck(
            command_id=f"gate-{name}",
            strategy=name,
            checks={check.name: check.passed for check in report.checks},
            source_hash="" if BUILT_IN.get(name) is kind else report.source_hash,
        )
        yield command, report


@dataclass(frozen=True, slots=True)
class _Asked:
    """A strategy in a world, which is known by its numbers and its facts."""

    kind: type[Strategy]
    numbers: str
    facts: str
    world: World = field(compare=False)


@lru_cache(maxsize=REPORTS_MAX)
def _check(asked: _Asked) -> GateReport:
    return check_strategy(asked.kind, markets=[asked.world], quick=True)
