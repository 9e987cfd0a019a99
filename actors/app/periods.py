"""`--timerange 20200101-20221231`: the days of a run, from the command line.

Both ends are settled; an end that is left out is the config's.  The outcome is written as settings
(`market.start`, `market.end`, `run.days`), so that a resumed run and a replay know nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from actors.app.settings.market import FIRST_DAY, LAST_DAY
from actors.app.settings.overrides import apply_overrides
from actors.app.settings.read import read_toml
from actors.app.settings.settings import SYNTHETIC_DAYS, SYNTHETIC_START
from arena.exceptions import ValidationError

OPTION = "--timerange"
NEEDED = (
    "YYYYMMDD-YYYYMMDD, first and last day, such as 20200101-20221231; one of them may be left out"
)
_RANGE = re.compile("([0-9]{8})?-([0-9]{8})?")


def days_asked(config: Path, overrides: Sequence[str], timerange: str) -> tuple[str, ...]:
    """Return the overrides that make a run of `config` one of `timerange`.

    Args:
        config: A TOML file.
        overrides: `table.key=value`, which come before.
        timerange: `YYYYMMDD-YYYYMMDD`, `YYYYMMDD-` or `-YYYYMMDD`.

    Raises:
        ConfigError: The config cannot be read.
        ValidationError: It is no range, or the config lacks the end that was left out.
    """
    first, last = parse_days(timerange)
    tables = read_toml(config)
    apply_overrides(tables, overrides)
    start, end = _configured(tables)
    first, last = first or start, last or end
    if first is None:
        raise _refuse(timerange, "a first day: the config has no market.start")
    if last is None:
        raise _refuse(timerange, "a last day: the config has neither market.end nor run.days")
    if last < first:
        raise _refuse(timerange, f"a last day ({last}) that is not before the first ({first})")
    days = (last - first).days + 1
    return f"market.start={first}", f"market.end={last}", f"run.days={days}"


def parse_days(timerange: str) -> tuple[date | None, date | None]:
    """Return first and last day, None where one is left out.

    Raises:
        ValidationError: It is no range.
    """
    found = _RANGE.fullmatch(timerange)
    if found is None or timerange == "-":
        raise _refuse(timerange, NEEDED)
    first, last = (None if text is None else _day(text, timerange) for text in found.groups())
    return first, last


def _day(text: str, timerange: str) -> date:
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError as error:
        raise _refuse(timerange, f"days that exist: {text} is none ({error})") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise _refuse(timerange, f"days from {FIRST_DAY} to {LAST_DAY}")
    return day


def _configured(tables: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """Return the days that a config asks for, as far as it says; it is checked afterwards."""
    market, run = _table(tables, "market"), _table(tables, "run")
    made = market.get("source", "synthetic") == "synthetic"
    start = market.get("start", SYNTHETIC_START if made else None)
    end, days = market.get("end"), run.get("days", SYNTHETIC_DAYS if made else None)
    if end is None and type(start) is date and type(days) is int:
        within = 0 < days <= (LAST_DAY - start).days
        end = start + timedelta(days=days - 1) if within else None
    return start if type(start) is date else None, end if type(end) is date else None


def _table(tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = tables.get(name, {})
    return table if isinstance(table, Mapping) else {}


def _refuse(found: str, needed: str) -> ValidationError:
    return ValidationError(OPTION, found=found, needed=needed)
