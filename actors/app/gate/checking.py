"""The gate: is a strategy what it promises to be, a pure function of what it is handed?

It plays alone, with capital of its own, so nothing that it does can be the doing of others.  The
whole check takes place in two processes that are there for nothing else, with different hash
seeds; the quick one in this process, and it sees less (`docs/explanation/determinism.md`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from actors.agent import STEP_BUDGET_S
from actors.app.gate.asking import Interpreter, Request
from actors.app.gate.isolating import Here, Isolation
from actors.app.gate.playing import Played, Settings
from actors.app.gate.probing import Case, Prober, corners, declared_wrongly, spread
from actors.app.gate.report import Check, Docket, GateReport
from actors.app.gate.sources import address_of, source_hash
from actors.app.gate.worlds import World, the_quick_world, the_worlds
from arena.evolution import draw_parameters
from arena.seed import Seed
from arena.strategies import Strategy

HASH_SEED = 1
"""Of the process that checks; the other one has another."""

DRAWS = 3
"""How many settings are drawn at random, besides the edges."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried.

    Attributes:
        compared: Cases that are played under every condition.
        played: Cases that are played once, those of one world side by side.
    """

    compared: tuple[Case, ...]
    played: tuple[tuple[Case, ...], ...]


def check_strategy(
    kind: type[Strategy],
    settings: Settings | None = None,
    *,
    markets: Sequence[World] | None = None,
    quick: bool = False,
    seed: int = 1,
    step_budget_s: float = STEP_BUDGET_S,
) -> GateReport:
    """Return what became of a strategy at the gate.

    Args:
        kind: What is checked.
        settings: Values of some of its parameters; the defaults of the others.
        markets: Where it is checked; the gate's own worlds by default.
        quick: Check here, in one small world: it takes a fraction of a second and sees less.
        seed: The root of what is drawn: the gate's worlds, settings, the agent's own randomness.
        step_budget_s: What one step may take, seconds.

    Raises:
        ValidationError: The settings are none of its own, or another process cannot import it.
    """
    return check_strategies(
        [kind], settings, markets=markets, quick=quick, seed=seed, step_budget_s=step_budget_s
    )[0]


def check_strategies(  # noqa: PLR0913  # those of `check_strategy`, and who is told
    kinds: Sequence[type[Strategy]],
    settings: Settings | None = None,
    *,
    markets: Sequence[World] | None = None,
    quick: bool = False,
    seed: int = 1,
    step_budget_s: float = STEP_BUDGET_S,
    on_report: Callable[[GateReport], None] = lambda _: None,
) -> list[GateReport]:
    """Return a report on each of several strategies: the processes begin once for all of them.

    Args:
        kinds: What is checked, one after the other.
        settings: As for `check_strategy`, and so are the others.
        markets: As there.
        quick: As there.
        seed: As there.
        step_budget_s: As there.
        on_report: Told each report when it is there.

    Raises:
        ValidationError: The settings are none of one's own, or another process cannot import it.
    """
    reports = []
    with ExitStack() as stack:
        interpreters: list[Interpreter] = []
        for kind in kinds:
            chosen = {**kind.defaults(), **(settings or {})}
            kind.check_settings(chosen)
            address = None if quick or not hasattr(os, "fork") else address_of(kind)
            if address is None:
                tried = plan(kind, chosen, markets, Seed(seed), quick=quick)
                checks = probe(kind, tried, Here(), step_budget_s)
            else:
                if not interpreters:
                    interpreters.append(stack.enter_context(Interpreter(HASH_SEED)))
                worlds, path = None if markets is None else tuple(markets), tuple(sys.path)
                request = Request("probe", address, chosen, worlds, seed, step_budget_s, path)
                checks = _ask(interpreters[0], request)
            reports.append(GateReport(kind.name, source_hash(kind), checks))
            on_report(reports[-1])
    return reports


def _ask(interpreter: Interpreter, request: Request) -> tuple[Check, ...]:
    interpreter.begin(request)
    return tuple(Check(*each) for each in interpreter.answer(request)["checks"])


def plan(
    kind: type[Strategy],
    settings: Settings,
    markets: Sequence[World] | None,
    seed: Seed,
    *,
    quick: bool,
) -> Plan:
    """Return what is tried: the settings everywhere, others in some of the worlds."""
    edges = [*corners(kind)]
    if quick:
        worlds: Sequence[World] = markets or (the_quick_world(seed, kind.needs),)
        compared = [Case(world, settings, seed) for world in worlds]
        return Plan(tuple(compared), tuple(spread(worlds, edges[:2], seed)))
    worlds = markets or the_worlds(seed, kind.needs)
    drawn = [draw_parameters(kind, seed.child("draw", n)) for n in range(DRAWS)]
    compared = [Case(world, settings, seed) for world in worlds]
    compared.append(Case(worlds[-1], drawn[0], seed))
    return Plan(tuple(compared), tuple(spread(worlds, [*edges, *drawn[1:]], seed)))


def tell(
    kind: type[Strategy], tried: Plan, isolation: Isolation, step_budget_s: float
) -> list[Played | None]:
    """Return how each case that is compared is played; None for one that ends early."""
    prober = Prober(kind, Docket(), isolation, step_budget_s=step_budget_s)
    return [prober.tell(case) for case in tried.compared]


def probe(
    kind: type[Strategy],
    tried: Plan,
    isolation: Isolation,
    step_budget_s: float,
    *,
    imported: str | None = None,
    again: Callable[[], list[Played | None]] | None = None,
) -> tuple[Check, ...]:
    """Return an outcome for each check.

    Args:
        kind: What is checked.
        tried: In which cases.
        isolation: Where it plays.
        step_budget_s: What one step may take, seconds.
        imported: What it did while it was imported that it may not do.
        again: Returns how another process played the cases that are compared; None where there is
            no other process.
    """
    docket = Docket()
    prober = Prober(kind, docket, isolation, step_budget_s=step_budget_s)
    docket.note("bounds", declared_wrongly(kind))
    if imported is not None:
        docket.note("purity", imported)
    told: list[Played | None] = []
    for case in tried.compared:
        played = None if docket.hung else prober.tell(case)
        told.append(played)
        if played is not None:
            prober.compare(case, played)
    for cases in tried.played:
        if not docket.hung:
            prober.tell_all(cases)
    others = () if again is None else again()
    for case, played, other in zip(tried.compared, told, others, strict=False):
        if played is not None and other is not None:
            prober.repeated(case, played, other)
    note = "" if again is not None else "not in another process"
    return docket.checks({"determinism": note})
