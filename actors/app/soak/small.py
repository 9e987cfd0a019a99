"""The small arena that a soak is about: few agents, one asset, gates that open for everyone."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from actors.journal.chain import run_id_of
from arena.costs import CostModel
from arena.execution import Terms
from arena.experiment import Endowment, Experiment, MarketFacts, Population, manifest
from arena.ids import RunId
from arena.instruments import Instrument, Kind
from arena.money import Money, parse_usd
from arena.rules import (
    Condition,
    EvolutionRules,
    LadderRules,
    RecordRules,
    RiskRules,
    Rule,
    Rules,
)

COIN = "COIN"
"""The one thing that can be held."""

OPENS_AT = datetime(2020, 1, 1, tzinfo=UTC)

OPEN_GATE = Rule("open", ())
"""A rule that everyone meets."""

_RULES = Rules(
    records=RecordRules(window=5, observations_min=2),
    ladder=LadderRules(
        seat=OPEN_GATE,
        entry=OPEN_GATE,
        seats_max=3,
        arena_agents_max=3,
        seat_amount=parse_usd("1000.01"),
        entry_base=parse_usd("5000.03"),
    ),
    evolution=EvolutionRules(births_base=1, agents_max=8),
    risk=RiskRules(kill=(Rule("unlucky", (Condition("drawdown", "<", -0.05),)),), failures_max=2),
)


class Small(NamedTuple):
    """The experiment, its manifest and its name."""

    experiment: Experiment
    manifest: str
    run_id: RunId


@cache
def small() -> Small:
    """Return the arena of the soak: the same one for every seed, so it is built once."""
    experiment = Experiment(
        name="soak",
        seed=1,
        market=MarketFacts(
            source="synthetic",
            opens_at=OPENS_AT.date().isoformat(),
            warmup=0,
            ticks=1_000,
            periods_per_year=365,
            badge="synthetic",
            series={},
        ),
        endowment=Endowment(total=Money(parse_usd("373261.00") + 7)),  # No share is a round sum.
        terms=Terms({COIN: Instrument(COIN, Kind.SPOT)}, CostModel(gas=Money(1))),
        population=Population(agents=4, mix={"tactical-trader": 1}, baselines=("cash",)),
        rules=_RULES,
    )
    facts = manifest(experiment)
    return Small(experiment, facts, run_id_of(facts))
