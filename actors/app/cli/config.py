"""`arena config`: is it right, what does it mean in full, and what can be said at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.configs import config_argument
from actors.app.cli.moment import now
from actors.app.cli.output import Command, Output, with_output

if TYPE_CHECKING:
    from actors.app.experiment import Prepared
    from actors.app.settings import Settings


def _with_config(command: Command) -> Command:
    config = config_argument()
    seed = click.option("--seed", type=int, help="Wins over --set run.seed=N.")
    change = click.option(
        "--set",
        "overrides",
        metavar="TABLE.KEY=VALUE",
        multiple=True,
        help="Change one value; can be repeated, and the later one wins.",
    )
    return config(seed(change(command)))


def _load(config: Path, seed: int | None, overrides: tuple[str, ...]) -> Settings:
    from actors.app.settings import load_settings

    return load_settings(config, overrides if seed is None else (*overrides, f"run.seed={seed}"))


@click.group()
def config() -> None:
    """Check a config, or show all of its values.

    \b
    Example:
      arena config validate config/quickstart.toml
    """


@config.command("validate", short_help="Check a config and its market's files.")
@_with_config
@with_output
def validate(config: Path, seed: int | None, overrides: tuple[str, ...], output: Output) -> None:
    """Check CONFIG and the files that its market is read from; nothing is run.

    \b
    Example:
      arena config validate config/quickstart.toml
    """
    from actors.app.cli.failures import explain, failure
    from actors.app.settings import ConfigError

    chosen = overrides if seed is None else (*overrides, f"run.seed={seed}")
    try:
        prepared = _prepare(config, chosen)
    except ConfigError as error:
        if not output.json:
            raise
        code, text = explain(error)
        click.echo(text, err=True)
        found = failure(error, code, text.removeprefix("arena: "))
        problems = found["error"]["problems"]
        click.echo(json.dumps({"valid": False, "problems": problems, **found}))
        raise SystemExit(code) from None
    facts = prepared.experiment.market
    data: dict[str, Any] = {
        "valid": True,
        "name": prepared.experiment.name,
        "days": None if facts.endless else facts.ticks,
        "first_bar": facts.opens_at,
        "market": facts.badge,
        "notes": list(prepared.loaded.notes),
        "problems": [],
    }
    days = "all days" if facts.endless else f"{facts.ticks} days"
    line = f"{data['name']}: {days} from {facts.opens_at}, {facts.badge} market"
    output.show(data, lambda: [f"valid: {line}", *(f"note: {each}" for each in data["notes"])])


def _prepare(config: Path, overrides: Sequence[str]) -> Prepared:
    """Read a config and its market: of one that grows, what there is of it."""
    from actors.app.experiment import prepare
    from actors.app.live.polling import check_pollable, look
    from actors.app.settings import load_settings

    settings, loaded = load_settings(config, overrides), None
    if settings.live.feed == "poll":
        check_pollable(settings)
        loaded = look(settings, config.parent, now()).loaded
    return prepare(config, overrides, now=now(), loaded=loaded)


@config.command("show", short_help="Show every value that a run would use.")
@_with_config
@click.option("--reload", is_flag=True, help="Say when a daemon takes over a change of each key.")
@with_output
def show(
    config: Path, seed: int | None, overrides: tuple[str, ...], output: Output, *, reload: bool
) -> None:
    """Show CONFIG in full, defaults included; what is printed is itself a config.

    \b
    Examples:
      arena config show config/quickstart.toml --set population.agents=20
      arena config show config/daemon.toml --reload
    """
    from actors.app.settings import effective, reload_class

    data = effective(_load(config, seed, overrides))
    lines = toml_lines(data)
    classes = {line: reload_class(line.partition(" = ")[0]) for line in lines} if reload else {}
    if output.json:
        found = {line.partition(" = ")[0]: word for line, word in classes.items()}
        click.echo(json.dumps({"config": data, "reload": found} if reload else data))
        return
    for line in lines:
        click.echo(f"{line}  # {classes[line]}" if reload else line)


def toml_lines(data: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return plain settings as TOML, one dotted key a line."""
    lines: list[str] = []
    for name, value in data.items():
        key = f"{prefix}{_key(name)}"
        if isinstance(value, Mapping) and value:
            lines += toml_lines(value, f"{key}.")
        else:
            is_day = key in {"market.start", "market.end"}
            lines.append(f"{key} = {value if is_day else _toml(value)}")
    return lines


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_toml(item)}" for name, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    # JSON's texts, numbers and truths are TOML's.
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else json.dumps(name, ensure_ascii=False)


@config.command("schema", short_help="Show the JSON Schema of a config.")
@with_output
def show_schema(output: Output) -> None:
    """Show the JSON Schema of a config file, for editors.

    \b
    Example:
      arena config schema > arena.schema.json
    """
    from actors.app.settings import schema

    click.echo(json.dumps(schema(), indent=None if output.json else 2))
