"""A stored run, folded: the treasury as its events make it, from the file alone.

The rules come from the manifest, the facts from the events.  No market, no strategy and no config
is needed, and no float is computed that an event does not hold.
"""

from __future__ import annotations

from actors.journal.reader import JournalReader
from actors.journal.walk import uncollected
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
    with uncollected():
        for seq, event in run.facts(upto=upto):
            apply_at(treasury, seq, event)
    return treasury


def apply_at(treasury: Treasury, seq: int, event: Event) -> None:
    """Change `treasury` as `event` says, which is on record at `seq`.

    Raises:
        EventSourcingError: The event does not fit the ones before it.
    """
    try:
        apply(treasury, event)
    except Exception as error:
        message = f"{type(event).__name__} does not fit the events before it"
        raise EventSourcingError(message, seq=seq) from error
