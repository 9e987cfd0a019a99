"""The table of code that is not built in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actors.app.settings.fields import Section
from actors.app.settings.reload import ReloadClass, reloads

_PART = "[A-Za-z_][A-Za-z0-9_]*"

ModuleName = Annotated[
    str,
    Field(
        pattern=rf"^{_PART}(\.{_PART})*$",
        max_length=200,
        json_schema_extra={
            "x-needed": "the name of a module, such as my_rules or my_package.rules"
        },
    ),
]


class PluginsTable(Section):
    """Where strategies and policies come from, beside what is built in and what is installed."""

    modules: tuple[ModuleName, ...] = Field(
        default=(),
        strict=False,
        description="Modules whose strategies and `weigh_*` functions the config can name; they "
        "are looked for in the config's folder first.",
        json_schema_extra=reloads(ReloadClass.RESTART),
    )
