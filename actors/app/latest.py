"""The treasury of a stored run as it is now, or was, without all that led to it.

The rule: the newest snapshot that can be used stands for what came before it, and the events say
the rest.  Whoever doubts the snapshot folds all of it (`actors.app.folding`), as `verify` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from actors.app.folding import apply_at
from actors.app.snapshots import VERSION, treasury_in
from actors.journal.branch import forks_in_place
from actors.journal.chain import Head
from actors.journal.codec import decode
from actors.journal.pages import sound_snapshots
from actors.journal.port import Snapshot
from actors.journal.reader import JournalReader
from actors.journal.schema import DAMAGE
from actors.journal.walk import uncollected
from arena.events import RunForked
from arena.exceptions import EventSourcingError
from arena.experiment import Experiment, read_experiment
from arena.treasury import Treasury


def fold_latest(run: JournalReader, upto: int | None = None) -> Treasury:
    """Return the treasury after the last event of `run`, or after the event `upto`.

    Raises:
        EventSourcingError: An event cannot be read, or does not fit the ones before it.
    """
    treasury, head = newest_state(run, read_experiment(run.manifest()), upto)
    with uncollected():
        for seq, event in run.facts(head.seq, upto):
            apply_at(treasury, seq, event)
    return treasury


def newest_state(
    run: JournalReader, first: Experiment, upto: int | None = None
) -> tuple[Treasury, Head]:
    """Return the treasury of the newest snapshot that can be used, or an empty one.

    Args:
        run: What is on record.
        first: What was run at first.
        upto: The last event that it may be after; None for the last there is.

    Raises:
        EventSourcingError: The journal is damaged.
    """
    for snapshot in sound_snapshots(run):
        head = Head(snapshot.seq, snapshot.event_hash)
        if upto is not None and snapshot.seq > upto:
            continue
        if snapshot.version == VERSION and run.head_at(snapshot.seq) == head:
            treasury = _treasury_of(run, snapshot, first)
            if treasury is not None:
                return treasury, head
    return Treasury(first), Head(0, "")


def _treasury_of(run: JournalReader, snapshot: Snapshot, first: Experiment) -> Treasury | None:
    """Return the treasury in `snapshot`, under the rules of then; None where it cannot be read."""
    try:
        manifests = dict(_forks(run))
    except (*DAMAGE, ValueError, TypeError, KeyError) as error:
        raise EventSourcingError(f"the run's forks are damaged: {error}") from error
    passed = [seq for seq in manifests if seq <= snapshot.seq]
    rules = first
    if passed:
        rules = read_experiment(manifests[max(passed)], first.catalog, first.policies)
    try:
        return treasury_in(snapshot, rules)
    except EventSourcingError:
        return None  # The one before it, or the events, say the same.


def _forks(run: JournalReader) -> Iterator[tuple[int, str]]:
    """Yield where each fork stands, and the manifest from there on; no history is looked through.

    Those that led to the run stand in its `meta`, those in place have a name of their own.
    """
    for facts in json.loads(run.meta().get("forks", "[]")):
        yield facts["seq"] + 1, facts["manifest"]
    for entry in forks_in_place(run):
        event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
        if isinstance(event, RunForked):
            yield entry.seq, event.manifest
