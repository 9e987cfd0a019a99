"""A stored run, folded: the treasury as its events make it, from the file alone.

The rules come from the manifest, the facts from the events.  No market, no strategy and no config
is needed, and no float is computed that an event does not hold.
"""

from __future__ import annotations

from actors.journal.chain import Entry
from actors.journal.reader import JournalReader
from arena.events import Event
from arena.exceptions import EventSourcingError
from arena.experiment import read_experiment
from arena.treasury import Treasury, apply


def fold_run(run: JournalReader, upto: int | None = None) -> Treasury:
    """Return the treasury after the events of `run`: all of them, or up to the event `upto`.

    Raises:
        EventSourcingError: An event cannot be read, or does not fit the ones before it.
    """
    treasury = Treasury(read_experiment(run.manifest()))
    for entry, event in run.events():
        if upto is not None and entry.seq > upto:
            break
        apply_entry(treasury, entry, event)
    return treasury


def apply_entry(treasury: Treasury, entry: Entry, event: Event) -> None:
    """Change `treasury` as the event of `entry` says.

    Raises:
        EventSourcingError: The event does not fit the ones before it.
    """
    try:
        apply(treasury, event)
    except Exception as error:
        message = f"{entry.event_type} does not fit the events before it"
        raise EventSourcingError(message, seq=entry.seq) from error
