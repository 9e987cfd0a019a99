"""The reference page knows every command, option and exit code; so does `--help`, with examples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from actors.app.cli import cli
from actors.app.exits import ExitCode

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def groups() -> Iterator[str]:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        if isinstance(cli.get_command(context, name), click.Group):
            yield f"arena {name}"


COMMANDS = dict(commands(cli, "arena"))
EVERYWHERE = {"--json", "--quiet", "--no-color"}


def section(heading: str) -> str:
    """Return the part of the page under `heading`."""
    text = PAGE.read_text(encoding="utf-8")
    assert f"\n{heading}\n" in text, f"the page has no {heading!r}"
    return text.split(f"\n{heading}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_stands_in_the_reference_with_its_options(path):
    text = section(f"## {path}")

    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            name = max(parameter.opts, key=len)
            assert name in EVERYWHERE or f"`{name}" in text, name
        else:
            assert (parameter.metavar or "") in text


@pytest.mark.parametrize("code", ExitCode)
def test_an_exit_code_stands_in_the_reference(code):
    assert f"| {code.value} | {code.meaning} |" in section("## Exit codes")


@pytest.mark.parametrize("path", [*COMMANDS, *groups()])
def test_help_has_an_example(arena, path):
    answer = arena(*path.split()[1:], "--help")

    assert answer.code == 0
    assert f"\n    {path} " in answer.out or f"\n    {path}\n" in answer.out


def test_help_says_what_can_be_repeated_and_what_wins(arena):
    said = " ".join(arena("run", "--help").out.split())

    assert "can be repeated" in said
    assert "wins over --set run.seed" in said


def test_help_lists_every_command(arena):
    answer = arena("--help")

    assert answer.code == 0
    for path in COMMANDS:
        assert f"  {path.split()[1]} " in answer.out


def test_the_fields_of_a_result_stand_in_the_reference(arena, small, tmp_path):
    data = arena("run", small, "--set", "run.days=1", "--json", "--out", tmp_path).data
    text = section("## arena run")

    for name in data:
        assert f"`{name}`" in text, name
