"""One agent's unit NAV, close by close, out of the settled ticks.

The rule: of a long life not every close is looked at, but every so-many-th of the run, the same for
all agents.  What a tick said of everybody is kept for the next question, in bounds, so that the
curves of a whole board cost little more than one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
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


class Found(NamedTuple):
    """An agent's curve, and what was read for it that was not at hand.

    Attributes:
        series: `closes`, how many there were; `read`, how many of them were looked at; `points`.
        upto: Up to which entry settled ticks were looked for.
        seqs: Where those stand that were not known.
        closes: What is new of what they say, by seq.
    """

    series: dict[str, Any]
    upto: int
    seqs: list[int]
    closes: dict[int, Close]


class Navs:
    """The settled NAVs of one run that were looked at.

    Any thread may look at them; they are changed on the loop alone.

    Attributes:
        kept: How many NAVs are at hand.
    """

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        """Keep no more than `kept_max` NAVs."""
        self.kept = 0
        self._kept_max = kept_max
        self._closes: dict[int, Close] = {}
        self._settled: tuple[list[int], int] = ([], 0)

    def find(self, run: JournalReader, agent: Agent, upto: int, points: int, until: Until) -> Found:
        """Return the curve of an agent's NAV; nothing is kept of it yet.

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
        known, looked_to = self._settled
        fresh = seqs_of(run, TickSettled.__name__, looked_to, upto)
        seqs = [*known[: bisect_right(known, upto)], *fresh][: agent.died]
        born = agent.genome.born
        curve: list[Point] = [(born, 1.0)]
        read: dict[int, Close] = {}
        names, place = "", None
        for tick in until.each(looked_at(born, len(seqs))):
            seq = seqs[tick - 1]
            close = self._closes.get(seq) or read.setdefault(seq, _read(run, seq, names))
            if close.names is not names:
                names, place = close.names, place_of(agent.agent_id, close.names)
            if place is not None:
                curve.append((tick, close.navs[place]))
        kept = [curve[row] for row in lttb(curve, points)]
        series = {
            "closes": max(0, len(seqs) - born) + 1,
            "read": len(curve),
            "points": [{"tick": tick, "nav": nav} for tick, nav in kept],
        }
        return Found(series, upto, fresh, read)

    def keep(self, found: Found) -> None:
        """Keep what was read for the next question, in place of what was read first."""
        known, looked_to = self._settled
        if found.upto > looked_to:
            later = found.seqs[bisect_right(found.seqs, looked_to) :]
            self._settled = ([*known, *later], found.upto)
        for seq, close in found.closes.items():
            if seq not in self._closes:
                self._closes[seq] = close
                self.kept += len(close.navs)
        while self.kept > self._kept_max:
            self.kept -= len(self._closes.pop(next(iter(self._closes))).navs)


def _read(run: JournalReader, seq: int, names: str) -> Close:
    """Return what the settled tick at `seq` says; `names` is the text of names before it."""
    close = close_in(next(run.entries(seq - 1, 1)))
    return Close(names, close.navs) if close.names == names else close  # One text for many ticks.


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
