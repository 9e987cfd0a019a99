"""`from_table`: a market that is written down in the test, as a trader would write it down.

    day    BTC      ETH    aave.apr
      0    100       10         5 %     # with `warmup=1` this day is seen and not traded
      1    101       11         5 %
      2     55        -         4 %     # ETH is not quoted

The rule: a line is a day.  A name without a dot is a coin's close: it opens where it closed the day
before.  A name with a dot is that very column of the market, and an `.apr` alone is a deposit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import numpy as np

from actors.testing.markets import FIRST_DAY, DailyMarket, coin, made
from arena.exceptions import ValidationError
from arena.instruments import accrue_linear
from arena.market import Floats

_UNITS = {"volume": "USD/day", "apr": "1/year", "funding": "1/day", "iv": "ratio", "tvl": "USD"}
_PRICES = ("open", "high", "low", "close")
_DAY = re.compile(r"-?[0-9]{1,4}")
_NUMBER = re.compile(r"[+-]?[0-9][0-9_,]*(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def from_table(text: str, *, warmup: int = 0, features: Sequence[str] = ()) -> DailyMarket:
    """Return the market that `text` describes.

    Args:
        text: A heading and a line for each day.  Columns are parted by blanks or `|`; a first
            column `day` may number the days or date them.  `-` is not known, `5 %` is 0.05, and
            what follows a `#` is for the reader.
        warmup: How many of the first lines are seen and not traded.
        features: Names without a dot that are no coins: `btc_mvrv`.

    Raises:
        ValidationError: A cell cannot be read, or a line has another number of them; the message
            names the line and the column.
    """
    (_, heading), *rows = _lines(text)
    cells = [(number, _numbers(number, row, heading)) for number, row in rows]
    if not cells:
        raise ValidationError("table", found="a heading alone", needed="a line for each day")
    first = FIRST_DAY
    if heading[0] in {"day", "date"}:
        first = _first_day(rows, warmup)
        heading, cells = heading[1:], [(number, row[1:]) for number, row in cells]
    values = np.array([row for _, row in cells], dtype=np.float64)
    given = {name: values[:, n] for n, name in enumerate(heading)}
    if len(given) != len(heading):
        raise ValidationError("table", found="a column twice", needed="each of them once")
    columns: dict[str, tuple[str, Floats]] = {}
    for name in given:
        columns |= _columns(name, given, features)
    return made(columns, "a table in the test", first=first, warmup=warmup)


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """Return (number of the line, its cells) of every line that says something.

    Raises:
        ValidationError: There is none.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        said = line.partition("#")[0].replace("|", " ").replace(" %", "%").split()
        if said:
            found.append((number, said))
    if not found:
        raise ValidationError("table", found=text, needed="a heading, and a line for each day")
    return found


def _numbers(number: int, row: list[str], heading: list[str]) -> list[float]:
    if len(row) != len(heading):
        needed = f"{len(heading)}: {', '.join(heading)}"
        raise ValidationError(f"table:{number}", found=f"{len(row)} cells", needed=needed)
    return [
        0.0 if name in {"day", "date"} else _number(f"table:{number} {name}", cell)
        for name, cell in zip(heading, row, strict=True)
    ]


def _number(place: str, cell: str) -> float:
    if cell == "-":
        return float("nan")
    share = cell.endswith("%")
    bare = cell.removesuffix("%")
    if not _NUMBER.fullmatch(bare):
        raise ValidationError(place, found=cell, needed="a number, a share such as 5 %, or -")
    value = float(bare.replace(",", "").replace("_", ""))
    return value / 100.0 if share else value


def _first_day(rows: list[tuple[int, list[str]]], warmup: int) -> date:
    """Return day 1: days are numbered from anywhere, or dated, one after the other.

    Raises:
        ValidationError: A day is missing, or is no day.
    """
    days = []
    for number, row in rows:
        try:
            day = int(row[0]) if _DAY.fullmatch(row[0]) else date.fromisoformat(row[0]).toordinal()
            days.append(day)
        except ValueError:
            needed = "a number or a date such as 2024-01-31"
            raise ValidationError(f"table:{number} day", found=row[0], needed=needed) from None
        if days[-1] != days[0] + len(days) - 1:
            raise ValidationError(f"table:{number} day", found=row[0], needed="the day after")
    if _DAY.fullmatch(rows[0][1][0]):
        return FIRST_DAY
    return date.fromordinal(days[0] + min(warmup, len(days)))


def _columns(
    name: str, given: dict[str, Floats], features: Sequence[str]
) -> dict[str, tuple[str, Floats]]:
    """Return the market's columns that stand behind the table's column `name`."""
    values = given[name]
    if name in features:
        return {name: ("ratio", values)}
    instrument, _, field = name.rpartition(".")
    if not instrument:
        opens = np.concatenate((values[:1], values[:-1]))
        opens = np.where(np.isnan(opens), values, opens)  # Its first quote opens where it closes.
        opens = np.where(np.isnan(values), np.nan, opens)
        drawn = coin(name, given.get(f"{name}.open", opens), values)
        return {column: value for column, value in drawn.items() if column not in given}
    column = {name: (_UNITS.get(field, "USD" if field in _PRICES else "ratio"), values)}
    if field == "apr" and not {instrument, f"{instrument}.close"} & given.keys():
        prices = accrue_linear(np.nan_to_num(values), periods_per_year=365)
        for kind, marks in zip(("open", "close"), prices, strict=True):
            column[f"{instrument}.{kind}"] = ("index", np.where(np.isnan(values), np.nan, marks))
    return column
