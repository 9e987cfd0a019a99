"""Config: one TOML file in, frozen `Settings` out, or one `ConfigError` that lists what is wrong.

Importing this package imports pydantic: a command that needs no config should not.
"""

from actors.app.settings.checks import check
from actors.app.settings.daemon import bar_seconds
from actors.app.settings.load import load_settings, make_settings
from actors.app.settings.pages import effective, reload_class, schema, show_toml
from actors.app.settings.problems import ConfigError, Problem
from actors.app.settings.reference_page import reference
from actors.app.settings.reload import ReloadClass
from actors.app.settings.settings import Period, Settings

__all__ = [
    "ConfigError",
    "Period",
    "Problem",
    "ReloadClass",
    "Settings",
    "bar_seconds",
    "check",
    "effective",
    "load_settings",
    "make_settings",
    "reference",
    "reload_class",
    "schema",
    "show_toml",
]
