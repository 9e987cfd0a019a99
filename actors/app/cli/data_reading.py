"""Options that say how a file is read, for the commands that take one without a config."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import click

from actors.app.cli.output import Command


def with_reading(command: Command) -> Command:
    """Give a command the options of a reading; it receives them as `reading`, a dict."""

    @click.option(
        "--series",
        metavar="NAME=COLUMN",
        multiple=True,
        help="A series, and the file's column; can be repeated. Left out, as the header says.",
    )
    @click.option(
        "--where",
        metavar="COLUMN=TEXT",
        multiple=True,
        help="Only rows in which a column holds a text; can be repeated.",
    )
    @click.option("--time-column", metavar="COLUMN", help="The column of stamps.")
    @click.option("--time-zone", metavar="ZONE", help="UTC (the default), or an IANA name.")
    @click.option(
        "--time-unit", metavar="UNIT", help="s, ms, us or ns, where stamps are whole numbers."
    )
    @click.option("--unit", metavar="UNIT", help="Unit of rates in the file, such as percent.")
    @functools.wraps(command)
    def wrapped(*args: Any, series: Sequence[str], where: Sequence[str], **kwargs: Any) -> None:
        names = ("time_column", "time_zone", "time_unit", "unit")
        reading = {name: kwargs.pop(name) for name in names}
        reading |= {"series": pairs(series, "--series"), "where": pairs(where, "--where")}
        command(*args, reading=reading, **kwargs)

    return wrapped


def pairs(words: Sequence[str], option: str) -> dict[str, str]:
    """Return `name=value` words as a dict.

    Raises:
        click.BadParameter: A word is none, or a name stands twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise click.BadParameter(f"{word!r} is not NAME=VALUE", param_hint=option)
        if name in found:
            raise click.BadParameter(f"{name!r} stands twice", param_hint=option)
        found[name] = value
    return found


def store_option(command: Command) -> Command:
    """Give a command `--store`; it receives it as `store`."""
    return click.option(
        "--store", metavar="DIR", default="data", help="The folder of the store; data by default."
    )(command)
