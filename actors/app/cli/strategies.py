"""`arena list-strategies`: what agents can be, how capital can be weighed, and who offers it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.configs import config_argument
from actors.app.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.app.plugins import Plugins, Shelf, Source


@click.command("list-strategies", short_help="Show what agents can be.")
@config_argument(required=False)
@with_output
def list_strategies(config: Path | None, output: Output) -> None:
    """Show every strategy: what it does, its parameters, and where it comes from; then policies.

    That is what is built in and what installed packages offer; with CONFIG, what the modules hold
    that it names, too.  What cannot be loaded is named on stderr.

    \b
    Examples:
      arena list-strategies --json
      arena list-strategies config/quickstart.toml
    """
    plugins = _find(config)
    strategies, policies = _look(plugins, "strategy"), _look(plugins, "policy")
    data: dict[str, Any] = {
        "strategies": [each for each in strategies if "message" not in each],
        "policies": [each for each in policies if "message" not in each],
        "problems": [each for each in (*strategies, *policies) if "message" in each],
    }
    output.show(data, lambda: _lines(data))
    for problem in data["problems"]:
        output.note(problem["message"])


def _find(config: Path | None) -> Plugins:
    from actors.app.plugins import find_plugins

    if config is None:
        return find_plugins()
    from actors.app.settings import load_settings

    return find_plugins(load_settings(config).plugins.modules, config.parent)


def _look(plugins: Plugins, kind: str) -> list[dict[str, Any]]:
    """Return what is known of each strategy, or of each policy, by name."""
    shelf = plugins.shelf(kind)
    return [_look_at(shelf, name) for name in sorted(shelf)]


def _look_at(shelf: Shelf[Any], name: str) -> dict[str, Any]:
    from actors.app.plugins import PluginError
    from arena.experiment import plain

    try:
        found, source = shelf[name], shelf.source(name)
    except PluginError as error:
        return {"name": name, "message": str(error)}
    facts: dict[str, Any] = {
        "name": name,
        "doc": inspect.getdoc(found) or "",
        "origin": _origin(source),
        "place": source.place,
        "distribution": source.distribution,
        "version": source.version,
    }
    if source.kind == "strategy":
        facts["family"] = found.family
        facts["parameters"] = [plain(parameter) for parameter in found.parameters]
    return facts


def _origin(source: Source) -> str:
    if source.built_in:
        return "built in"
    if source.distribution is None:
        return "a module that the config names"
    return f"{source.distribution} {source.version}"


def _lines(data: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.render import grid

    for strategy in data["strategies"]:
        yield f"{strategy['name']} ({strategy['family']}), {strategy['origin']}"
        yield f"{strategy['doc']}\n"
        if strategy["parameters"]:
            columns = [(name, "left") for name in ("parameter", "default", "from", "to")]
            yield grid(
                [*columns, ("what", "fold")],
                (_row(parameter) for parameter in strategy["parameters"]),
            )
    for policy in data["policies"]:
        yield f"policy {policy['name']}, {policy['origin']}"
        yield f"{policy['doc']}\n"


def _row(parameter: dict[str, Any]) -> tuple[object, ...]:
    options = parameter.get("options")
    bounds = (", ".join(options), "") if options else (parameter["low"], parameter["high"])
    return parameter["name"], parameter["default"], *bounds, parameter["doc"]
