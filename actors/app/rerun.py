"""Re-execution: a stored run is carried out again, and every event is compared.

The market is rebuilt from the settings that the run stored about itself; its numbers must have the
hashes that stand in the manifest.  Nothing is written.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.app.borrowed import borrowed_by, changed_since, check_there, in_use, plugins_of
from actors.app.forks import Fork, course_of, pass_fork
from actors.app.markets import LoadedMarket, build_experiment, build_market
from actors.app.redo import RecordGoesOnError, StoredRecord, redo_next
from actors.app.settings import Settings, make_settings
from actors.app.settings.overrides import apply_overrides
from actors.feeds import DataError
from actors.feeds.problems import Problem
from actors.journal.bars import read_bars
from actors.journal.chain import HASHED, Entry
from actors.journal.memory import MemoryJournal
from actors.journal.reader import JournalReader
from actors.journal.resuming import BorrowedJournal
from arena.exceptions import EventSourcingError
from arena.experiment import LIVE, Experiment, manifest
from arena.market import restrict
from arena.treasury import Treasury

BEFORE: Mapping[str, Mapping[str, Any]] = {
    "costs": {"impact": 0.0, "participation_max": "unlimited", "gas_reference_gwei": 0.0},
    "risk": {"pause_drawdown": "never"},
    "ladder": {"gate_required": False},
}
"""What a key meant before there was one: an older run says nothing of it, and is no other run."""

_FACTS = tuple(name for name in HASHED if name not in {"prev_hash", "event_id"})
"""What must agree even where the manifests differ, and with them every hash and id."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A stored run, ready to be run again.

    Attributes:
        experiment: What is run, up to the first fork.
        loaded: On which market.
        notes: In what this installation differs from the one that made the run.
        forks: The forks that led to the run, the oldest first.
    """

    experiment: Experiment
    loaded: LoadedMarket
    notes: tuple[str, ...]
    forks: tuple[Fork, ...]


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first entry that is not the same; one side is None where a history ended early."""

    seq: int
    stored: Entry | None
    again: Entry | None


def rebuild(
    run: JournalReader,
    *,
    now: datetime,
    loaded: LoadedMarket | None = None,
    also: Sequence[Settings] = (),
) -> Rebuilt:
    """Return the experiment and the market of a stored run.

    Args:
        run: What is on record.
        now: The current time: data from later than tomorrow is refused.
        loaded: Its market, where that was built already.
        also: Settings that the run may take over: what they name can be named then.

    Raises:
        DataError: The run stored no settings, or the market's numbers are not those of the run.
        PluginError: A package that it needs is not installed here.
        EventSourcingError: What it stored about itself is damaged.
    """
    meta = run.meta()
    if not {"settings", "base"} <= meta.keys():
        needed = "a run that `arena run` made: this one stored no settings"
        raise DataError([Problem(str(run.path), None, None, "no settings", needed)])
    check_there(meta)
    course = course_of(run)
    texts = (*(fork.settings_before for fork in course.forks), course.settings)
    every = [*(stored_settings(text, meta) for text in texts), *also]
    settings, known = every[0], plugins_of(meta, every)
    stored = json.loads(run.manifest())
    loaded = loaded or _market_of(run, settings, stored, now)
    experiment = build_experiment(settings, loaded, *in_use(known, every))
    again = json.loads(manifest(experiment))
    _check_series(stored, again)
    borrowed = [found for each in every for found in borrowed_by(each, known)]
    notes = (*_differences(stored, again), *changed_since(meta, borrowed))
    return Rebuilt(experiment, loaded, notes, course.forks)


def stored_settings(text: str, meta: Mapping[str, str], overrides: Sequence[str] = ()) -> Settings:
    """Return the settings that a run stored as `text`, with overrides over them.

    Args:
        text: As `actors.app.settings.effective` gave them.
        meta: Of the run: where its config lay.
        overrides: `table.key=value`, the later one winning.

    Raises:
        ConfigError: They cannot be used.
        EventSourcingError: They are not as they were stored.
    """
    try:
        tables: dict[str, Any] = json.loads(text)
        market = tables["market"]
        for table, keys in BEFORE.items():
            tables[table] = {**keys, **tables[table]}
        # As TOML would give them: JSON has no dates.
        market |= {
            each: date.fromisoformat(market[each]) for each in ("start", "end") if each in market
        }
        given = (*overrides, *_of_the_first_generation(tables, overrides))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EventSourcingError(f"the run's settings are damaged: {error!r}") from error
    return make_settings(tables, given, place="the run's settings", base=Path(meta["base"]))


def _of_the_first_generation(tables: Mapping[str, Any], overrides: Sequence[str]) -> Iterator[str]:
    """Yield the override that lets `evolution.agents_max` be less than there were at first."""
    changed = copy.deepcopy(dict(tables))
    apply_overrides(changed, overrides)
    least = changed["evolution"].get("agents_max")
    if isinstance(least, int) and least < changed["population"]["agents"]:
        yield f"population.agents={least}"


def _market_of(
    run: JournalReader, settings: Settings, stored: Mapping[str, Any], now: datetime
) -> LoadedMarket:
    """Return the market of a run: as its bars were recorded, or else read or made anew."""
    meta = run.meta()
    if stored["market"]["source"] != LIVE:
        return _unmarked(build_market(settings, Path(meta["base"]), now=now), stored)
    recorded = read_bars(run.path)
    if recorded.run_id != meta.get("run_id"):
        raise EventSourcingError(f"the bars beside {str(run.path)!r} are of another run")
    return LoadedMarket(recorded.bars.market, settings.market.warmup_days, live=True)


