"""Plugins: strategies and policies that are not built in, and where each of them comes from.

What is installed is known by name without importing anything; its code is imported when the name is
used.  So a plugin that is broken, or that shares its name with another one, is in the way of nobody
who does not ask for it.  Nothing is unpickled.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from importlib import import_module, invalidate_caches
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Generic, TypeVar

from arena.exceptions import ValidationError
from arena.ids import is_name
from arena.policies import POLICIES, Policies, Policy
from arena.strategies import BUILT_IN, Catalog, Strategy

GROUPS = {"strategy": "treasury_arena.strategies", "policy": "treasury_arena.policies"}
"""What is loaded -> the group of entry points in which packages offer it."""

WEIGH = "weigh_"
"""How the functions begin that are the policies of a module."""

T = TypeVar("T")


class PluginError(ValidationError):
    """A plugin cannot be used: it is not there, it breaks, or its name means two things.

    Attributes:
        why: What is wrong with it, in words.
    """

    def __init__(self, field: str, found: str, why: str) -> None:
        super().__init__(field, found=found, needed=f"one that can be used: {why}")
        self.why = why
        self.args = (f"{field} {found!r}: {why}",)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a strategy or a policy comes from.

    Attributes:
        kind: `strategy` or `policy`.
        name: As configs name it.
        place: `package.module:attribute`.
        fetch: Imports it.
        distribution: The package that offers it; None of what is built in or in a named module.
        version: Of that package.
        built_in: Whether it comes with the arena, or from the caller.
    """

    kind: str
    name: str
    place: str
    fetch: Callable[[], Any]
    distribution: str | None = None
    version: str | None = None
    built_in: bool = False

    def __str__(self) -> str:
        """Return it in words."""
        if self.built_in:
            return f"{self.place}, which is built in"
        if self.distribution is None:
            return f"{self.place}, of a module that the config names"
        group = GROUPS[self.kind]
        return f"{self.place}, an entry point in {group} of {self.distribution} {self.version}"


