"""The chain: every entry's hash covers the entry before it, so history cannot be edited quietly.

The hash is SHA-256 over a domain tag, a table of ten lengths and the ten hashed fields, in the
order of `HASHED`, as the bytes that are stored.  The lengths come first, so that no two entries
share their bytes; the length of None is -1, so None is not the empty text.  Before the first entry
stands the hash of the run's manifest.  Who wants to check one entry needs nothing but the entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import repeat
from struct import Struct
from typing import NamedTuple, TypeAlias, cast
from uuid import UUID, uuid5

from actors.journal.codec import encode
from actors.journal.upcasters import version_of
from arena.events import Event
from arena.exceptions import EventSourcingError
from arena.ids import RunId, event_id

HASHED = (
    "prev_hash",
    "seq",
    "event_id",
    "event_type",
    "type_version",
    "agent_id",
    "timestamp",
    "command_id",
    "caused_by",
    "data",
)
"""What a hash covers, in order; numbers as decimal text."""

_NAMESPACE = UUID("6f1d2c0e-6b1e-5c55-9f0b-6a1f54c4a7f1")
_EVENT_TAG = b"arena.event.v1"
_GENESIS_TAG = b"arena.genesis.v1"
_lengths = Struct(f">{len(HASHED)}i").pack
_TIMESTAMP_LENGTH = len("2020-04-11T00:00:00.000000Z")


class Head(NamedTuple):
    """An entry's place and hash.  As an answer it is a receipt: this much is on the record."""

    seq: int
    hash: str


Receipt: TypeAlias = Head


class Entry(NamedTuple):
    """One line of the journal: an event's data, and all that the event does not say of itself.

    Attributes:
        seq: From 1, without a gap.
        event_id: Derived from the run and `seq`.
        agent_id: Whom the event is about; None where it is about nobody in particular.
        timestamp: UTC, ISO 8601 of one width, as `timestamp` makes it.
        data: Canonical JSON of the event.
        caused_by: The `seq` of an earlier entry.
        command_id: The command that this entry answers.
        prev_hash: Hash of the entry before, hexadecimal; of the manifest at `seq` 1.
        hash: Hash of this entry, hexadecimal.
    """

    seq: int
    event_id: str
    event_type: str
    type_version: int
    agent_id: str | None
    timestamp: str
    data: str
    caused_by: int | None
    command_id: str | None
    prev_hash: str
    hash: str


def timestamp(moment: datetime) -> str:
    """Return `moment` as the journal writes it: UTC, microseconds, always 27 characters.

    Raises:
        ValueError: `moment` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def genesis_hash(manifest_json: str) -> str:
    """Return the hash that stands before entry 1 of the run that `manifest_json` defines."""
    return sha256(_GENESIS_TAG + manifest_json.encode()).hexdigest()


def run_id_of(manifest_json: str) -> RunId:
    """Return the name of the run that `manifest_json` defines: the same manifest, the same name."""
    return RunId(str(uuid5(_NAMESPACE, genesis_hash(manifest_json))))


def digest(fields: Sequence[bytes | None]) -> str:
    """Return the hash of an entry, given the stored bytes of its `HASHED` fields in order."""
    lengths = _lengths(*[-1 if field is None else len(field) for field in fields])
    return sha256(b"".join((_EVENT_TAG, lengths, *filter(None, fields)))).hexdigest()


def digests(columns: Sequence[Sequence[bytes | None]]) -> list[str]:
    """Return the hashes of many entries: `digest` of each row of the `HASHED` columns."""
    lengths = map(_lengths, *[_lengths_of(column) for column in columns])
    fields = [
        [field or b"" for field in column] if None in column else column for column in columns
    ]
    rows = zip(repeat(_EVENT_TAG), lengths, *fields)
    return [sha256(b"".join(row)).hexdigest() for row in rows]


def _lengths_of(column: Sequence[bytes | None]) -> Iterable[int]:
    if None in column:
        return [-1 if field is None else len(field) for field in column]
    return map(len, cast("Sequence[bytes]", column))


def entry_hash(entry: Entry) -> str:
    """Return the hash that `entry` should have, whatever it says."""
    return _hash_of(*[getattr(entry, name) for name in HASHED])


def _hash_of(  # noqa: PLR0913, PLR0917  # the fields of `HASHED`
    prev_hash: str,
    seq: int,
    event_id: str,
    event_type: str,
    type_version: int,
    agent_id: str | None,
    timestamp: str,
    command_id: str | None,
    caused_by: int | None,
    data: str,
) -> str:
    """Return `digest` of the fields as Python has them, all the text encoded in one piece."""
    texts = (
        prev_hash,
        str(seq),
        event_id,
        event_type,
        str(type_version),
        agent_id or "",
        timestamp,
        command_id or "",
        "" if caused_by is None else str(caused_by),
        data,
    )
    text = "".join(texts)
    lengths = [*map(len, texts)] if text.isascii() else [len(each.encode()) for each in texts]
    for place, value in ((5, agent_id), (7, command_id), (8, caused_by)):
        if value is None:
            lengths[place] = -1
    return sha256(_EVENT_TAG + _lengths(*lengths) + text.encode()).hexdigest()


def link(
    head: Head,
    run_id: RunId,
    event: Event,
    *,
    timestamp: str,
    command_id: str | None = None,
    caused_by: int | None = None,
) -> Entry:
    """Return the entry that records `event` right after `head`.

    Args:
        head: The last entry, or seq 0 and the hash of the manifest.
        run_id: The run, which names the event.
        event: What happened.
        timestamp: When, as `timestamp` makes it.
        command_id: The command that the event answers.
        caused_by: The `seq` of the entry that led to this one, 1..head.seq.

    Raises:
        ValueError: The event has no canonical JSON, or `timestamp` has another width.
        TypeError: A field of the event has no JSON form.
    """
    if len(timestamp) != _TIMESTAMP_LENGTH or not timestamp.endswith("Z"):
        raise ValueError(f"timestamp {timestamp!r} must look like 2020-04-11T00:00:00.000000Z")
    seq, kind = head.seq + 1, type(event).__name__
    name, version, data = event_id(run_id, seq), version_of(kind), encode(event)
    agent: str | None = getattr(event, "agent_id", None)
    prev = head.hash
    own = _hash_of(prev, seq, name, kind, version, agent, timestamp, command_id, caused_by, data)
    return Entry(seq, name, kind, version, agent, timestamp, data, caused_by, command_id, prev, own)


def check_follows(head: Head, entries: Iterable[Entry]) -> Head:
    """Return the head after `entries`, checked to continue `head` one by one.

    Raises:
        EventSourcingError: A number is missing or repeated, a `prev_hash` is another entry's, or a
            cause is not earlier than its effect.
    """
    last, own = head
    for entry in entries:
        if entry.seq != last + 1:
            raise EventSourcingError(f"does not follow seq {last}", seq=entry.seq)
        if entry.prev_hash != own:
            raise EventSourcingError(f"prev_hash is not the hash of seq {last}", seq=entry.seq)
        if entry.caused_by is not None and not 0 < entry.caused_by < entry.seq:
            raise EventSourcingError(f"caused_by {entry.caused_by} is not earlier", seq=entry.seq)
        last, own = entry.seq, entry.hash
    return Head(last, own)
