"""A stored run, folded: the treasury as its events make it, from the file alone.

The rules come from the manifest, the facts from the events.  No market, no strategy and no config
is needed, and no float is computed that an event does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from actors.journal.chain import Entry
from actors.journal.reader import JournalReader
from arena.events import Event
from arena.exceptions import EventSourcingError
from arena.execution import Terms
from arena.experiment import Endowment, Experiment, MarketFacts, Population
from arena.rules import Rules
from arena.treasury import Treasury, apply


def read_experiment(manifest: str) -> Experiment:
    """Return the experiment that `manifest` describes.

    Strategies are this version's own: the manifest holds their declarations, not their code.

    Raises:
        EventSourcingError: It is no manifest that this version can read.
    """
    try:
        facts = json.loads(manifest)
        terms = facts["terms"]
        terms["instruments"] = {each["name"]: each for each in terms["instruments"]}
        return Experiment(
            name=facts["name"],
            seed=facts["seed"],
            market=from_plain(MarketFacts, facts["market"]),
            terms=from_plain(Terms, terms),
            endowment=from_plain(Endowment, facts["endowment"]),
            population=from_plain(Population, facts["population"]),
            rules=from_plain(Rules, facts["rules"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EventSourcingError("the manifest cannot be read") from error


def from_plain(kind: Any, value: Any) -> Any:
    """Return plain JSON data as the type that `arena.experiment.plain` made it from.

    `kind` is an annotation: a dataclass, an enum, a tuple, a mapping, a `NewType`, one of these or
    None.  Where it allows several scalars, the value is what JSON says it is.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {UnionType, Union}:
        known = [each for each in inner if each is not NoneType]
        return value if value is None or len(known) > 1 else from_plain(known[0], value)
    if isinstance(kind, NewType):
        return from_plain(kind.__supertype__, value)
    if is_dataclass(kind):
        made: Any = kind
        hints = _fields(made)
        return made(**{name: from_plain(hint, value[name]) for name, hint in hints.items()})
    if origin is tuple:
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(from_plain(each, item) for each, item in zip(kinds, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        of_key, of_item = inner
        return {from_plain(of_key, k): from_plain(of_item, item) for k, item in value.items()}
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value


@cache
def _fields(kind: type) -> dict[str, Any]:
    """Return the fields of a dataclass with their annotations."""
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


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
