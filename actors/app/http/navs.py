"""One agent's unit NAV, close by close, out of the settled ticks.

The rule: of a long life not every close is looked at, but every so-many-th of the run, the same for
all agents.  What ticks said of everybody is at hand, in bounds: the follower adds what it applies,
and what was read for a question stays for the next one.  Any thread may ask; the follower's alone
changes what is at hand.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from typing import Any, NamedTuple

from actors.app.http.heavy import Until
from actors.app.http.series import Point, lttb
from actors.journal.chain import Entry
from actors.journal.codec import decode
from actors.journal.pages import entry_at, seqs_of
from actors.journal.reader import JournalReader
from actors.journal.upcasters import version_of
from arena.agents import Agent
from arena.events import TickSettled
from arena.exceptions import EventSourcingError

READ_MAX = 1000
"""Closes of one agent that are looked at."""

KEPT_BYTES = 32 << 20
BESIDE_BYTES = 400
"""What may be at hand, and what a close takes beside its NAVs, be it of one agent; the names that
many ticks share are not counted."""

UNTAKEN_MAX = 8
"""Questions whose reading waits to be taken over; an older one is forgotten."""


class Close(NamedTuple):
    """What one settled tick says of everybody: the names as text of JSON, and the NAVs."""

    names: str
    navs: array[float]


class Read(NamedTuple):
    """What was read for one question.

    Attributes:
        upto: Up to which entry settled ticks were looked for.
        seqs: Where those stand, that of tick 1 first.
        closes: What some of them say, by tick.
    """

    upto: int
    seqs: list[int]
    closes: dict[int, Close]


class Navs:
    """The settled NAVs of one run.

    Attributes:
        kept: Bytes of those that are at hand.
    """

    def __init__(self, kept_max: int = KEPT_BYTES) -> None:
        """Keep no more than `kept_max` bytes at hand."""
        self.kept = 0
        self._kept_max = kept_max
        self._closes: dict[int, Close] = {}
        self._seqs: tuple[int, list[int]] = (0, [])
        self._names = ""
        self._untaken: deque[Read] = deque(maxlen=UNTAKEN_MAX)

    def find(
        self, run: JournalReader, agent: Agent, at: tuple[int, int], points: int, until: Until
    ) -> dict[str, Any]:
        """Return the curve of an agent: `closes`, `read` and `points`.

        Args:
            run: What is on record.
            agent: Whose, as it is at `at`.
            at: The last entry that counts, and the last tick that was settled by then.
            points: How many to keep at most, >= 2.
            until: When it is too late.

        Raises:
            ProblemError: It is.
            EventSourcingError: The journal is damaged.
        """
        upto, last = at
        born = agent.genome.born
        ends = last if agent.died is None else agent.died
        curve: list[Point] = [(born, 1.0)]
        read: Read | None = None
        names, place = "", None
        for tick in until.each(looked_at(born, ends)):
            close = self._closes.get(tick)
            if close is None:
                read = read or self._begin_reading(run, upto, last)
                close = _shared(close_in(entry_at(run, read.seqs[tick - 1])), names)
                if (len(read.closes) + 1) * _bytes(close) <= self._kept_max:
                    read.closes[tick] = close
            if close.names is not names:
                names, place = close.names, place_of(agent.agent_id, close.names)
            if place is not None:
                curve.append((tick, close.navs[place]))
        if read is not None:
            self._untaken.append(read)
        kept = [curve[row] for row in lttb(curve, points)]
        series = [{"tick": tick, "nav": nav} for tick, nav in kept]
        return {"closes": ends - born + 1, "read": len(curve), "points": series}

    def _begin_reading(self, run: JournalReader, upto: int, last: int) -> Read:
        known, seqs = self._seqs
        read = Read(upto, [*seqs, *seqs_of(run, TickSettled.__name__, known, upto)], {})
        if bisect_right(read.seqs, upto) != last:
            raise EventSourcingError(f"{last} ticks were settled, and not all are on record")
        return read

    def add(self, event: TickSettled) -> None:
        """Have at hand what a tick says that was just applied."""
        close = _shared(close_of(event), self._names)
        self._names = close.names
        if event.tick in self._closes:  # It is applied again: the follower went back.
            self._forget(event.tick)
        self._keep(event.tick, close)
        self._bound(event.tick)

    def take_over(self, last: int) -> None:
        """Have at hand what was read for questions; `last` is the last settled tick."""
        while self._untaken:
            read = self._untaken.popleft()
            self._seqs = max(self._seqs, (read.upto, read.seqs))
            for tick, close in read.closes.items():
                if tick not in self._closes:
                    self._keep(tick, close)
        self._bound(last)

    def _keep(self, tick: int, close: Close) -> None:
        self._closes[tick] = close
        self.kept += _bytes(close)

    def _bound(self, last: int) -> None:
        """Forget what nobody will look at any more, and then what came first."""
        if self.kept <= self._kept_max:
            return
        for tick in [tick for tick in self._closes if tick % step_of(last - tick + 1)]:
            self._forget(tick)
        while self.kept > self._kept_max:
            self._forget(next(iter(self._closes)))

    def _forget(self, tick: int) -> None:
        self.kept -= _bytes(self._closes.pop(tick))


def step_of(span: int) -> int:
    """Return every how-many-th of `span` closes is looked at: a power of two."""
    step = 1
    while span // step >= READ_MAX:
        step *= 2
    return step


def looked_at(born: int, last: int) -> list[int]:
    """Return which of the closes after tick `born`, up to `last`, are looked at, ascending.

    They are multiples of one step, so that the next question, a tick later or about somebody else,
    looks at the same ones; the last close is always one of them.

    Args:
        born: The tick of a birth, >= 0.
        last: The last close, a tick >= `born`.

    Returns:
        `READ_MAX` ticks at most.
    """
    step = step_of(last - born)
    first = (born // step + 1) * step
    aligned = range(first, last + 1, step)
    return [*aligned] if last in aligned or last <= born else [*aligned, last]


def _bytes(close: Close) -> int:
    return BESIDE_BYTES + close.navs.itemsize * len(close.navs)


def _shared(close: Close, names: str) -> Close:
    """Return `close` with the text `names` itself where it has the same: one for many ticks."""
    return Close(names, close.navs) if close.names == names else close


def close_in(entry: Entry) -> Close:
    """Return what a settled tick on record says of everybody's NAV.

    The data is looked through as text: it is canonical, so what is looked for can stand nowhere
    else, and a tick of thousands of agents takes a fraction of the time.

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
    return close_of(event)


def close_of(event: TickSettled) -> Close:
    """Return what a settled tick says of everybody's NAV, as `close_in` finds it in the text."""
    names = [*event.real.agents, *event.virtual.agents]
    text = '","'.join(names).join('""') if names else ""
    return Close(text, array("d", [*event.real.nav, *event.virtual.nav]))


def place_of(agent_id: str, names: str) -> int | None:
    """Return where an agent stands among `names`, from 0; None where it does not."""
    at = names.find(f'"{agent_id}"')
    return None if at < 0 else names.count(",", 0, at)
