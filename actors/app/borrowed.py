"""What a run borrowed: the strategies and policies it used that are not built in, for its `meta`.

Their declarations are WHAT was run, and stand in the manifest.  Which package they came from, in
which version, is HOW: it is written beside the history, so that whoever goes on with the run is
told what is missing, or has changed.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from actors.app.plugins import PluginError, Plugins, Source, find_plugins
from actors.app.settings import Settings
from actors.journal.codec import canonical
from arena.exceptions import EventSourcingError
from arena.policies import POLICIES, Policies, Policy
from arena.strategies import Catalog


@dataclass(frozen=True, slots=True)
class Borrowed:
    """One strategy or policy that is not built in.

    Attributes:
        kind: `strategy` or `policy`.
        name: As the config names it.
        place: `package.module:attribute`.
        distribution: The package; None of a module that the config names.
        version: Of the package.
        sha256: Of the file in which it is written; None where there is none.
    """

    kind: str
    name: str
    place: str
    distribution: str | None
    version: str | None
    sha256: str | None

    def __str__(self) -> str:
        """Return it in words."""
        package = f" of {self.distribution} {self.version}" if self.distribution else ""
        return f"the {self.kind} {self.name!r} ({self.place}{package})"


def in_use(plugins: Plugins, every: Sequence[Settings]) -> tuple[Catalog, Policies]:
    """Return the strategies and the policies of a run: what is not named is not a part of it.

    Args:
        plugins: What there is.
        every: The settings of the run, and those of its forks.
    """
    named = [name for each in every for name in _strategies_in(each)]
    policies = [each.allocation.policy for each in every]
    return plugins.choose("strategy", named), plugins.choose("policy", policies)


def _strategies_in(settings: Settings) -> list[str]:
    population = settings.population
    return [*dict.fromkeys((*population.mix, *population.baselines))]


def borrowed_by(settings: Settings, plugins: Plugins) -> list[Borrowed]:
    """Return what `settings` name that is not built in."""
    policy, strategies = settings.allocation.policy, plugins.strategies
    found: list[tuple[Source, Any]] = [
        *((strategies.source(name), strategies[name]) for name in _strategies_in(settings)),
        (plugins.policies.source(policy), plugins.policies[policy]),
    ]
    return [
        Borrowed(
            kind=source.kind,
            name=source.name,
            place=source.place,
            distribution=source.distribution,
            version=source.version,
            sha256=_file_hash(code),
        )
        for source, code in found
        if not source.built_in
    ]


def _file_hash(code: Any) -> str | None:
    try:
        path = inspect.getsourcefile(inspect.unwrap(code))
    except TypeError:  # It is not written in Python.
        return None
    return None if path is None else hashlib.sha256(Path(path).read_bytes()).hexdigest()


def borrowed_text(borrowed: Iterable[Borrowed]) -> str:
    """Return what `borrowed_in` reads; what is named twice stands there once."""
    return canonical([asdict(each) for each in dict.fromkeys(borrowed)])


def borrowed_in(meta: Mapping[str, str]) -> list[Borrowed]:
    """Return what a run borrowed; most runs borrow nothing.

    Raises:
        EventSourcingError: It is not as it was stored.
    """
    try:
        return [Borrowed(**facts) for facts in json.loads(meta.get("plugins", "[]"))]
    except (ValueError, TypeError) as error:
        raise EventSourcingError(f"the run's plugins are damaged: {error}") from error


def plugins_of(meta: Mapping[str, str], settings: Iterable[Settings]) -> Plugins:
    """Return everything that a stored run can name, its forks included.

    Args:
        meta: Of the run.
        settings: Of the run, and of what it was before each fork.
    """
    modules = [name for each in settings for name in each.plugins.modules]
    return find_plugins(modules, Path(meta["base"]))


def check_there(meta: Mapping[str, str]) -> None:
    """Look for the packages of a stored run: without its code it cannot be carried out.

    Raises:
        PluginError: A package is not installed here, or offers it no more; all of them are named.
    """
    installed = {(each.kind, each.name) for each in find_plugins().sources if each.distribution}
    missing = [
        each
        for each in borrowed_in(meta)
        if each.distribution and (each.kind, each.name) not in installed
    ]
    if missing:
        said = "; ".join(map(str, missing))
        raise PluginError(missing[0].kind, missing[0].name, f"not installed here: {said}")


def policies_at_hand(meta: Mapping[str, str]) -> Policies:
    """Return the policies with which a stored run can be explained.

    One that cannot be loaded is left out: who reads a run need not be able to carry it out.
    """
    found: dict[str, Policy] = {**POLICIES}
    for each in borrowed_in(meta):
        if each.kind == "policy":
            modules = () if each.distribution else (each.place.partition(":")[0],)
            with suppress(PluginError, KeyError):
                found[each.name] = find_plugins(modules, Path(meta["base"])).policies[each.name]
    return found


def changed_since(meta: Mapping[str, str], now: Iterable[Borrowed]) -> Iterator[str]:
    """Yield how what is there now differs from what a stored run borrowed."""
    then = {(each.kind, each.name): each for each in borrowed_in(meta)}
    for each in dict.fromkeys(now):
        before = then.get((each.kind, each.name))
        if before is not None and before != each:
            what = "its source has changed" if str(before) == str(each) else f"this is {each}"
            yield f"the run was made with {before}; {what}"
