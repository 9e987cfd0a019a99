"""The codec: an event becomes canonical JSON, and that JSON becomes the same event again.

Canonical means sorted keys, no spaces, floats in Python's shortest repr, and neither NaN nor
infinity: equal values have equal bytes, so bytes can be hashed.  Dataclasses are written by field,
enums by value, tuples as arrays.  Reading is strict and refuses unknown fields; what an older
version wrote is lifted to today's first (`actors.journal.upcasters`).  A field that came later
(`arena.later`) is written only where it says something.  Pydantic is imported by the first event
that is read, because most commands read none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from json.encoder import encode_basestring
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NewType, cast

from actors.journal.schema import NewerRunError
from actors.journal.upcasters import upcast, version_of
from arena.events import EVENT_TYPES, Event
from arena.exceptions import EventSourcingError
from arena.later import later_defaults

if TYPE_CHECKING:
    from pydantic import ValidationError

Decoder = Callable[[str | bytes], Event]


def canonical(value: object) -> str:
    """Return the one JSON text of `value`: dataclasses, mappings, sequences, enums and scalars.

    Raises:
        ValueError: A float is not finite, or a text cannot be written in UTF-8.
        TypeError: Something in `value` has no JSON form.
    """
    text = _encode_dataclass(value) if is_dataclass(value) else _ENCODER.encode(value)
    text.encode()  # A lone surrogate would be refused by SQLite, after the event was decided.
    return text


def _encode_dataclass(value: Any) -> str:
    """Return what `_ENCODER` would, in a third of the time: most fields are text or integers."""
    kind = value.__class__
    if later_defaults(kind):
        by_field = _by_field(value)
        return "{" + ",".join(map(_encode_field, by_field, by_field.values())) + "}"
    names, values = _fields(kind)
    return "{" + ",".join(map(_encode_field, names, values(value))) + "}"


def _encode_field(name: str, value: object) -> str:
    if isinstance(value, str) and type(value) is str:  # An enum may be text too.
        return f'"{name}":{encode_basestring(value)}'
    return f'"{name}":{value if type(value) is int else _ENCODER.encode(value)}'


def encode(event: Event) -> str:
    """Return the canonical JSON of `event`, without its type: that has a column of its own.

    Raises:
        ValueError: A float is not finite, or a text cannot be written in UTF-8.
        TypeError: A field holds something that has no JSON form.
    """
    return canonical(event)


def decode(
    event_type: str, type_version: int, data: str | bytes, *, seq: int | None = None
) -> Event:
    """Return the event that `data` describes; `seq` is only named in the error.

    Raises:
        NewerRunError: The type, or this version of it, is unknown here.
        EventSourcingError: `data` is not such an event.
    """
    known = version_of(event_type)
    if event_type not in EVENT_TYPES or type_version > known:
        raise NewerRunError(
            f"event type {event_type!r} version {type_version} is unknown to this version of arena;"
            " read the run with a newer one",
            seq=seq,
        )
    if type_version != known:
        data = _upcast(event_type, type_version, data, seq)
    try:
        return decoder(event_type)(data)
    except ValueError as error:
        raise EventSourcingError(
            f"data is no {event_type}: {_first_fault(error)}", seq=seq
        ) from error


def _upcast(event_type: str, version: int, data: str | bytes, seq: int | None) -> str:
    try:
        return canonical(upcast(event_type, version, json.loads(data)))
    except Exception as error:
        message = f"data is no {event_type} of version {version}: {error}"
        raise EventSourcingError(message, seq=seq) from error


@cache
def decoder(event_type: str) -> Decoder:
    """Return the function that reads one type's data; it raises ValueError at anything else."""
    from pydantic import ConfigDict, TypeAdapter  # noqa: PLC0415 - costs 0.1 s that few commands need

    # A NewType carries the config to a plain dataclass, and from there to the ones inside it.
    named = cast("Any", NewType)(event_type, EVENT_TYPES[event_type])
    config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    return cast("Decoder", TypeAdapter(named, config=config).validator.validate_json)


def _first_fault(error: ValueError) -> str:
    fault = cast("ValidationError", error).errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in fault["loc"])
    return f"{where}: {fault['msg']}" if where else fault["msg"]


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[object], tuple[object, ...]]]:
    """Return the sorted field names of a dataclass, and what reads their values.

    Raises:
        TypeError: `kind` is no dataclass.
    """
    if not is_dataclass(kind):
        raise TypeError(f"{kind} has no canonical JSON")
    names = tuple(sorted(field.name for field in fields(kind)))
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda value: tuple(getattr(value, name) for name in names)


def _by_field(value: Any) -> dict[str, object]:
    """Return the fields, sorted; those that came later only where they say something."""
    kind = value.__class__
    names, values = _fields(kind)
    found = dict(zip(names, values(value), strict=True))
    for name, default in later_defaults(kind).items():
        if found[name] == default:
            del found[name]
    return found


_ENCODER = json.JSONEncoder(
    allow_nan=False,
    check_circular=False,
    default=_by_field,
    ensure_ascii=False,
    separators=(",", ":"),
    sort_keys=True,
)
