"""Looking at a market that grows: which bars are complete, and whether the known ones still hold.

A bar is complete when its day has closed and every source has its row.  A source that may have gaps
(`gaps = "hold:N"` or `halt`) is waited for until another one has the next bar: then it has a gap.
So what becomes of a bar depends on the data alone, and never on when somebody looked.

What is known stays as it is.  A row that comes after its gap was settled is late: it is counted and
left out, as if it had never come.  A source that says another number than before is not believed,
and nothing is taken from any until it says the old one again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from actors.app.gate.worlds import SHORT_BARS
from actors.app.markets import LoadedMarket, read_market, read_sources
from actors.app.settings import ConfigError, Period, Problem, Settings
from actors.feeds import CsvSource, DataError, Table
from actors.feeds import Problem as DataProblem
from actors.feeds.assemble import held_name, is_mark
from actors.feeds.csv_files import last_days
from actors.journal.bars import Bars
from arena.market import Market, Series

DAY = timedelta(days=1)
CHANGES_SHOWN = 3

Cells: TypeAlias = npt.NDArray[np.bool_]
Signature: TypeAlias = tuple[tuple[str, int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the sources found.

    Attributes:
        loaded: All bars that are complete, with what is to be said of them.
        bars: The same, with what they lack.
        late: Rows that were left out: their bars are known without them.
        waiting: Which sources are more than a day behind, one sentence each.
    """

    loaded: LoadedMarket
    bars: Bars
    late: int
    waiting: tuple[str, ...]


def check_pollable(settings: Settings) -> None:
    """Refuse a config whose market cannot grow.

    Raises:
        ConfigError: It is made from a seed, or has no warm-up that its columns and the gate need.
    """
    problems = []
    if settings.market.source != "csv":
        needed = "csv: what is made from a seed has no more to come"
        problems.append(Problem("market.source", settings.market.source, needed))
    least = SHORT_BARS if settings.ladder.gate_required else 1
    if settings.market.warmup_days < least:
        needed = f"at least {least}: it is what can be known when the first bar comes"
        problems.append(Problem("market.warmup_days", settings.market.warmup_days, needed))
    if problems:
        raise ConfigError(problems)


def signature(settings: Settings, base: Path, now: datetime) -> Signature:
    """Return what changes when a file does, or when a day closes; no file is opened."""
    found: list[tuple[str, int, int, int] | None] = [("", now.toordinal(), 0, 0)]
    for source in read_sources(settings, base):
        try:
            stat = Path(source.path).stat()
        except OSError:  # Reading it will say why.
            found.append(None)
        else:
            found.append((source.name, stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def look(settings: Settings, base: Path, now: datetime, known: Bars | None = None) -> Look:
    """Read the sources, as far as bars are complete.

    Args:
        settings: Of a market that can grow.
        base: The folder that paths in the config are relative to.
        now: The current time, in UTC.
        known: What is known already.

    Raises:
        DataError: Files cannot be used, or are being written, have less than the warm-up, or say
            something else than what is known.
    """
    sources, before = read_sources(settings, base), signature(settings, base, now)
    for source in sources:
        _check_ends(Path(source.path))
    opens, start = settings.period.opens, settings.period.start
    closed = now.date() - DAY
    lasts = last_days(sources, start=opens, not_after=now + DAY)
    until = _complete(sources, lasts, closed)
    if not settings.endless:
        until = min(until, settings.period.end)
    if until < start - DAY:
        needed = f"rows up to {start - DAY}, the whole warm-up, before bars can follow"
        slowest = sources[lasts.index(min(lasts))]
        raise DataError([_of(slowest, f"rows up to {until}", needed)])
    period = Period(start, (until - start).days + 1, settings.market.warmup_days)
    absent = _absent(known, len(sources))
    loaded, tables = read_market(settings, base, period, now=now, absent=absent)
    if signature(settings, base, now) != before:
        raise DataError([_of(sources[0], "files that changed meanwhile", "files that stand still")])
    loaded = replace(loaded, market=_with_flags(loaded.market, sources))
    if known is not None:
        _check_same(known.market, loaded.market, sources[0])
    return Look(
        loaded,
        Bars(loaded.market, _absent_by_bar(loaded.market, tables)),
        sum(table.late for table in tables),
        _waiting(sources, lasts, closed) if _goes_on(settings, until) else (),
    )


def _absent(known: Bars | None, sources: int) -> list[set[date]]:
    """Return for each source the bars that are known without a row of it."""
    found: list[set[date]] = [set() for _ in range(sources)]
    if known is not None:
        for row, numbers in enumerate(known.absent):
            for number in numbers:
                found[number].add(known.market.opens_on(row).date())
    return found


def _absent_by_bar(market: Market, tables: Sequence[Table]) -> tuple[tuple[int, ...], ...]:
    days = [{*table.absent} for table in tables]
    return tuple(
        tuple(n for n, absent in enumerate(days) if market.opens_on(row).date() in absent)
        for row in range(len(market))
    )


def _check_same(known: Market, found: Market, source: CsvSource) -> None:
    """Refuse a market that is not as it was, as far as both go.

    Raises:
        DataError: It has other columns, or other numbers; the first of them are named.
    """
    if [*found.columns] != [*known.columns]:
        said = [f"column {name}" for name in sorted(found.columns.keys() ^ known.columns.keys())]
    else:
        rows = min(len(known), len(found))
        before, after = known.values[:rows], found.values[:rows]
        said = _said(known, ~((before == after) | (np.isnan(before) & np.isnan(after))))
    if said:
        needed = "the past as it was recorded: a known bar does not change"
        raise DataError([_of(source, f"another past: {', '.join(said)}", needed)])


def _goes_on(settings: Settings, until: date) -> bool:
    return settings.endless or until < settings.period.end


def _check_ends(path: Path) -> None:
    """Refuse a text file whose last line has no end: somebody is writing it."""
    if path.suffix != ".csv" or not path.is_file():
        return
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 1))
            end = file.read()
    except OSError:  # Reading it will say why.
        return
    if end not in {b"\n", b"\r"}:
        needed = "a line end: the last line may not be there in full"
        raise DataError([DataProblem(str(path), None, None, "a last line without an end", needed)])


