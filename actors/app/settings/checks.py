"""What no single key can know: values that must fit together, and names that must exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from actors.app.plugins import PluginError
from actors.app.settings.fields import BP
from actors.app.settings.instruments import MAY_HAVE, NEEDS, PROTOCOLS
from actors.app.settings.market import SourceTable
from actors.app.settings.offer import offered, read_columns
from actors.app.settings.problems import Fault, Problem, Said, join, show, suggest
from actors.app.settings.settings import Settings
from arena.exceptions import ValidationError
from arena.instruments import Kind
from arena.money import MICRO, MONEY_MAX, render_usd
from arena.policies import Policies
from arena.strategies import Catalog, Choice, Strategy


def check(settings: Settings, catalog: Catalog, policies: Policies) -> list[Problem]:
    """Return everything that does not fit together, in the order of the tables."""
    problems = [*_check_sources(settings.market.sources), *_check_market(settings)]
    problems += _check_period(settings)
    problems += [*_check_sums(settings), *_check_order(settings), *_check_names(settings, catalog)]
    problems += [*_check_policy(settings, policies), *_check_limits(settings)]
    problems += _check_daemon(settings)
    if not problems:  # Else the market's columns are not known.
        problems += _check_kinds(settings)
    if not problems:
        columns, problems = offered(settings)
        problems += [*_check_instruments(settings, columns)]
        problems += [*_check_strategies(settings, catalog, columns)]
    return problems


def _check_sources(sources: Sequence[SourceTable]) -> Iterator[Problem]:
    places: dict[str, int] = {}
    for n, source in enumerate(sources):
        key = f"market.sources[{n}]"
        try:
            targets = [name for name, _ in read_columns(source)]
        except ValidationError as error:
            yield Problem(f"{key}.{error.field}", error.found, error.needed)
            continue
        for target in targets:
            if target in places:
                first = f"market.sources[{places[target]}]"
                yield Problem(f"{key}.series", target, f"it once: {first} has it too")
            places.setdefault(target, n)


def _check_market(settings: Settings) -> Iterator[Problem]:
    market = settings.market
    reads, makes = market.source != "synthetic", market.source == "mixed"
    why = f"since market.source = {market.source!r}"
    if reads and not market.sources:
        yield Problem("market.sources", Fault.MISSING, f"at least one table, {why}")
    if market.sources and not reads:
        yield Problem("market.sources", [source.path for source in market.sources], f"none, {why}")
    if makes and not market.generated:
        yield Problem("market.generated", Fault.MISSING, f"at least one pool or group, {why}")
    if market.generated and not makes:
        yield Problem("market.generated", [*market.generated], f"none, {why}")
    yield from _check_twice("market.generated", market.generated)
    spot = [each.name for each in settings.instruments if each.kind == "spot"]
    if market.reference not in {None, *spot}:
        yield Problem("market.reference", market.reference, f"a spot instrument: {', '.join(spot)}")


def _check_period(settings: Settings) -> Iterator[Problem]:
    market, days = settings.market, settings.run.days
    if market.source != "synthetic":
        why = f"since market.source = {market.source!r}"
        if market.start is None:
            yield Problem("market.start", Fault.MISSING, f"a date such as 2020-04-10, {why}")
        if market.end is None and days is None and not settings.endless:
            yield Problem("market.end", Fault.MISSING, f"a date, or run.days, {why}")
    if market.end is not None:
        start = settings.period.start
        span = (market.end - start).days + 1
        if span < 1:
            yield Problem("market.end", Said(str(market.end)), f"{start} or later")
        elif days is not None and days > span:
            needed = f"at most {span}, the days from {start} to market.end = {market.end}"
            yield Problem("run.days", days, needed)


def _check_sums(settings: Settings) -> Iterator[Problem]:
    treasury = settings.treasury
    shares = (treasury.reserve_bp, treasury.proving_bp, treasury.arena_bp)
    if sum(shares) != BP:
        found = Said(f"reserve_bp + proving_bp + arena_bp = {sum(shares)}")
        yield Problem("treasury", found, f"{BP}, the whole")
    if sum(settings.allocation.tiers) != BP:
        yield Problem("allocation.tiers", sum(settings.allocation.tiers), f"a sum of {BP}")
    for key in ("total", "virtual_capital"):
        if getattr(treasury, key) == 0:
            yield Problem(f"treasury.{key}", "0.00", "more than nothing")
    yield from _check_play_money(settings)


def _check_play_money(settings: Settings) -> Iterator[Problem]:
    """Together they gain and lose in one transfer, and that has a most."""
    capital = settings.treasury.virtual_capital
    agents = settings.evolution.agents_max + len(settings.population.baselines)
    if capital * agents > MONEY_MAX:
        most = MONEY_MAX // agents // MICRO
        needed = f"at most {most} dollars: {agents} agents may be there, and hold a billion at most"
        yield Problem("treasury.virtual_capital", Said(render_usd(capital)), needed)


def _check_order(settings: Settings) -> Iterator[Problem]:
    """Yield every pair (low, high) that stands the wrong way round."""
    pairs = (
        ("records", "observations_min", "records", "window"),
        ("allocation", "elite_top", "allocation", "active_top"),
        ("evolution", "mutation_low", "evolution", "mutation_high"),
        ("population", "agents", "evolution", "agents_max"),
        ("risk", "failures_max", "risk", "failure_window"),
    )
    for low_table, low, high_table, high in pairs:
        found = getattr(getattr(settings, low_table), low)
        most = getattr(getattr(settings, high_table), high)
        if found > most:
            yield Problem(f"{low_table}.{low}", found, f"at most {high_table}.{high} = {most}")


def _check_limits(settings: Settings) -> Iterator[Problem]:
    """Yield limits that stand the wrong way round, or of what nobody can trade."""
    limits = settings.limits
    most = limits.limits().trade_max
    if most is not None and limits.trade_min > most:
        needed = f"at most limits.trade_max = {render_usd(most)}"
        yield Problem("limits.trade_min", Said(render_usd(limits.trade_min)), needed)
    instruments = [table.instrument() for table in settings.instruments]
    known = {
        "positions": sorted(each.name for each in instruments),
        "protocols": sorted({each.protocol for each in instruments if each.protocol}),
    }
    for table, names in known.items():
        for name in getattr(limits, table):
            if name not in names:
                key = join(("limits", table, name))
                yield Problem(key, Fault.UNKNOWN, suggest(name, names))


def _check_daemon(settings: Settings) -> Iterator[Problem]:
    if settings.live.feed == "poll" and settings.market.source == "synthetic":
        yield Problem("live.feed", "poll", "replay: of a synthetic market there is no more to come")
    for n, table in enumerate(settings.notify):
        given = [key for key in ("url_file", "url_env") if getattr(table, key)]
        if len(given) != 1:
            found = Said(" and ".join(given) or "neither url_file nor url_env")
            yield Problem(f"notify[{n}]", found, "one of url_file and url_env")


def _check_names(settings: Settings, catalog: Catalog) -> Iterator[Problem]:
    population = settings.population
    for name in population.mix:
        if name not in catalog:
            yield Problem(join(("population", "mix", name)), Fault.UNKNOWN, suggest(name, catalog))
    for n, name in enumerate(population.baselines):
        if name not in catalog:
            needed = f"a known strategy ({suggest(name, catalog)})"
            yield Problem(f"population.baselines[{n}]", name, needed)
    yield from _check_twice("population.baselines", population.baselines)
    yield from _check_twice("instruments", [each.name for each in settings.instruments], "name")
    yield from _check_twice("rules.kill", [rule.id for rule in settings.rules.kill], "id")


def _check_policy(settings: Settings, policies: Policies) -> Iterator[Problem]:
    name = settings.allocation.policy
    if name not in policies:
        yield Problem("allocation.policy", name, f"one of {', '.join(policies)}")
        return
    try:
        policies[name]  # Which imports it.
    except PluginError as error:
        yield Problem("allocation.policy", name, error.needed)


def _check_twice(key: str, names: Sequence[str], part: str = "") -> Iterator[Problem]:
    end = f".{part}" if part else ""
    for n, name in enumerate(names):
        first = names.index(name)
        if first < n:
            needed = f"another name: {key}[{first}]{end} is that already"
            yield Problem(f"{key}[{n}]{end}", name, needed)


def _check_kinds(settings: Settings) -> Iterator[Problem]:
    """Yield what an instrument of its kind lacks, or cannot have."""
    spot = [table.name for table in settings.instruments if table.kind == Kind.SPOT]
    for n, table in enumerate(settings.instruments):
        key, kind = f"instruments[{n}]", Kind(table.kind)
        may_have = {"name", "kind", *NEEDS[kind], *MAY_HAVE.get(kind, ())}
        may_have |= {"protocol"} if kind in PROTOCOLS else set()
        for field in sorted(table.model_fields_set - may_have):
            found = getattr(table, field)
            if found != type(table).model_fields[field].default:
                yield Problem(f"{key}.{field}", found, f"none: a {kind} instrument has no {field}")
        for field in NEEDS[kind]:
            if getattr(table, field) is None:
                yield Problem(f"{key}.{field}", Fault.MISSING, f"for an instrument of kind {kind}")
        coin = table.underlying
        if coin is not None and "underlying" in NEEDS[kind] and coin not in spot:
            yield Problem(f"{key}.underlying", coin, f"a spot instrument ({suggest(coin, spot)})")


def _check_instruments(settings: Settings, columns: dict[str, str]) -> Iterator[Problem]:
    for n, table in enumerate(settings.instruments):
        key, instrument = f"instruments[{n}]", table.instrument()
        needs = [instrument.open_column, instrument.close_column]
        if instrument.kind is Kind.LENDING:
            needs.append(instrument.rate_column)
        yield from _check_columns(f"{key}.name", table.name, needs, columns)
        unit = columns.get(instrument.close_column)
        wanted = "index" if instrument.kind is Kind.LENDING else "USD"
        if unit not in {None, wanted}:
            needed = f"the other kind: {instrument.close_column} is in {unit}, not in {wanted}"
            yield Problem(f"{key}.kind", table.kind, needed)


def _check_strategies(
    settings: Settings, catalog: Catalog, columns: dict[str, str]
) -> Iterator[Problem]:
    """Yield every strategy of the population that cannot be imported, or finds not what it needs.

    It needs something to watch, and something to hold.
    """
    for key, name in _strategies(settings):
        try:
            strategy = catalog[name]
        except PluginError as error:
            yield Problem(key, name, error.needed)
        else:
            yield from _check_needs(key, strategy, settings, columns)


def _check_needs(
    key: str, strategy: type[Strategy], settings: Settings, columns: dict[str, str]
) -> Iterator[Problem]:
    instruments = [table.instrument() for table in settings.instruments]
    spot = [each.name for each in instruments if each.kind is Kind.SPOT]
    yield from _check_columns(key, strategy.name, strategy.needs, columns)
    if strategy.needs_kind not in {None, *(each.kind for each in instruments)}:
        needed = f"an instrument of kind {strategy.needs_kind!s} for it to hold"
        yield Problem(key, strategy.name, needed)
    missing = [asset for asset in _assets(strategy) if asset not in spot]
    if missing:
        needed = f"the spot assets that it may choose as instruments: {', '.join(missing)}"
        yield Problem(key, strategy.name, needed)


def _strategies(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the key and the name of each strategy of the population."""
    for name in settings.population.mix:
        yield join(("population", "mix", name)), name
    for n, name in enumerate(settings.population.baselines):
        yield f"population.baselines[{n}]", name


def _assets(strategy: type[Strategy]) -> tuple[str, ...]:
    """Return the instruments that a strategy names: the options of its parameter `asset`."""
    choices = (p for p in strategy.parameters if isinstance(p, Choice) and p.name == "asset")
    return tuple(option for choice in choices for option in choice.options)


def _check_columns(
    key: str, name: str, needs: Iterable[str], columns: dict[str, str]
) -> Iterator[Problem]:
    for column in needs:
        if column not in columns:
            needed = f"the market to have a column {show(column)} ({suggest(column, columns)})"
            yield Problem(key, name, needed)
