"""The forks that a run came from, and how it is carried through one.

A run that was forked has its parent's history, then one `RunForked`, then its own.  So it is done
again in parts: up to a fork under the rules from before it, and on from there under the next ones.
What the history cannot say until it is there (that a fork is to come) stands in `meta`.

A run that was given other rules while it ran was forked in place: that is on record alone, and the
run is done again in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.app.settings.overrides import get_value, put_value
from actors.journal.branch import forks_in_place, in_place_name
from actors.journal.codec import canonical, decode
from actors.journal.reader import JournalReader
from actors.messages.allocator import CONTROL
from arena.commands import ForkRun
from arena.events import RunForked
from arena.exceptions import EventSourcingError
from arena.experiment import Experiment, read_experiment
from arena.words import Scalar


@dataclass(frozen=True, slots=True)
class Fork:
    """One fork, as `meta` has it, or the history.

    Attributes:
        seq: The last entry that the run shares with its parent; `RunForked` is the next one.
        tick: The tick that this entry completes.
        changes: Key of the config -> its new value; a list or a table as JSON.
        manifest: What is run after it.
        settings_before: The settings of what was run before it.
        parent_path: Where the parent lay; empty where the run was forked in place.
    """

    seq: int
    tick: int
    changes: Mapping[str, Scalar]
    manifest: str
    settings_before: str
    parent_path: str

    @property
    def command_id(self) -> str:
        """The name of the command that forks."""
        return f"fork-{self.seq}" if self.parent_path else in_place_name(self.seq)


@dataclass(frozen=True, slots=True)
class Course:
    """Under which settings a run was carried out, one after the other.

    Attributes:
        forks: The forks that led to the run, and those in place, the oldest first.
        settings: The settings after the last one, as `effective` gave them.
    """

    forks: tuple[Fork, ...]
    settings: str

    def settings_at(self, seq: int) -> str:
        """Return the settings that are in effect after the entry `seq`."""
        later = (fork.settings_before for fork in self.forks if fork.seq >= seq)
        return next(later, self.settings)


def course_of(run: JournalReader) -> Course:
    """Return the course of a run: what its `meta` says, and its history.

    Raises:
        EventSourcingError: They are not as they were stored.
    """
    meta = run.meta()
    planned = forks_in(meta)
    if "settings" not in meta:
        raise EventSourcingError(
            f"{str(run.path)!r} stored no settings: `arena run` did not make it"
        )
    text = planned[0].settings_before if planned else meta["settings"]
    known = {fork.seq for fork in planned}
    reloads = (fork for fork in _reloads(run) if fork.seq not in known)
    forks: list[Fork] = []
    for fork in sorted((*planned, *reloads), key=lambda each: each.seq):
        forks.append(fork if fork.seq in known else replace(fork, settings_before=text))
        text = changed_text(forks[-1].settings_before, fork.changes)
    if forks and forks[-1].seq in known:
        text = meta["settings"]
    return Course(tuple(forks), text)


def _reloads(run: JournalReader) -> Iterable[Fork]:
    """Yield the forks in place, as the history has them: it does not know the settings before."""
    for entry in forks_in_place(run):
        event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
        if isinstance(event, RunForked):
            yield Fork(event.parent_seq, event.tick, event.changes, event.manifest, "", "")


def changed_text(text: str, changes: Mapping[str, Scalar]) -> str:
    """Return the settings in `text` with `changes` over them.

    Raises:
        EventSourcingError: They are not as they were stored.
    """
    try:
        tables: dict[str, Any] = json.loads(text)
        for key, value in changes.items():
            is_list = isinstance(get_value(tables, key), list)
            put_value(tables, key, json.loads(str(value)) if is_list else value)
    except (ValueError, TypeError, AttributeError) as error:
        raise EventSourcingError(f"the run's settings are damaged: {error!r}") from error
    return canonical(tables)


def forks_in(meta: Mapping[str, str]) -> tuple[Fork, ...]:
    """Return the forks that led to a run, the oldest first; most runs have none.

    Raises:
        EventSourcingError: They are not as they were stored.
    """
    try:
        return tuple(Fork(**facts) for facts in json.loads(meta.get("forks", "[]")))
    except (ValueError, TypeError) as error:
        raise EventSourcingError(f"the run's forks are damaged: {error}") from error


def forks_text(forks: Iterable[Fork]) -> str:
    """Return what `forks_in` reads."""
    return canonical([asdict(fork) for fork in forks])


def experiment_at(first: Experiment, forks: Iterable[Fork], seq: int) -> Experiment:
    """Return what was run when the entry `seq` was written, given what was run at first."""
    passed = [fork for fork in forks if fork.seq < seq]
    if not passed:
        return first
    return read_experiment(passed[-1].manifest, first.catalog, first.policies)


async def pass_fork(arena: Arena, fork: Fork) -> Start:
    """Put `fork` on the record of `arena`, and return where another one goes on.

    Args:
        arena: Between two ticks; it is of no use afterwards.
        fork: Its tick is the last one that was settled.
    """
    return await _pass(arena, fork.command_id, fork.changes, fork.manifest)


async def pass_again(arena: Arena, name: str, forked: RunForked) -> Start:
    """Do the same with a fork that is on record already, as the command `name`."""
    return await _pass(arena, name, forked.changes, forked.manifest)


async def pass_reload(arena: Arena, changes: Mapping[str, Scalar], manifest: str) -> Start:
    """Fork the run of `arena` in place, and return where another arena goes on with it.

    Args:
        arena: Between two ticks; it is of no use afterwards.
        changes: Key of the config -> its new value; a list or a table as JSON.
        manifest: What is run from here on.
    """
    name = in_place_name(arena.cast.allocator.head.seq)
    return await _pass(arena, name, changes, manifest)


async def _pass(arena: Arena, name: str, changes: Mapping[str, Scalar], manifest: str) -> Start:
    command = ForkRun(
        command_id=name,
        parent_hash=arena.cast.allocator.head.hash,
        changes=changes,
        manifest=manifest,
    )
    await arena.send(command, lane=CONTROL)
    allocator = arena.cast.allocator
    return Start(
        arena.run_id,
        allocator.head,
        allocator.treasury,
        dict(arena.cast.memories),
        arena.cast.desk.delayed,
    )