def _complete(sources: Sequence[CsvSource], lasts: Sequence[date], closed: date) -> date:
    """Return the last day whose bar is complete."""
    newest = min(closed, max(lasts))
    bounds = [
        max(last, newest - DAY) if _may_have_gaps(source) else last
        for source, last in zip(sources, lasts, strict=True)
    ]
    return min(newest, *bounds)


def _may_have_gaps(source: CsvSource) -> bool:
    return bool(source.hold_bars) or source.halts


def _waiting(sources: Sequence[CsvSource], lasts: Sequence[date], closed: date) -> tuple[str, ...]:
    """Return which sources lack a bar that closed more than a day ago."""
    return tuple(
        f"{source.label}: nothing after {last}, and {closed} has closed"
        for source, last in zip(sources, lasts, strict=True)
        if last < closed - DAY
    )


def _with_flags(market: Market, sources: Sequence[CsvSource]) -> Market:
    """Return the market with every column that says what was held, even if nothing was so far.

    They come last, so that the order of columns does not depend on when the first gap was.
    """
    given = {target for source in sources for target in source.series}
    flags = {
        held_name(target): Series(
            held_name(target), "flag", source.provenance_of(target), source.label
        )
        for source in sources
        for target in source.series
        if source.hold_bars and is_mark(target, given)
    }
    others = [name for name in market.columns if name not in flags]
    columns = [market.column(name) for name in others]
    columns += [
        market.column(name) if name in market.columns else np.zeros(len(market)) for name in flags
    ]
    series = (*(market.series[market.columns[name]] for name in others), *flags.values())
    return replace(market, series=series, values=np.column_stack(columns))


def _said(market: Market, changed: Cells) -> list[str]:
    """Return the first of the changed cells in words, and how many more there are."""
    places = np.argwhere(changed)
    names = [*market.columns]
    said = [
        f"{names[column]} on {market.opens_on(int(row)):%Y-%m-%d}"
        for row, column in places[:CHANGES_SHOWN].tolist()
    ]
    more = len(places) - len(said)
    return [*said, f"{more} more"] if more > 0 else said


def _of(source: CsvSource, found: str, needed: str) -> DataProblem:
    return DataProblem(source.name, None, source.time_column, found, needed)
