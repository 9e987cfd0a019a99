"""A stored run, folded: the treasury as its events make it, from the file alone.

The rules come from the manifest, the facts from the events.  No market, no strategy and no config
is needed, and no float is computed that an event does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from actors.journal.reader import JournalReader
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
            market=_rebuild(MarketFacts, facts["market"]),
            terms=_rebuild(Terms, terms),
            endowment=_rebuild(Endowment, facts["endowment"]),
            population=_rebuild(Population, facts["population"]),
            rules=_rebuild(Rules, facts["rules"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EventSourcingError("the manifest cannot be read") from error


def _rebuild(kind: Any, value: Any) -> Any:
    """Return plain JSON data as the type that `arena.experiment.plain` made it from."""
    origin, inner = get_origin(kind), get_args(kind)
    if value is None or origin is UnionType:
        return value
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        made: Any = kind
        return made(**{f.name: _rebuild(hints[f.name], value[f.name]) for f in fields(kind)})
    if origin is tuple:
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_rebuild(each, item) for each, item in zip(kinds, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {key: _rebuild(inner[1], item) for key, item in value.items()}
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value


def fold_run(run: JournalReader) -> Treasury:
    """Return the treasury after all the events of `run`.

    Raises:
        EventSourcingError: An event cannot be read, or does not fit the ones before it.
    """
    treasury = Treasury(read_experiment(run.manifest()))
    for entry, event in run.events():
        try:
            apply(treasury, event)
        except Exception as error:
            message = f"{entry.event_type} does not fit the events before it"
            raise EventSourcingError(message, seq=entry.seq) from error
    return treasury
