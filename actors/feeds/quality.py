"""From text to numbers that can be true: finite, of the right sign, and possible as a bar.

The checks look at whole columns at once; Python looks at single cells only where one is bad.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from actors.feeds.sheet import Sheet
from actors.feeds.source import field_of
from arena.market import Floats

_BAR = ("open", "high", "low", "close")
_POSITIVE = (*_BAR, "index", "iv")
_NOT_NEGATIVE = ("volume", "apr", "staking_apr", "tvl")


def read_numbers(sheet: Sheet) -> Floats:
    """Return the numbers of the sheet in the market's units, shape (rows, targets).

    A cell that was reported is NaN: the caller lets the problems settle before using the rest.
    """
    columns = {target: _read_column(sheet, target) for target in sheet.source.series}
    for target, values in columns.items():
        _check_sign(sheet, target, values)
    in_coins = [target for target in columns if sheet.source.unit_of(target) == "base/day"]
    columns |= {at: columns[at] * columns[f"{at.rpartition('.')[0]}.close"] for at in in_coins}
    for instrument in dict.fromkeys(target.rpartition(".")[0] for target in columns):
        bar = {name: columns[full] for name in _BAR if (full := f"{instrument}.{name}") in columns}
        _check_bar(sheet, instrument, bar)
    return np.column_stack(list(columns.values()))


def check_sequence(sheet: Sheet, values: Floats) -> None:
    """Report what only shows from row to row: an index that falls, rows that stand still.

    Args:
        sheet: The rows, in order of time.
        values: Their numbers, shape (rows, targets).  Rows that stand still for too long become
            NaN where the source says `frozen = "halt"`.
    """
    for i, (target, column) in enumerate(sheet.source.series.items()):
        if field_of(target) == "index":
            for row in np.flatnonzero(np.diff(values[:, i]) < 0) + 1:
                before = sheet.rows[row - 1][sheet.columns[column]]
                sheet.report(int(row), column, f"at least the {before} of the row before")
    if sheet.source.frozen_rows:
        _check_frozen(sheet, values)


def _read_column(sheet: Sheet, target: str) -> Floats:
    column = sheet.source.series[target]
    position = sheet.columns[column]
    texts = [row[position] for row in sheet.rows]
    values = _parse(texts)
    is_number = np.isfinite(values)
    _report_all(sheet, column, ~is_number, "a finite number in plain digits, such as 1234.5")
    _, divisor = sheet.source.scale_of(target)
    scaled = np.where(is_number, values, np.nan) / divisor
    return scaled + 0.0  # Adding 0 turns -0.0, which some files hold, into 0.


def _parse(texts: Sequence[str]) -> Floats:
    """Return the numbers, NaN where a text is none: all at once if possible, else one by one."""
    if _is_plain("".join(texts)):
        try:
            return np.fromiter(map(float, texts), np.float64, len(texts))
        except ValueError:
            pass
    return np.array([_parse_one(text) for text in texts], dtype=np.float64)


def _parse_one(text: str) -> float:
    try:
        return float(text) if _is_plain(text) else np.nan
    except ValueError:
        return np.nan


def _is_plain(text: str) -> bool:
    """Return whether `float` reads `text` as people do: it takes `1_000` and foreign digits too."""
    return text.isascii() and "_" not in text


def _check_sign(sheet: Sheet, target: str, values: Floats) -> None:
    kind, column = field_of(target), sheet.source.series[target]
    if kind in _POSITIVE:
        _report_all(sheet, column, values <= 0, "a number above 0")
    elif kind in _NOT_NEGATIVE:
        _report_all(sheet, column, values < 0, "0 or more")


def _check_bar(sheet: Sheet, instrument: str, bar: Mapping[str, Floats]) -> None:
    """Report rows whose open or close lies outside [low, high], or whose high is below the low."""
    names = {name: sheet.source.series[f"{instrument}.{name}"] for name in bar}
    if "high" in bar and "low" in bar:
        upside_down = bar["high"] < bar["low"]
        _report_all(sheet, names["high"], upside_down, "a high that is not below the low")
    for name in ("open", "close"):
        if name in bar and "high" in bar:
            above = bar[name] > bar["high"]
            _report_all(sheet, names[name], above, f"{name} within [low, high]")
        if name in bar and "low" in bar:
            below = bar[name] < bar["low"]
            _report_all(sheet, names[name], below, f"{name} within [low, high]")


def _report_all(sheet: Sheet, column: str, bad: npt.NDArray[np.bool_], needed: str) -> None:
    for row in np.flatnonzero(bad):
        sheet.report(int(row), column, needed)


def _check_frozen(sheet: Sheet, values: Floats) -> None:
    """Report the first row of each run that repeats its predecessor too often, or blot all out."""
    most, run = sheet.source.frozen_rows, 0
    column = next(iter(sheet.source.series.values()))
    for row, same in enumerate(np.all(values[1:] == values[:-1], axis=1).tolist(), start=1):
        run = run + 1 if same else 0
        if run > most and sheet.source.frozen == "halt":
            sheet.frozen.append(row)
        elif run == most + 1:
            needed = f"at most {most} rows in succession that repeat the one before"
            sheet.report(row, column, needed)
    values[sheet.frozen] = np.nan
