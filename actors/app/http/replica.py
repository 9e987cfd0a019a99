"""A replica: the treasury of a run, folded from its journal and kept up as the journal grows.

The rule: what is worked on and what is shown are two things.  `Replica` is changed event by event,
in one thread; a `View` is what it was after one of them, and never changes.  Whoever answers a
request takes one view and says its `seq` as `as_of`.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actors.app.folding import apply_at
from actors.app.result import leaderboard
from actors.app.snapshots import VERSION, treasury_in
from actors.journal.chain import Entry, Head, genesis_hash
from actors.journal.codec import decode
from actors.journal.decoders import Decoders
from actors.journal.pages import (
    Wanted,
    checks_failed,
    entry_page,
    last_entry,
    sound_snapshots,
    tally,
)
from actors.journal.port import Snapshot
from actors.journal.reader import JournalReader
from arena.events import (
    AgentFailed,
    AgentGraduated,
    AgentKilled,
    Event,
    RunForked,
    StrategyChecked,
    TickSettled,
)
from arena.exceptions import EventSourcingError
from arena.experiment import Experiment, read_experiment
from arena.treasury import Treasury

PAGE = 200
"""Entries that are read at once."""


class ReplacedError(EventSourcingError):
    """What is on record is not what was read before: it is another history."""


@dataclass(slots=True)
class Counts:
    """What happened so far, by name.

    Attributes:
        events: By type.
        kills: By rule.
        graduations: By the layer that was risen to.
        failures: Of agents, by kind.
        gates: Checks of strategies that were not passed, by check.
    """

    events: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    graduations: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    gates: Counter[str] = field(default_factory=Counter)

    def copy(self) -> Counts:
        """Return counts that go their own way."""
        return Counts(
            self.events.copy(),
            self.kills.copy(),
            self.graduations.copy(),
            self.failures.copy(),
            self.gates.copy(),
        )

    def add(self, kind: str, event: Event) -> None:
        """Count one event."""
        self.events[kind] += 1
        match event:
            case AgentKilled():
                self.kills[event.rule] += 1
            case AgentGraduated():
                self.graduations[str(event.to_layer)] += 1
            case AgentFailed():
                self.failures[event.kind] += 1
            case StrategyChecked():
                self.gates.update(name for name, passed in event.checks.items() if not passed)
            case _:
                pass


def count_upto(run: JournalReader, seq: int) -> Counts:
    """Return the counts of what stands up to `seq`.

    Raises:
        EventSourcingError: The journal is damaged.
    """
    counts = Counts()
    by_detail = {
        "AgentKilled": counts.kills,
        "AgentGraduated": counts.graduations,
        "AgentFailed": counts.failures,
    }
    for kind, detail, n in tally(run, seq):
        counts.events[kind] += n
        if kind in by_detail:
            by_detail[kind][str(detail)] += n
        elif kind == "StrategyChecked":
            for name in checks_failed(detail or "{}"):
                counts.gates[name] += n
    return counts


class View:
    """A run after one of its entries.  It never changes.

    Attributes:
        treasury: Everything that is true.
        head: The entry's place and hash.
        at: The entry's instant, in the run's own time; None before the first.
        settled_at: The last close that was settled; None before the first.
        counts: What happened so far.
        meta: How the run is run, with `run_id` and `manifest`.
        wanted_at: When somebody last asked for its board, or for that of a view before it, by the
            monotonic clock.
    """

    def __init__(self, replica: Replica) -> None:
        """Take it from `replica`, which goes on."""
        self.treasury = replica.treasury.copy()
        self.head = replica.head
        self.at = replica.at
        self.settled_at = replica.settled_at
        self.counts = replica.counts.copy()
        self.meta: Mapping[str, str] = replica.meta
        self.wanted_at = -math.inf
        self._board: list[dict[str, Any]] | None = None

    @property
    def seq(self) -> int:
        """The entry's place."""
        return self.head.seq

    @property
    def board(self) -> list[dict[str, Any]]:
        """Everyone who lives, best first."""
        self.wanted_at = time.monotonic()
        return self.rank()

    @property
    def ranked(self) -> bool:
        """Whether the board is at hand."""
        return self._board is not None

    def rank(self) -> list[dict[str, Any]]:
        """Return the board, for whoever wants it next."""
        if self._board is None:
            self._board = leaderboard(self.treasury)
        return self._board