def _unmarked(loaded: LoadedMarket, stored: Mapping[str, Any]) -> LoadedMarket:
    """Return the market without marks of held bars, where the run is of a version without them."""
    known, columns = stored["market"]["series"], loaded.market.columns
    kept = [name for name in columns if name in known or not name.endswith(".held")]
    if len(kept) == len(columns):
        return loaded
    return replace(loaded, market=restrict(loaded.market, slice(None), kept))


def _check_series(stored: Mapping[str, Any], again: Mapping[str, Any]) -> None:
    problems = []
    for name, (_, _, origin, found) in again["market"]["series"].items():
        before = stored["market"]["series"].get(name, ["", "", "", "no such column"])[3]
        if found != before:
            needed = f"the numbers of the run ({before}); it was made with {_versions(stored)}"
            problems.append(Problem(origin, None, name, f"numbers with SHA-256 {found}", needed))
    if problems:
        raise DataError(problems)


def _differences(stored: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[str]:
    if stored["versions"] != again["versions"]:
        yield f"the run was made with {_versions(stored)}, this is {_versions(again)}"
    for key in sorted(stored.keys() | again.keys()):
        if key != "versions" and stored.get(key) != again.get(key):
            yield f"the manifest differs in {key!r}"


def _versions(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(facts["versions"].items()))


async def re_execute(
    run: JournalReader,
    rebuilt: Rebuilt,
    folded: Treasury,
    *,
    on_tick: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """Run again, as far as the stored run came, and compare entry by entry.

    Args:
        run: The stored history.
        rebuilt: What it was made from.
        folded: The stored history's outcome.
        on_tick: Called after each tick with its number.
    """
    facts = manifest(rebuilt.experiment)
    names = (*HASHED, "hash") if facts == run.manifest() else _FACTS
    journal = MemoryJournal(facts)
    comparison = Comparison(run, names, completed=folded.completed)
    start: Start | None = None
    for fork in (*rebuilt.forks, None):
        head = await journal.head()
        borrowed = BorrowedJournal(journal, head=head, end=head)
        experiment = start.treasury.experiment if start else rebuilt.experiment
        async with Arena(experiment, rebuilt.loaded.market, borrowed, start=start) as arena:
            comparison.take(journal)
            record, until = StoredRecord(run, arena), fork.seq if fork else folded.seq
            while not comparison.over and arena.treasury.seq < until:
                try:
                    await redo_next(arena, record, on_tick=on_tick)
                except RecordGoesOnError:
                    return comparison.end()
                comparison.take(journal)
            if comparison.over or fork is None:
                break
            start = await pass_fork(arena, fork)
            comparison.take(journal)
    return comparison.end()


class Comparison:
    """Two histories, entry by entry, until they differ or the stored one ends.

    Attributes:
        agreed: How many entries are the same.
        divergence: The first that is not.
        over: Whether there is nothing more to compare.
    """

    def __init__(self, run: JournalReader, names: tuple[str, ...], *, completed: bool) -> None:
        self._stored = run.entries()
        self._names = names
        self._completed = completed
        self.agreed = 0
        self.divergence: Divergence | None = None
        self.over = False

    def take(self, journal: MemoryJournal) -> None:
        """Compare what the journal has that was not compared yet."""
        for again in journal.entries[self.agreed :]:
            before = next(self._stored, None)
            if before is None and not self._completed:
                self.over = True  # The run was stopped in the middle of this tick.
                return
            if before is None or any(
                getattr(before, name) != getattr(again, name) for name in self._names
            ):
                self.divergence, self.over = Divergence(again.seq, before, again), True
                return
            self.agreed += 1

    def end(self) -> Self:
        """Note what is stored beyond the end of the re-execution; return this."""
        left = None if self.over else next(self._stored, None)
        if left is not None:
            self.divergence = Divergence(left.seq, left, None)
        return self


def explain_divergence(divergence: Divergence) -> tuple[str, Any, Any]:
    """Return where the two entries differ first, and what stands there on either side."""
    stored, again = divergence.stored, divergence.again
    if stored is None or again is None:
        return "its being there", stored and stored.event_type, again and again.event_type
    for name in HASHED:
        before, after = getattr(stored, name), getattr(again, name)
        if name == "data" and before != after:
            return first_difference(json.loads(before), json.loads(after)) or (name, before, after)
        if before != after and name not in {"prev_hash", "event_id"}:
            return name, before, after
    return "hash", stored.hash, again.hash


def first_difference(one: Any, other: Any, path: str = "data") -> tuple[str, Any, Any] | None:
    """Return (path, the one's value, the other's) where two JSON values differ first."""
    pairs: list[tuple[str, Any, Any]] = []
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one.keys() | other.keys())
        pairs = [(f"{path}.{key}", one.get(key), other.get(key)) for key in keys]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(f"{path}[{n}]", *both) for n, both in enumerate(zip(one, other, strict=True))]
    elif one != other:
        return path, one, other
    for where, left, right in pairs:
        found = first_difference(left, right, where)
        if found is not None:
            return found
    return None
