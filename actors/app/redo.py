"""Redo: what is on record of a run is done again, one thing after the other.

Between two ticks the record says what comes next.  What came from outside is sent again, word by
word, and so is a cycle or an audit that somebody asked for; else the next thing is a tick, in which
the actors do again by themselves what they did.  So a run that people meddled with between ticks
comes to the same entries again, from its very beginning or from any snapshot.

What was sent while a tick was under way came at an instant that the record does not know: a run in
which that mattered cannot be done again beyond it, and the error names the entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from actors.app.arena import Arena
from actors.app.asking import reveal
from actors.app.bootstrap import Start
from actors.app.forks import pass_again
from actors.journal.bodies import command_of
from actors.journal.chain import Entry
from actors.journal.codec import decode
from actors.journal.port import Journal
from actors.journal.reader import JournalReader
from actors.journal.resuming import Recorded
from actors.messages.allocator import CONTROL, Audit
from arena.events import OperatorActed, RunForked
from arena.exceptions import EventSourcingError
from arena.words import Action


class RecordGoesOnError(EventSourcingError):
    """Nothing came of what was done again, and the record has more: `seq` should have come."""

    def __init__(self, entry: Entry) -> None:
        message = f"the record has {entry.event_type}, and the run carried out again ends"
        super().__init__(message, seq=entry.seq)


class Record(Protocol):
    """Something that knows what is to be done again."""

    async def ahead(self) -> Recorded | None:
        """Return the first entry that was not done again yet; None where there is none."""
        ...


class StoredRecord:
    """The same of a stored run, which is only read."""

    def __init__(self, run: JournalReader, arena: Arena) -> None:
        """Look for what comes after the last entry that `arena` made."""
        self._run = run
        self._arena = arena

    async def ahead(self) -> Recorded | None:
        """See `Record.ahead`."""
        entry = next(self._run.entries(self._arena.cast.allocator.head.seq, limit=1), None)
        if entry is None:
            return None
        return Recorded(entry, self._run.command(entry.command_id or ""))


async def redo_next(
    arena: Arena, record: Record, *, on_tick: Callable[[int], None] = lambda _: None
) -> bool | Start:
    """Do the next thing again that is on record.

    Args:
        arena: Between two ticks.
        record: Says what comes next: a `ResumingJournal` that is the arena's, or a `StoredRecord`.
        on_tick: Called after a tick with its number.

    Returns:
        Whether there was anything left to do again; after a fork, where another arena goes on with
        it: this one is of no use any more.

    Raises:
        DivergenceError: Something else came of it than is on record.
        RecordGoesOnError: Nothing came of it.
        EventSourcingError: A command on record cannot be read.
    """
    recorded = await record.ahead()
    if recorded is None:
        return False
    before = arena.cast.allocator.head.seq
    start = await _redo(arena, recorded, on_tick)
    if arena.cast.allocator.head.seq == before:
        raise RecordGoesOnError(recorded.entry)
    return start or True


async def _redo(arena: Arena, recorded: Recorded, on_tick: Callable[[int], None]) -> Start | None:
    entry, row = recorded
    name = entry.command_id or ""
    if entry.event_type == RunForked.__name__:
        return await _fork(arena, name, entry)
    if row is not None and row.body is not None:
        await arena.send(command_of(row.body))
    elif name.startswith("cycle-"):
        await arena.safe_run_evolution()
    elif name.startswith("audit-"):
        await reveal(arena.cast.ask_allocator, Audit(name), lane=CONTROL)
    elif name == "complete":
        await arena.complete()
    else:
        await arena.backtest(1, on_tick=on_tick)
    return None


async def _fork(arena: Arena, name: str, entry: Entry) -> Start:
    event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
    if not isinstance(event, RunForked):
        raise EventSourcingError(f"{entry.event_type} is no fork", seq=entry.seq)
    return await pass_again(arena, name, event)


async def unfinished_evolve(arena: Arena, journal: Journal) -> bool:
    """Return whether the last thing on record is that somebody wanted a cycle: it did not begin.

    Args:
        arena: Between two ticks; it has caught up with the record.
        journal: Its journal.
    """
    last = await journal.read(arena.cast.allocator.head.seq - 1, 1)
    if not last or last[0].event_type != OperatorActed.__name__:
        return False
    entry = last[0]
    event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
    return isinstance(event, OperatorActed) and event.action is Action.EVOLVE