class Shelf(Mapping[str, T], Generic[T]):
    """Name -> strategy or policy.  What is looked up is imported, once; the others are not."""

    def __init__(self, kind: str, sources: Sequence[Source]) -> None:
        """Make it of what was found; two sources of one name are no error until it is used."""
        self._kind = kind
        self._sources: dict[str, list[Source]] = {}
        for source in sources:
            self._sources.setdefault(source.name, []).append(source)
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        """Return what `name` means.

        Raises:
            KeyError: Nothing.
            PluginError: Two things, or something that cannot be imported, or is not what it says.
        """
        if name not in self._loaded:
            self._loaded[name] = _load(self.source(name))
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names: what is built in first."""
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, name: object) -> bool:
        return name in self._sources

    def source(self, name: str) -> Source:
        """Return where `name` comes from.

        Raises:
            KeyError: From nowhere.
            PluginError: From two places, which are both named.
        """
        first, *others = self._sources[name]
        if others:
            places = "; and ".join(str(each) for each in (first, *others))
            raise PluginError(self._kind, name, f"more than one has this name: {places}")
        return first


@dataclass(frozen=True)
class Plugins:
    """Everything that a config can name.

    Attributes:
        sources: What there is, that which is built in first.
    """

    sources: tuple[Source, ...]

    @cached_property
    def strategies(self) -> Shelf[type[Strategy]]:
        """Name -> strategy."""
        return self.shelf("strategy")

    @cached_property
    def policies(self) -> Shelf[Policy]:
        """Name -> policy."""
        return self.shelf("policy")

    def choose(self, kind: str, names: Iterable[str]) -> dict[str, Any]:
        """Return what a run can use, imported: of what is installed only that which it names.

        Args:
            kind: `strategy` or `policy`.
            names: What the run names.

        Raises:
            KeyError: One of them is not there.
            PluginError: One of them, or something in a named module, cannot be used.
        """
        given = [each for each in self.sources if each.kind == kind and each.distribution is None]
        held = [each.name for each in given if not each.built_in]
        shelf = self.shelf(kind)
        found = {each.name: each.fetch() for each in given if each.built_in}
        return found | {name: shelf[name] for name in (*held, *names)}

    def shelf(self, kind: str) -> Shelf[Any]:
        """Return what there is of a kind: `strategy` or `policy`."""
        return Shelf(kind, [each for each in self.sources if each.kind == kind])


def find_plugins(
    modules: Sequence[str] = (),
    base: Path | None = None,
    *,
    catalog: Catalog = BUILT_IN,
    policies: Policies = POLICIES,
) -> Plugins:
    """Return what is built in, what installed packages offer, and what `modules` hold.

    Args:
        modules: Their dotted names; they are imported now.
        base: The config's folder, where modules are looked for first.
        catalog: The strategies that are there anyway.
        policies: The policies that are there anyway.

    Raises:
        PluginError: A module cannot be imported, or holds neither strategy nor policy.
    """
    sources = [_given("strategy", name, found) for name, found in catalog.items()]
    sources += [_given("policy", name, found) for name, found in policies.items()]
    sources += _installed(tuple(map(_packages_in, sys.path)))
    for name in dict.fromkeys(modules):
        sources += _held(_import(name, base))
    return Plugins(tuple(sources))


def _given(kind: str, name: str, found: Any) -> Source:
    return Source(kind, name, _place(found), lambda: found, built_in=True)


def _packages_in(folder: str) -> tuple[str, int, tuple[str, ...]]:
    """Return a folder of the path, when it changed last, and which packages are in it."""
    try:
        changed = os.stat(folder or ".").st_mtime_ns
        names = os.listdir(folder or ".")
    except OSError:  # It is not there, or not a folder.
        return folder, 0, ()
    return folder, changed, tuple(name for name in names if name.endswith("-info"))


@lru_cache(maxsize=1)
def _installed(path: tuple[tuple[str, int, tuple[str, ...]], ...]) -> tuple[Source, ...]:
    """Return what installed packages offer: every one of them is looked at, so not twice.

    Args:
        path: Where packages are, and which: something else is installed only if that is another.
    """
    del path
    offered = entry_points()
    return tuple(
        _offered(kind, each)
        for kind, group in GROUPS.items()
        for each in offered.select(group=group)
    )


def _offered(kind: str, entry: EntryPoint) -> Source:
    package = entry.dist
    return Source(
        kind=kind,
        name=entry.name,
        place=entry.value,
        fetch=entry.load,
        distribution=package.name if package else "an unnamed package",
        version=package.version if package else "of unknown version",
    )


def _held(module: ModuleType) -> list[Source]:
    """Return the strategies that a module holds, and its functions `weigh_*`, which are policies.

    What it has imported from elsewhere is not its own.

    Raises:
        PluginError: There is none.
    """
    found = []
    for label, value in vars(module).items():
        own = f"{getattr(value, '__module__', '')}.".startswith(f"{module.__name__}.")
        if not own or label.startswith("_"):
            continue
        if isinstance(value, type) and issubclass(value, Strategy) and hasattr(value, "name"):
            found.append(Source("strategy", value.name, _place(value), partial(_itself, value)))
        elif isinstance(value, FunctionType) and label.startswith(WEIGH):
            name = label.removeprefix(WEIGH).replace("_", "-")
            found.append(Source("policy", name, _place(value), partial(_itself, value)))
    if not found:
        why = f"it holds no strategy with a name, and no function {WEIGH}*"
        raise PluginError("module", module.__name__, why)
    return found


def _itself(value: Any) -> Any:
    return value


def _place(found: Any) -> str:
    kind = found if hasattr(found, "__qualname__") else type(found)
    return f"{kind.__module__}:{kind.__qualname__}"


def _load(source: Source) -> Any:
    """Import what `source` names, and see that it is what it says.

    Raises:
        PluginError: It cannot be imported, or is something else.
    """
    found = _without_fail(source.kind, source.name, str(source), source.fetch)
    wrong = _what_is_wrong(source, found)
    if wrong:
        raise PluginError(source.kind, source.name, f"{source}: {wrong}")
    return found


def _what_is_wrong(source: Source, found: Any) -> str:
    if source.built_in:
        return ""
    if not is_name(source.name):
        return "a name is a small letter, then at most 62 of a-z, 0-9, _ and -"
    if source.kind == "policy":
        return "" if callable(found) else "it cannot be called"
    if not isinstance(found, type) or not issubclass(found, Strategy):
        return "it is no subclass of arena.strategies.Strategy"
    own = getattr(found, "name", None)
    return "" if own == source.name else f"its own name is {own!r}"


def _without_fail(field: str, name: str, what: str, do: Callable[[], T]) -> T:
    """Return what `do` does with somebody else's code; whatever it raises is a `PluginError`."""
    try:
        return do()
    except (Exception, SystemExit) as error:
        why = " ".join(f"{what}: it raised {type(error).__name__}: {error}".split())
        raise PluginError(field, name, why) from error


def _import(name: str, base: Path | None) -> ModuleType:
    """Import the module `name`: what lies in `base` comes first, as beside a script.

    Raises:
        PluginError: It cannot be imported, or another one of that name is there already.
    """
    if base is None:
        return _without_fail("module", name, "importing it", partial(import_module, name))
    folder = str(base.resolve())
    with _first_on_the_path(folder):
        top = name.partition(".")[0]
        beside, loaded = PathFinder.find_spec(top, [folder]), sys.modules.get(top)
        if beside and loaded and beside.origin != getattr(loaded.__spec__, "origin", None):
            where = getattr(loaded, "__file__", None) or "Python itself"
            why = f"{beside.origin} is hidden by {where}, which is loaded already"
            raise PluginError("module", name, why)
        return _without_fail("module", name, "importing it", partial(import_module, name))


@contextmanager
def _first_on_the_path(folder: str) -> Iterator[None]:
    invalidate_caches()  # It may have been written a moment ago.
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
