"""What the settings say about themselves: the effective config, and the schema."""

from __future__ import annotations

from typing import Any

from actors.app.settings.render import to_toml
from actors.app.settings.settings import Settings


def effective(settings: Settings) -> dict[str, Any]:
    """Return every value that the run uses, as plain data: money as text, dates as ISO text."""
    data: dict[str, Any] = settings.model_dump(mode="json", exclude_none=True)
    period = settings.period
    data["run"]["days"] = period.days
    data["market"] |= {"start": str(period.start), "end": str(period.end)}
    return data


def show_toml(settings: Settings) -> str:
    """Return every value that the run uses, as a config file that gives the same run."""
    data, period = effective(settings), settings.period
    data["market"] |= {"start": period.start, "end": period.end}  # TOML knows dates.
    return to_toml(data)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a config file."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **Settings.model_json_schema()}
