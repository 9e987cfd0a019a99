"""The forks that a run came from, and how it is carried through one.

A run that was forked has its parent's history, then one `RunForked`, then its own.  So it is done
again in parts: up to a fork under the rules from before it, and on from there under the next ones.
What the history cannot say until it is there (that a fork is to come) stands in `meta`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.journal.codec import canonical
from actors.messages.allocator import CONTROL
from arena.commands import ForkRun
from arena.exceptions import EventSourcingError
from arena.experiment import Experiment, read_experiment
from arena.words import Scalar


@dataclass(frozen=True, slots=True)
class Fork:
    """One fork, as `meta` has it.

    Attributes:
        seq: The last entry that the run shares with its parent; `RunForked` is the next one.
        tick: The tick that this entry completes.
        changes: Key of the config -> its new value; a list or a table as JSON.
        manifest: What is run after it.
        settings_before: The settings of what was run before it.
        parent_path: Where the parent lay.
    """

    seq: int
    tick: int
    changes: Mapping[str, Scalar]
    manifest: str
    settings_before: str
    parent_path: str


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
    command = ForkRun(
        command_id=f"fork-{fork.seq}",
        parent_hash=arena.cast.allocator.head.hash,
        changes=fork.changes,
        manifest=fork.manifest,
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
