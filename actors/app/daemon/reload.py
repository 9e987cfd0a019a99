"""Reloading: a config that has changed, taken over by a run that goes on.

The rule: all or nothing.  A config that cannot be read, or changes what cannot change, changes
nothing.  What is compared with the file is what is in effect: of how the run is carried out, what
the daemon uses; of what is run, what is on record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from actors.app.forks import course_of
from actors.app.markets import LoadedMarket, build_experiment
from actors.app.rerun import stored_settings
from actors.app.settings import ConfigError, Problem, ReloadClass, Settings, load_settings
from actors.app.settings.changes import changes, values
from actors.app.settings.pages import reload_class
from actors.app.settings.problems import Said, join, show
from actors.app.settings.reload import HOW, is_in, why_kept
from actors.journal.reader import JournalReader
from arena.experiment import Experiment, manifest
from arena.words import Scalar

_OUT = "The run has that; --out begins another one"
_FIRST, _MOST = "population.agents", "evolution.agents_max"


class Change(NamedTuple):
    """A key whose value differs.

    Attributes:
        key: Its dotted path.
        before: The value in effect; None where there is none.
        after: The value that the config has; None where it has none.
        reload: When it is taken over.
    """

    key: str
    before: Any
    after: Any
    reload: ReloadClass


@dataclass(frozen=True, slots=True)
class Rules:
    """What a run goes on under: to be put on record with `actors.app.forks.pass_reload`.

    Attributes:
        changes: Key of the config -> its new value; a list or a table as JSON.
        manifest: What is run from there on.
    """

    changes: Mapping[str, Scalar]
    manifest: str


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """What a reload would do.

    Attributes:
        changed: Every key that differs.
        refused: Key or place -> why nothing is taken over; empty where it can be.
        settings: What the config says; None where it is refused.
        rules: What to fork the run with when the cycle under way has ended; None for nothing.
    """

    changed: tuple[Change, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    settings: Settings | None = None
    rules: Rules | None = None

    @property
    def live(self) -> dict[str, Any]:
        """The keys that change at once, with their new values."""
        return {each.key: each.after for each in self.changed if each.reload is ReloadClass.LIVE}

    @property
    def next_cycle(self) -> list[str]:
        """The keys that change when the cycle under way has ended."""
        return [each.key for each in self.changed if each.reload is ReloadClass.NEXT_CYCLE]

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            "accepted": self.settings is not None,
            "changed": [each._asdict() for each in self.changed],
            "refused": [{"key": key, "why": why} for key, why in self.refused],
        }


def settings_now(run: JournalReader) -> Settings:
    """Return the settings in effect at the end of a run: those that it began with, and changes.

    Raises:
        EventSourcingError: They are not as they were stored.
    """
    return stored_settings(course_of(run).settings, run.meta())


def plan_reload(
    run: JournalReader,
    current: Settings,
    path: Path,
    overrides: Sequence[str] = (),
    *,
    experiment: Experiment,
    loaded: LoadedMarket,
) -> ReloadPlan:
    """Return what it would mean to take over the config at `path`; nothing is changed.

    Args:
        run: What is on record of the run.
        current: What the daemon uses of how the run is carried out.
        path: A TOML file.
        overrides: `table.key=value`, which win over the file; the later one wins.
        experiment: What is run, with the strategies and policies at hand.
        loaded: On which market.
    """
    try:
        settings = load_settings(path, overrides)
    except ConfigError as error:
        refused = [(problem.key or problem.place, str(problem)) for problem in error.problems]
        return ReloadPlan(refused=tuple(refused))
    changed = (*_changed_rules(run, settings), *_changed_ways(current, settings))
    fixed = [(each.key, _why(each)) for each in changed if each.reload is ReloadClass.RESTART]
    refused = fixed or [*_not_at_hand(settings, experiment)]
    if refused:
        return ReloadPlan(changed, tuple(refused))
    return ReloadPlan(changed, (), settings, plan_rules(run, settings, experiment, loaded))


def compare_with_run(
    settings: Settings, run: JournalReader, *, place: str = ""
) -> tuple[Change, ...]:
    """Return what the run has yet to take over to be what `settings` say.

    How it is carried out is not compared: a daemon takes that from its config when it starts.  What
    is to be taken over is known as `plan_rules` when the run is rebuilt.

    Args:
        settings: Of a daemon that starts.
        run: What is on record.
        place: What messages call the source of `settings`.

    Raises:
        ConfigError: It is another run: a key differs that no run can change.
    """
    changed = _changed_rules(run, settings)
    problems = [
        Problem(each.key, _said(each.after), f"{show(_said(each.before))}: {why}. {_OUT}", place)
        for each in changed
        if (why := why_kept(each.key)) is not None
    ]
    if problems:
        raise ConfigError(problems)
    return tuple(each._replace(reload=ReloadClass.NEXT_CYCLE) for each in changed)


def plan_rules(
    run: JournalReader, settings: Settings, experiment: Experiment, loaded: LoadedMarket
) -> Rules | None:
    """Return what lets the run go on as `settings` say; None where it does already.

    Args:
        run: What is on record.
        settings: Compared with the run already.
        experiment: What is run, with the strategies and policies at hand.
        loaded: On which market.
    """
    before = {each.key: each.before for each in _changed_rules(run, settings)}
    after = {key: values(settings).get(key) for key in before}
    if not before:
        return None
    built = build_experiment(settings, loaded, experiment.catalog, experiment.policies)
    return Rules(changes(before, after), manifest(replace(built, market=experiment.market)))


def _changed_rules(run: JournalReader, settings: Settings) -> tuple[Change, ...]:
    """Return what `settings` say of what is run that is not in effect there."""
    text = course_of(run).settings
    before, after = values(stored_settings(text, run.meta())), values(settings)
    before[_FIRST] = json.loads(text)["population"]["agents"]
    for each in (before, after):
        each.pop("market.end", None)  # It is `run.days` in other words.
    if after[_MOST] == after[_FIRST] < before[_FIRST]:
        after[_FIRST] = before[_FIRST]  # The first generation was; only the most that may be is.
    return tuple(_differing(before, after, how=False))


def _changed_ways(current: Settings, settings: Settings) -> tuple[Change, ...]:
    """Return what `settings` say of how a run is carried out that is not in effect."""
    return tuple(_differing(values(current), values(settings), how=True))


def _differing(
    before: Mapping[str, Any], after: Mapping[str, Any], *, how: bool
) -> Iterator[Change]:
    for key in changes(before, after):
        if how == any(is_in(key, table) for table in HOW):
            yield Change(key, before.get(key), after.get(key), reload_class(key))


def _why(change: Change) -> str:
    """Return why a daemon that runs does not take over `change`."""
    found = f"found {show(_said(change.after))}, in effect is {show(_said(change.before))}"
    if any(is_in(change.key, table) for table in HOW):
        return f"{found}: the daemon has to be started again"
    why = why_kept(change.key)
    return f"{found}: {why}" if why else f"{found}: code is loaded when a daemon starts"


def _said(value: Any) -> Any:
    return Said("nothing") if value is None else value


def _not_at_hand(settings: Settings, experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Yield what the config names that this process has not loaded."""
    why = "the daemon has to be started again: code is loaded when it starts"
    for name in settings.population.mix:
        if name not in experiment.catalog:
            yield join(("population", "mix", name)), why
    if settings.allocation.policy not in experiment.policies:
        yield "allocation.policy", why
