"""One agent's unit NAV, close by close, out of the settled ticks.

The rule: of a long life not every close is looked at, but every so-many-th of the run, the same for
all agents.  What a tick said of everybody is kept for the next question, in bounds, so that the
curves of a whole board cost little more than one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import OrderedDict
from threading import Lock
from typing import Any, NamedTuple

from actors.app.http.heavy import Until
from actors.app.http.series import Point, lttb
from actors.journal.chain import Entry
from actors.journal.codec import decode
from actors.journal.pages import seqs_of
from actors.journal.reader import JournalReader
from actors.journal.upcasters import version_of
from arena.agents import Agent
from arena.events import TickSettled
from arena.exceptions import EventSourcingError

READ_MAX = 1000
"""Closes of one agent that are looked at."""

KEPT_MAX = 2_000_000
"""NAVs that are kept for the next question: 16 MB."""


class Close(NamedTuple):
    """What one settled tick says of everybody: the names as they are in the text, and the NAVs."""

    names: str
    navs: array[float]


class Navs:
    """The NAVs of one run that were looked at last; several threads may ask at once.

    Attributes:
        kept: How many are at hand.
    """

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        """Keep no more than `kept_max` NAVs."""
        self._kept_max = kept_max
        self.kept = 0
        self._closes: OrderedDict[int, Close] = OrderedDict()
        self._last_names = ""
        self._seqs: list[int] = []
        self._looked_to = 0
        self._lock = Lock()

    def series(
        self, run: JournalReader, agent: Agent, upto: int, points: int, until: Until
    ) -> dict[str, Any]:
        """Return `closes`, `read` and `points` of an agent's NAV.

        Args:
            run: What is on record.
            agent: Whose; as it is after `upto`.
            upto: The last entry that counts.
            points: How many to keep at most, >= 2.
            until: When it is too late.

        Raises:
            ProblemError: It is.
            EventSourcingError: The journal is damaged.
        """
        born = agent.genome.born
        seqs = self._settled(run, upto)[: agent.died]
        found: list[Point] = [(born, 1.0)]
        names, place = "", None
        for tick in until.each(looked_at(born, len(seqs))):
            close = self._close(run, seqs[tick - 1])
            if close.names is not names:
                names, place = close.names, place_of(agent.agent_id, close.names)
            if place is not None:
                found.append((tick, close.navs[place]))
        kept = [found[row] for row in lttb(found, points)]
        series = [{"tick": tick, "nav": nav} for tick, nav in kept]
        closes = max(0, len(seqs) - born) + 1
        return {"closes": closes, "read": len(found), "points": series}

    def _settled(self, run: JournalReader, upto: int) -> list[int]:
        """Return where the ticks settled, up to `upto`: that of tick 1 first."""
        with self._lock:
            if upto > self._looked_to:
                self._seqs += seqs_of(run, TickSettled.__name__, self._looked_to, upto)
                self._looked_to = upto
            return self._seqs[: bisect_right(self._seqs, upto)]

    def _close(self, run: JournalReader, seq: int) -> Close:
        """Return what the settled tick at `seq` says, from the run unless it is at hand."""
        with self._lock:
            close = self._closes.get(seq)
            if close is not None:
                self._closes.move_to_end(seq)
                return close
        close = close_in(next(run.entries(seq - 1, 1)))
        with self._lock:
            if close.names == self._last_names:  # One text for as long as nobody is born or dies.
                close = Close(self._last_names, close.navs)
            self._last_names = close.names
            self._keep(seq, close)
        return close

    def _keep(self, seq: int, close: Close) -> None:
        if seq not in self._closes:
            self._closes[seq] = close
            self.kept += len(close.navs)
        while self.kept > self._kept_max:
            _, forgotten = self._closes.popitem(last=False)
            self.kept -= len(forgotten.navs)


def looked_at(born: int, last: int) -> list[int]:
    """Return which of the closes after tick `born`, up to `last`, are looked at, ascending.

    They are the multiples of a power of two, so that the next question, a tick later or about
    somebody else, looks at the same ones; the last close is always one of them.

    Args:
        born: The tick of a birth, >= 0.
        last: The last close, a tick >= 1.

    Returns:
        `READ_MAX` ticks at most.
    """
    step = 1
    while len(range(born, last, step)) >= READ_MAX:
        step *= 2
    first = born + 1
    aligned = range(first + -first % step, last + 1, step)
    return [*aligned] if last in aligned or last <= born else [*aligned, last]


def close_in(entry: Entry) -> Close:
    """Return what a settled tick says of everybody's NAV.

    The data is looked through as text: it is canonical, so what is looked for can stand nowhere
    else, and a tick of thousands of agents takes a tenth of the time.

    Raises:
        EventSourcingError: It is no settled tick.
    """
    if entry.event_type != TickSettled.__name__ or entry.type_version != version_of(
        entry.event_type
    ):
        return _decoded(entry)
    names, navs = [], array("d")
    for book in ("real", "virtual"):
        agents, end = _list_after(f'"{book}":{{"agents":[', entry.data)
        if agents:
            names.append(agents)
            navs.extend(map(float, _list_after('"nav":[', entry.data, end)[0].split(",")))
    return Close(",".join(names), navs)


def _list_after(opening: str, data: str, start: int = 0) -> tuple[str, int]:
    """Return what stands in the list that begins with `opening`, and where it ends."""
    begin = data.index(opening, start) + len(opening)
    end = data.index("]", begin)
    return data[begin:end], end


def _decoded(entry: Entry) -> Close:
    event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
    if not isinstance(event, TickSettled):
        raise EventSourcingError("it is no settled tick", seq=entry.seq)
    names = [f'"{name}"' for book in (event.real, event.virtual) for name in book.agents]
    return Close(",".join(names), array("d", [*event.real.nav, *event.virtual.nav]))


def place_of(agent_id: str, names: str) -> int | None:
    """Return where an agent stands among `names`, from 0; None where it does not."""
    at = names.find(f'"{agent_id}"')
    return None if at < 0 else names.count(",", 0, at)
