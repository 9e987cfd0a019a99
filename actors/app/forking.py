"""Forking: what would have happened, had a rule been another one from some day on.

A fork shares its parent's history up to the end of a day, puts on the record that it is one and
what it changes, and goes on under the new rules.  What has happened already cannot be changed:
neither the market nor the treasury's endowment, nor anything that has had its only effect.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from actors.app.borrowed import borrowed_by, borrowed_in, borrowed_text, in_use, plugins_of
from actors.app.folding import fold_run
from actors.app.forks import Fork, course_of, forks_text
from actors.app.markets import LoadedMarket, build_experiment
from actors.app.rerun import rebuild, stored_settings
from actors.app.result import summarise
from actors.app.settings import ConfigError, Problem, Settings, effective
from actors.app.settings.changes import changes, values
from actors.app.settings.overrides import PLACE, apply_overrides, get_value
from actors.app.settings.problems import join
from actors.app.settings.reload import is_in, why_fixed
from actors.journal.branch import create_branch, first_tick_end, last_until, tick_end
from actors.journal.chain import Head, genesis_hash
from actors.journal.codec import canonical
from actors.journal.reader import JournalReader
from actors.journal.walk import check_chain
from arena.exceptions import ValidationError
from arena.experiment import manifest
from arena.words import Scalar


@dataclass(frozen=True, slots=True)
class ForkPlan:
    """A fork that can be made.

    Attributes:
        fork: Where it leaves its parent, and what it changes.
        meta: How it is run, where that is not as its parent was.
        loaded: The market of both.
    """

    fork: Fork
    meta: Mapping[str, str]
    loaded: LoadedMarket


def plan_fork(
    parent: JournalReader, at: int, overrides: Sequence[str], *, now: datetime
) -> ForkPlan:
    """Return the fork of `parent` after the last day that is complete at the entry `at`.

    Args:
        parent: Only read; somebody else may be writing it.
        at: An entry of it.
        overrides: `table.key=value`, the later one winning.
        now: The current time: data from later than tomorrow is refused.

    Raises:
        ValidationError: There is nothing to share at `at`, or nothing left to change.
        ConfigError: The overrides cannot be used, or change nothing that is to come.
        EventSourcingError: The parent is damaged.
        DataError: The market's files are not those of the run.
    """
    seq = _fork_point(parent, at)
    check_chain(parent.connection, Head(0, genesis_hash(parent.manifest())), seq)
    rebuilt = rebuild(parent, now=now)
    treasury, meta = fold_run(parent, seq), parent.meta()
    course = course_of(parent)
    earlier = [fork for fork in course.forks if fork.seq < seq]
    text = course.settings_at(seq)
    settings, changes = _change(text, meta, overrides)
    known = plugins_of(meta, [settings])
    experiment = build_experiment(settings, rebuilt.loaded, *in_use(known, [settings]))
    fork = Fork(
        seq=seq,
        tick=treasury.tick,
        changes=changes,
        manifest=manifest(experiment),
        settings_before=text,
        parent_path=str(parent.path),
    )
    own = {
        "settings": canonical(effective(settings)),
        "plugins": borrowed_text([*borrowed_in(meta), *borrowed_by(settings, known)]),
        "forks": forks_text([*earlier, fork]),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    return ForkPlan(fork, own, rebuilt.loaded)


def _fork_point(parent: JournalReader, at: int) -> int:
    """Return the last entry up to `at` that completes a day.

    Raises:
        ValidationError: No day is complete there, or the run has come to its end.
    """
    first, head = first_tick_end(parent), parent.head().seq
    last_entry = next(parent.entries(limit=1, newest_first=True), None)
    ended = last_entry is not None and last_entry.event_type == "RunCompleted"
    last = head - 1 if ended else head
    if first is None:
        needed = "a run with a complete day, and one after it"
        raise ValidationError("--at", found=at, needed=needed)
    seq = tick_end(parent, at) if first <= at <= last else None
    if seq is None:
        needed = f"a seq from {first}, the end of the first day, to {last}"
        raise ValidationError("--at", found=at, needed=needed)
    return seq


def _change(
    text: str, meta: Mapping[str, str], overrides: Sequence[str]
) -> tuple[Settings, dict[str, Scalar]]:
    """Return the settings with `overrides` over them, and which values that changes.

    Raises:
        ConfigError: They cannot be used, or change what is past, or nothing.
    """
    tables: dict[str, Any] = json.loads(text)
    keys = sorted(map(join, apply_overrides(tables, overrides)))
    _refuse(_past(key, get_value(tables, key)) for key in keys)
    settings = stored_settings(text, meta, overrides)
    changed = changes(values(stored_settings(text, meta)), values(settings))
    asked = {each: changed[each] for key in keys for each in changed if is_in(each, key)}
    _refuse(_past(key, value) for key, value in asked.items())
    idle = [key for key in keys if not any(is_in(each, key) for each in asked)]
    needed = "another value: the parent has this one"
    _refuse(Problem(key, values(settings).get(key), needed, PLACE) for key in idle)
    return settings, asked


def _past(key: str, value: Any) -> Problem | None:
    """Return what is wrong with changing `key` to `value`, if that comes too late."""
    why = why_fixed(key)
    return None if why is None else Problem(key, value, f"what the parent has: {why}", PLACE)


def _refuse(found: Iterable[Problem | None]) -> None:
    problems = [problem for problem in found if problem is not None]
    if problems:
        raise ConfigError(problems)


def make_fork(parent: JournalReader, plan: ForkPlan, database: Path) -> None:
    """Make the fork's database: the history that it shares, and where it is to leave it.

    Raises:
        FileExistsError: Something is at `database`.
        StorageError: Its folder takes no file.
    """
    word: dict[str, Scalar] = {"parent": plan.fork.parent_path, "seq": plan.fork.seq}
    create_branch(database, parent, plan.fork.seq, plan.meta, ("forked", word))


def compare_with_parent(
    parent: JournalReader, child: JournalReader, result: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what became of the two until the same day; None if the parent never saw it.

    Args:
        parent: What was forked.
        child: The fork.
        result: Of the fork.
    """
    (last,) = child.entries(limit=1, newest_first=True)
    treasury = fold_run(parent, last_until(parent, last.timestamp))
    if treasury.tick < result["ticks"]:
        return None
    return {
        "tick": treasury.tick,
        "parent": _outcome(summarise(treasury)),
        "fork": _outcome(result),
    }


def _outcome(result: Mapping[str, Any]) -> dict[str, Any]:
    board, agents = result["leaderboard"], result["agents"]
    return {
        "total": result["capital"]["total"],
        "winner": board[0]["agent"] if board else None,
        "graduated": agents["graduated"],
        "killed": agents["killed"],
    }
