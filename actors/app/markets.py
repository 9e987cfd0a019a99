"""From settings to a market and an experiment.

The market is read or made; the experiment holds its facts, never its numbers, and nothing about
where files lie.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePath
from typing import Any

from actors.app.borrowed import in_use
from actors.app.plugins import find_plugins
from actors.app.settings import ConfigError, Period, Problem, Settings, check, load_settings
from actors.app.settings.capital import UNLIMITED
from actors.app.settings.fields import Section
from actors.app.settings.offer import DEPOSIT
from actors.app.settings.problems import Fault
from actors.app.settings.rules import ConditionTable, KillTable
from actors.feeds import CsvSource, Table, assemble, badge, merge, read_csv
from actors.feeds.synthetic import load_synthetic
from arena.costs import CostModel
from arena.execution import Terms
from arena.experiment import LIVE, Endowment, Experiment, MarketFacts, Population
from arena.fitness import FitnessWeights
from arena.instruments.derive import derive
from arena.market import Market, restrict
from arena.policies import POLICIES, Policies
from arena.prices import add_series
from arena.rules import (
    AllocationRules,
    Condition,
    EvolutionRules,
    LadderRules,
    RecordRules,
    RiskRules,
    Rule,
    Rules,
)
from arena.seed import Seed
from arena.strategies import BUILT_IN, Catalog

_WHOLE = ("age", "life_age", "days_negative")


@dataclass(frozen=True, slots=True)
class LoadedMarket:
    """A market, ready to be run.

    Attributes:
        market: All bars, warm-up included.
        warmup: How many of its first bars are visible and not traded.
        notes: What a reader of the results should know of the data, one sentence each.
        live: Whether more bars are to come; there may be none yet beyond the warm-up.
    """

    market: Market
    warmup: int
    notes: tuple[str, ...] = ()
    live: bool = False


def load_run(
    config: Path, overrides: Sequence[str], *, catalog: Catalog, now: datetime
) -> tuple[Experiment, Market]:
    """Return what a config file describes: the experiment and all its bars.

    Args:
        config: A TOML file.
        overrides: `table.key=value`, the later one winning.
        catalog: The strategies that the config can name, beside plugins.
        now: The current time, with an offset.

    Raises:
        ConfigError: The config cannot be used.
        DataError: The market's files cannot be used.
    """
    settings = load_settings(config, overrides, catalog=catalog)
    loaded = build_market(settings, config.parent, now=now)
    known = find_plugins(settings.plugins.modules, config.parent, catalog=catalog)
    return build_experiment(settings, loaded, *in_use(known, [settings])), loaded.market


def build_market(settings: Settings, base: Path, *, now: datetime) -> LoadedMarket:
    """Return the market that the settings ask for: `warmup_days` + `days` bars.

    Args:
        settings: Which market.
        base: The folder that paths in the config are relative to: the config file's.
        now: The current time, with an offset: data from later than tomorrow is refused.

    Raises:
        ConfigError: The market has no end, so that it is none yet.
        DataError: Files cannot be used; all problems found are listed.
    """
    instruments = {table.name: table.instrument() for table in settings.instruments}
    if settings.endless:
        needed = "a date, or run.days: only `arena serve` goes on without an end"
        raise ConfigError([Problem("market.end", Fault.MISSING, needed)])
    if settings.market.source == "synthetic":
        market = derive(_simulate(settings), instruments)
        return LoadedMarket(market, settings.market.warmup_days)
    tables = _read(settings, base, settings.period, now)
    market, notes = assemble(tables), _notes(tables)
    if settings.market.source == "mixed":
        market = _generate(market, settings)
        made = ", ".join(settings.market.generated)
        notes = (*notes, f"{made}: synthetic, made from the seed")
    return LoadedMarket(derive(market, instruments), settings.market.warmup_days, notes)


def read_market(
    settings: Settings,
    base: Path,
    period: Period,
    *,
    now: datetime,
    absent: Sequence[Collection[date]] = (),
) -> tuple[LoadedMarket, tuple[Table, ...]]:
    """Return the bars that files have of `period`, and the tables that they are made from.

    Args:
        settings: Where the market is read from, and what is traded in it.
        base: The folder that paths in the config are relative to.
        period: The warm-up, and maybe no day after it.
        now: The current time, with an offset.
        absent: For each source the bars that stay without a row, even if there is one by now.

    Raises:
        DataError: Files cannot be used; all problems found are listed.
    """
    tables = _read(settings, base, period, now, absent)
    market, notes = assemble(tables), _notes(tables)
    instruments = {table.name: table.instrument() for table in settings.instruments}
    return LoadedMarket(derive(market, instruments), period.warmup, notes, live=True), tables


def build_experiment(
    settings: Settings,
    loaded: LoadedMarket,
    catalog: Catalog = BUILT_IN,
    policies: Policies = POLICIES,
) -> Experiment:
    """Return what is run: the settings, and the facts of the market that they led to.

    Args:
        settings: The whole config.
        loaded: The market that it asks for.
        catalog: The strategies that can be named.
        policies: The policies that can be named.

    Raises:
        ConfigError: The settings do not fit together; `load_settings` would have said so.
    """
    problems = check(settings, catalog, policies)
    if problems:
        raise ConfigError(problems)
    return Experiment(
        name=settings.run.name,
        seed=settings.run.seed,
        market=_facts(settings, loaded),
        terms=_terms(settings),
        endowment=Endowment(**_plain(settings.treasury)),
        population=_population(settings),
        rules=_rules(settings),
        catalog=catalog,
        policies=policies,
    )


def _simulate(settings: Settings) -> Market:
    period = settings.period
    return load_synthetic(
        days=period.days,
        warmup_days=period.warmup,
        seed=_market_seed(settings),
        start=period.start,
        universe=settings.market.universe,
    )


def _generate(market: Market, settings: Settings) -> Market:
    """Return the market with what the settings want made beside what was read."""
    names = [f"{pool}.{kind}" for pool in settings.market.made_pools for kind in DEPOSIT]
    if names:
        market = merge([market, restrict(_simulate(settings), slice(None), names)])
    return add_series(market, settings.market.made_groups, _market_seed(settings))


def _market_seed(settings: Settings) -> Seed:
    return Seed(settings.run.seed).child("market")


def _read(
    settings: Settings,
    base: Path,
    period: Period,
    now: datetime,
    absent: Sequence[Collection[date]] = (),
) -> tuple[Table, ...]:
    return read_csv(
        [_on_record(source) for source in read_sources(settings, base)],
        start=period.opens,
        end=period.end,
        not_after=now + timedelta(days=1),
        absent=absent,
    )


def _notes(tables: Sequence[Table]) -> tuple[str, ...]:
    return tuple(note for table in tables for note in table.notes)


def read_sources(settings: Settings, base: Path) -> list[CsvSource]:
    """Return what the market is read from, by paths under `base`; no file is opened."""
    market = settings.market
    return [source.reading(base, market.store) for source in market.sources]


def _on_record(source: CsvSource) -> CsvSource:
    """Return `source`; a series of the store gets the provenance that it was stored with."""
    if not source.origin:
        return source
    from actors.feeds.stored import with_provenance  # noqa: PLC0415 - needs an extra

    return with_provenance(source)


def _facts(settings: Settings, loaded: LoadedMarket) -> MarketFacts:
    market, live = loaded.market, loaded.live
    first = datetime.fromtimestamp(int(market.opens_at[0]) + loaded.warmup * market.bar_s, UTC)
    days = 0 if settings.endless else settings.period.days
    return MarketFacts(
        source=LIVE if live else settings.market.source,
        opens_at=first.date().isoformat(),
        warmup=loaded.warmup,
        ticks=days if live else len(market) - loaded.warmup,
        periods_per_year=market.periods_per_year,
        badge=badge(market),
        series={
            series.name: (
                series.unit,
                series.provenance.value,
                PurePath(series.origin).name,  # The folder is how, not what.
                "" if live else market.sha256(series.name),
            )
            for series in market.series
        },
    )


def _terms(settings: Settings) -> Terms:
    costs = _plain(settings.costs)
    trade_min = costs.pop("trade_min")
    if costs["participation_max"] == UNLIMITED:
        costs["participation_max"] = None
    instruments = {table.name: table.instrument() for table in settings.instruments}
    limits = settings.limits.limits()
    # In the order of their names, as in the manifest: the order of trading is no setting.
    return Terms(
        dict(sorted(instruments.items())),
        CostModel(**costs),
        trade_min,
        settings.run.delay_bars,
        limits,
    )


def _population(settings: Settings) -> Population:
    given = _plain(settings.population)
    mix = dict(sorted(given.pop("mix").items()))  # The manifest does not know their order either.
    return Population(mix=mix, **given)


def _rules(settings: Settings) -> Rules:
    rules, risk = settings.rules, _plain(settings.risk)
    never = risk["halt_days"] == "never"
    risk |= {"halt_days": None if never else risk["halt_days"]}
    risk |= {"pause_drawdown": settings.risk.bound}
    return Rules(
        records=RecordRules(
            weights=FitnessWeights(**_plain(settings.fitness)), **_plain(settings.records)
        ),
        ladder=LadderRules(
            seat=Rule("seat", _conditions(rules.seat.all)),
            entry=Rule("entry", _conditions(rules.entry.all)),
            **_plain(settings.ladder),
        ),
        allocation=AllocationRules(**_plain(settings.allocation)),
        evolution=EvolutionRules(**_plain(settings.evolution)),
        risk=RiskRules(kill=_kill(rules.kill), **risk),
    )


def _kill(tables: Sequence[KillTable]) -> tuple[Rule, ...]:
    return tuple(Rule(**(_plain(table) | {"all": _conditions(table.all)})) for table in tables)


def _conditions(tables: Sequence[ConditionTable]) -> tuple[Condition, ...]:
    return tuple(Condition(each.metric, each.op, _value(each)) for each in tables)


def _value(condition: ConditionTable) -> float:
    """Return the number as the defaults write it: days are whole, so that hashes agree."""
    whole = condition.metric in _WHOLE and condition.value.is_integer()
    return int(condition.value) if whole else condition.value


def _plain(section: Section) -> dict[str, Any]:
    return section.model_dump()
