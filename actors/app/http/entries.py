"""Entries of the journal as JSON, their data as it is stored.

The rule: data is canonical JSON already and is not read to be written again, which a tick of
thousands of agents would make slow.  Instead each entry is held against its hash, so that what a
damaged file says is never passed on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from actors.journal.chain import Entry
from actors.journal.pages import sound


def entry_json(entry: Entry) -> str:
    """Return an entry as one line of JSON, with the keys of `actors.app.inspecting.entry_data`.

    Raises:
        EventSourcingError: Its content does not have its hash.
    """
    sound(entry)
    facts = {
        "seq": entry.seq,
        "type": entry.event_type,
        "agent": entry.agent_id,
        "timestamp": entry.timestamp,
        "caused_by": entry.caused_by,
        "command_id": entry.command_id,
        "hash": entry.hash,
    }
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return f'{text[:-1]},"data":{entry.data}}}'


def page_json(as_of: int, entries: Iterable[Entry], following: int | None) -> str:
    """Return a page of entries, which goes on at `following`."""
    listed = ",".join(map(entry_json, entries))
    return f'{{"as_of":{as_of},"events":[{listed}],"next":{json.dumps(following)}}}'
