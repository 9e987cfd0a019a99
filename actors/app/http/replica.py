"""A replica: the treasury of a run, folded from its journal and kept up as the journal grows.

The rule: what is worked on and what is shown are two things.  `Replica` is changed event by event,
in one thread; a `View` is what it was after one of them, and never changes.  Whoever answers a
request takes one view and says its `seq` as `as_of`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from actors.app.folding import apply_at
from actors.app.http.counts import Counting
from actors.app.http.navs import Navs
from actors.app.http.source import ReplacedError
from actors.app.latest import newest_state
from actors.app.result import leaderboard
from actors.journal.chain import Entry, Head, genesis_hash
from actors.journal.codec import decode
from actors.journal.decoders import Decoders
from actors.journal.pages import Wanted, entry_page
from actors.journal.reader import JournalReader
from arena.events import Event, TickSettled
from arena.experiment import read_experiment

PAGE = 200
"""Entries that are read at once."""


class View:
    """A run after one of its entries.  It never changes.

    Attributes:
        treasury: Everything that is true.
        head: The entry's place and hash.
        at: The entry's instant, in the run's own time; None before the first.
        settled_at: The last close that was settled; None before the first.
        counts: What happened so far; None where it is not all counted yet.
        meta: How the run is run, with `run_id` and `manifest`.
        navs: What the settled ticks say, for who asks for a curve.
        wanted_at: When somebody last asked for its board, or for that of a view before it, by the
            monotonic clock.
    """

    def __init__(self, replica: Replica) -> None:
        """Take it from `replica`, which goes on."""
        self.treasury = replica.treasury.copy()
        self.head = replica.head
        self.at = replica.at
        self.settled_at = replica.settled_at
        counts = replica.counting.whole
        self.counts = None if counts is None else counts.copy()
        self.meta: Mapping[str, str] = replica.meta
        self.navs = replica.navs
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
        counting: Counts what happened so far.
        meta: How the run is run.
        navs: What the settled ticks say.
    """

    def __init__(self, run: JournalReader) -> None:
        """Begin at the newest snapshot that can be used, or at the manifest.

        Raises:
            EventSourcingError: The run cannot be read.
        """
        self.meta = run.meta()
        self.navs = Navs()
        manifest = run.manifest()
        self.treasury, self.head = newest_state(run, read_experiment(manifest))
        if not self.head.seq:
            self.head = Head(0, genesis_hash(manifest))
        self.counting = Counting(self.head.seq)
        self.counting.look_back(run)
        last = next(run.entries(self.head.seq - 1, 1), None) if self.head.seq else None
        self.at = None if last is None else last.timestamp
        self.settled_at = self.at if self.treasury.tick else None  # It is between two ticks.
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
        self.counting.add(entry.event_type, event)
        self.head, self.at = Head(entry.seq, entry.hash), entry.timestamp
        if isinstance(event, TickSettled):
            self.settled_at = entry.timestamp
            self.navs.add(event)

    def _decode(self, entry: Entry) -> Event:
        try:
            return self._decoders[entry.event_type, entry.type_version](entry.data)
        except (LookupError, ValueError):
            return decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)

    def rewind(self, view: View) -> None:
        """Go back to `view`."""
        self.treasury, self.head, self.at = view.treasury.copy(), view.head, view.at
        self.settled_at = view.settled_at
        self.counting = Counting(view.seq, view.counts)
