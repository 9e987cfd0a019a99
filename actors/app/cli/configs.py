"""The argument CONFIG: a file, or the bare name of a config that is packaged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.output import Command

if TYPE_CHECKING:
    from collections.abc import Callable


class ConfigPath(click.Path):
    """A path, or a packaged config's name."""

    def __init__(self) -> None:
        """Make the type; nothing has to be there yet."""
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the file that `value` means."""
        from actors.app.packaged import config_file

        return config_file(Path(str(super().convert(value, param, ctx))))


def config_argument(*, required: bool = True) -> Callable[[Command], Command]:
    """Give a command the argument CONFIG; it receives it as `config`."""
    metavar = "CONFIG" if required else "[CONFIG]"
    return click.argument("config", metavar=metavar, required=required, type=ConfigPath())
