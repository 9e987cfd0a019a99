"""One agent's unit NAV, close by close, out of the settled ticks.

The rule: nothing is kept between two questions.  At most `READ_MAX` ticks are looked at, evenly
spread over the agent's life, and what is found is thinned to what was asked for.
"""

from __future__ import annotations

from typing import Any

from actors.app.http.heavy import Until
from actors.app.http.series import lttb, spread
from actors.journal.chain import Entry
from actors.journal.codec import decode
from actors.journal.pages import seqs_of
from actors.journal.reader import JournalReader
from actors.journal.upcasters import version_of
from arena.agents import Agent
from arena.events import TickSettled
from arena.exceptions import EventSourcingError

READ_MAX = 1000


def nav_series(
    run: JournalReader, agent: Agent, upto: int, points: int, until: Until
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
    seqs = seqs_of(run, TickSettled.__name__, 0, upto)[born : agent.died]
    ticks = [born + 1 + row for row in spread(len(seqs), READ_MAX)]
    found = [(born, 1.0)]
    for tick in until.each(ticks):
        entry = next(run.entries(seqs[tick - born - 1] - 1, 1))
        nav = nav_in(entry, agent.agent_id)
        if nav is not None:
            found.append((tick, nav))
    kept = lttb(found, points)
    series = [{"tick": tick, "nav": nav} for tick, nav in (found[row] for row in kept)]
    return {"closes": len(seqs) + 1, "read": len(found), "points": series}


def nav_in(entry: Entry, agent_id: str) -> float | None:
    """Return what a settled tick says of an agent's NAV; None where it says nothing.

    The data is looked through as text: it is canonical, so what is looked for can stand nowhere
    else, and a tick of thousands of agents takes a hundredth of the time.
    """
    if entry.type_version != version_of(entry.event_type):
        return _decoded(entry, agent_id)
    name, data = f'"{agent_id}"', entry.data
    for book in ("real", "virtual"):
        opening = f'"{book}":{{"agents":['
        start = data.find(opening) + len(opening)
        end = data.find("]", start)
        at = data.find(name, start, end)
        if at < 0:
            continue
        row = data.count(",", start, at)
        navs = data.find('"nav":[', end) + len('"nav":[')
        return float(data[navs : data.find("]", navs)].split(",", row + 1)[row])
    return None


def _decoded(entry: Entry, agent_id: str) -> float | None:
    event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
    if not isinstance(event, TickSettled):
        raise EventSourcingError("it is no settled tick", seq=entry.seq)
    for book in (event.real, event.virtual):
        for name, nav in zip(book.agents, book.nav, strict=True):
            if name == agent_id:
                return nav
    return None