class Replica:
    """The treasury that is kept up; used by one thread.

    Attributes:
        treasury: After the entry `head`.
        head: The last entry that was applied.
        at: Its instant; None before the first.
        settled_at: The instant of the last settled tick; None before the first.
        counts: What happened so far.
        meta: How the run is run.
    """

    def __init__(self, run: JournalReader) -> None:
        """Begin at the newest snapshot that can be used, or at the manifest.

        Raises:
            EventSourcingError: The run cannot be read.
        """
        self.meta = run.meta()
        manifest = run.manifest()
        self.treasury, self.head = newest_state(run, read_experiment(manifest))
        if not self.head.seq:
            self.head = Head(0, genesis_hash(manifest))
        self.counts = count_upto(run, self.head.seq)
        last = next(run.entries(self.head.seq - 1, 1), None) if self.head.seq else None
        settled = last_entry(run, TickSettled.__name__, self.head.seq)
        self.at = None if last is None else last.timestamp
        self.settled_at = None if settled is None else settled.timestamp
        self._decoders = Decoders()

    def advance(self, run: JournalReader, budget_s: float) -> int:
        """Apply what follows, for about `budget_s` seconds, and return how many entries that were.

        Raises:
            ReplacedError: What is on record is another history.
            EventSourcingError: An entry cannot be read, or does not fit; what was applied before it
                stays applied, and `rewind` is needed.
        """
        started, before = time.perf_counter(), self.head.seq
        on_record = run.head()
        if on_record.seq < before or (on_record.seq == before and on_record != self.head):
            raise ReplacedError(f"the run ends at {on_record.seq}, and was read up to {before}")
        while time.perf_counter() - started < budget_s:
            page = entry_page(run, Wanted(after_seq=self.head.seq, limit=PAGE)).entries
            for entry in page:
                self._apply(entry)
                if time.perf_counter() - started >= budget_s:
                    break
            if not page:
                break
        return self.head.seq - before

    def _apply(self, entry: Entry) -> None:
        if entry.prev_hash != self.head.hash or entry.seq != self.head.seq + 1:
            raise ReplacedError("it does not follow what was read before", seq=entry.seq)
        event = self._decode(entry)
        apply_at(self.treasury, entry.seq, event)
        self.counts.add(entry.event_type, event)
        self.head, self.at = Head(entry.seq, entry.hash), entry.timestamp
        if isinstance(event, TickSettled):
            self.settled_at = entry.timestamp

    def _decode(self, entry: Entry) -> Event:
        try:
            return self._decoders[entry.event_type, entry.type_version](entry.data)
        except (LookupError, ValueError):
            return decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)

    def rewind(self, view: View) -> None:
        """Go back to `view`."""
        self.treasury, self.head, self.at = view.treasury.copy(), view.head, view.at
        self.settled_at, self.counts = view.settled_at, view.counts.copy()


def newest_state(run: JournalReader, first: Experiment) -> tuple[Treasury, Head]:
    """Return the treasury of the newest snapshot that can be used, or an empty one.

    Args:
        run: What is on record.
        first: What was run at first.

    Raises:
        EventSourcingError: The journal is damaged.
    """
    for snapshot in sound_snapshots(run):
        head = Head(snapshot.seq, snapshot.event_hash)
        if snapshot.version == VERSION and run.head_at(snapshot.seq) == head:
            treasury = _treasury_of(run, snapshot, first)
            if treasury is not None:
                return treasury, head
    return Treasury(first), Head(0, "")


def _treasury_of(run: JournalReader, snapshot: Snapshot, first: Experiment) -> Treasury | None:
    """Return the treasury in `snapshot`, under the rules of then; None where it cannot be read."""
    rules = first
    forked = last_entry(run, RunForked.__name__, snapshot.seq)
    if forked is not None:
        event = decode(forked.event_type, forked.type_version, forked.data, seq=forked.seq)
        if isinstance(event, RunForked):
            rules = read_experiment(event.manifest, first.catalog, first.policies)
    try:
        return treasury_in(snapshot, rules)
    except EventSourcingError:
        return None  # The one before it, or the events, say the same.
