"""From a file and the command line to `Settings`, or to one error that lists what is wrong."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pydantic

from actors.app.plugins import PluginError, find_plugins
from actors.app.settings.checks import check
from actors.app.settings.explain import explain
from actors.app.settings.overrides import PLACE, apply_overrides
from actors.app.settings.problems import ConfigError, Problem, join
from actors.app.settings.read import read_toml
from actors.app.settings.settings import Settings
from arena.policies import POLICIES, Policies
from arena.strategies import BUILT_IN, Catalog


def load_settings(
    path: Path, overrides: Sequence[str] = (), *, catalog: Catalog = BUILT_IN
) -> Settings:
    """Return the settings in a TOML file, with overrides such as `run.seed=7` over them.

    Args:
        path: A `.toml` file.
        overrides: `table.key=value`, the value in TOML or a bare word; the later one wins.
        catalog: The strategies that the config can name, beside plugins.

    Raises:
        ConfigError: The file cannot be read, or what it says, overrides included, cannot be used.
    """
    tables = read_toml(path)
    return make_settings(tables, overrides, place=str(path), catalog=catalog, base=path.parent)


def make_settings(
    data: Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    place: str = "config",
    catalog: Catalog = BUILT_IN,
    policies: Policies = POLICIES,
    base: Path | None = None,
) -> Settings:
    """Return the settings in `data`, as TOML would give it; an empty mapping is all defaults.

    Args:
        data: Tables by name; not changed.
        overrides: As for `load_settings`.
        place: What messages call the source of `data`.
        catalog: The strategies that can be named.
        policies: The policies that can be named.
        base: The config's folder; where it is given, plugins can be named too.

    Raises:
        ConfigError: It cannot be used; all problems are listed.
    """
    tables = copy.deepcopy(dict(data))
    changed = [join(path) for path in apply_overrides(tables, overrides)]
    try:
        settings = Settings.model_validate(tables)
    except pydantic.ValidationError as error:
        problems = explain(error, _schema())
    else:
        problems = _check(settings, catalog, policies, base)
        if not problems:
            return settings
    raise ConfigError([_place(problem, changed, place) for problem in problems])


@cache
def _schema() -> dict[str, Any]:
    """Return the schema of the settings, which takes pydantic as long as all else together."""
    return Settings.model_json_schema()


def _check(
    settings: Settings, catalog: Catalog, policies: Policies, base: Path | None
) -> list[Problem]:
    if base is None:
        return check(settings, catalog, policies)
    try:
        known = find_plugins(settings.plugins.modules, base, catalog=catalog, policies=policies)
    except PluginError as error:
        return [Problem("plugins.modules", error.found, error.needed)]
    return check(settings, known.strategies, known.policies)


def _place(problem: Problem, changed: Sequence[str], file: str) -> Problem:
    """Return `problem` with the place from which its key came: the file or the command line."""
    is_set = any(_holds(key, problem.key) or _holds(problem.key, key) for key in changed)
    return replace(problem, place=PLACE if is_set else file)


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith((f"{outer}.", f"{outer}["))
