"""Tables for people, made from the same plain data that `--json` prints.

What comes from outside (names, messages, event data) is escaped: nothing in a run can move a
reader's cursor or colour their screen.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from arena.money import render_usd

PIPE_WIDTH = 160
"""Columns where nobody's terminal says how many there are."""

GIST_MAX = 120
"""Characters of an event's data in a table; `--json` has all of them."""

_MONEY = frozenset({"amount", "arena", "proving", "reserve", "virtual_capital"})

Columns = Sequence[tuple[str, str]]
"""(heading, `left`, `right`, `short` or `fold`)."""

SHORT_MIN = 10
"""Characters that are left of a column `short` where the screen is narrow."""

FOLD_MIN = 24
"""Characters that a column `fold` needs in order to be read."""

FEWER = "more columns in a wider terminal or with --json"

NOTHING = "nothing found"

_BOARD: Columns = (
    ("#", "right"),
    ("agent", "left"),
    ("strategy", "short"),
    ("place", "left"),
    ("fitness", "right"),
    ("return", "right"),
    ("equity", "right"),
    ("Sharpe", "right"),
    ("fall", "right"),
    ("won", "right"),
)
_BOARD_DROP = ("won", "equity", "strategy", "#", "place", "Sharpe", "fall", "return")


def screen_width() -> int:
    """Return how many columns stdout has."""
    asked = os.environ.get("COLUMNS", "")
    if re.fullmatch("0*[1-9][0-9]{0,3}", asked):  # Anything else is no width, and is ignored.
        return int(asked)
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH


def write(parts: Iterable[RenderableType], *, color: bool) -> None:
    """Print `parts` on stdout; where that is no terminal, plainly and without trailing spaces."""
    screen = Console(
        file=sys.stdout,
        width=screen_width(),
        no_color=not color or None,
        emoji=False,
        highlight=False,
    )
    if screen.is_terminal:
        for part in parts:
            screen.print(part, markup=False)
        return
    for part in parts:
        with screen.capture() as captured:
            screen.print(part, markup=False, soft_wrap=isinstance(part, (str, Text)))
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def plain(value: object) -> str:
    """Return `value` as text in which nothing can move the cursor or reverse the writing."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(value))


def cell(value: object) -> Text:
    """Return `value` for a table; None is a dash, and markup in it means nothing."""
    return Text("-" if value is None else plain(value))


def number(value: float | None, digits: int = 2) -> str:
    """Return a number as people compare it."""
    return "-" if value is None else f"{value:.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """Return a fraction as a percentage."""
    return "-" if value is None else f"{round(value, digits + 2) + 0.0:.{digits}%}"  # No -0.0.


def usd(value: int | None) -> str:
    """Return micro-USD to the cent, as a table needs them; `--json` has them exact."""
    return "-" if value is None else render_usd(round(value, -4))


def grid(
    columns: Iterable[tuple[str, str]], rows: Iterable[Sequence[object]], title: str | None = None
) -> Table:
    """Return a table; see `Columns`.

    Where the screen is too narrow, `fold` is what takes more lines; the others lose their ends.
    """
    table = Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for heading, side in columns:
        fold = side == "fold"
        table.add_column(
            heading,
            justify="right" if side == "right" else "left",
            no_wrap=not fold,
            overflow="fold" if fold else "ellipsis",
        )
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    return table


def facts(pairs: Iterable[tuple[str, object]], title: str | None = None) -> Table:
    """Return names and values, one pair a line."""
    table = Table(title=title, box=None, show_header=False, pad_edge=False)
    table.title_justify, table.title_style = "left", "bold"
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(cell(name), cell(value))
    return table


def fitted(
    columns: Columns,
    rows: Iterable[Sequence[object]],
    title: str | None = None,
    *,
    drop: Sequence[str] = (),
    below: Iterable[Sequence[object]] = (),
) -> Iterator[RenderableType]:
    """Yield a table of as many columns as the screen has room for, and say if some are missing.

    Args:
        columns: All of them.
        rows: What stands in them.
        title: Stands above.
        drop: Headings of columns that can go, the least important one first; one that is `short`
            is shortened first, and goes where that is not enough.
        below: More rows, under a line.
    """
    above, more = [[str(cell(v)) for v in row] for row in rows], [[*row] for row in below]
    lines = [*above, *([str(cell(v)) for v in row] for row in more)]
    if not lines:
        yield from (title, NOTHING) if title else (NOTHING,)
        return
    widths = [_width(column, [line[n] for line in lines]) for n, column in enumerate(columns)]
    kept = [*range(len(columns))]
    for heading in drop:
        over = sum(widths[n] + 2 for n in kept) - screen_width()
        if over <= 0:
            break
        place = next(n for n in kept if columns[n][0] == heading)
        if columns[place][1] == "short" and widths[place] - over >= SHORT_MIN:
            widths[place] -= over
        else:
            kept.remove(place)
    chosen = [[_shorten(line[n], columns[n], widths[n]) for n in kept] for line in lines]
    table = grid([columns[n] for n in kept], chosen[: len(above)], title)
    table.add_section()
    for line in chosen[len(above) :]:
        table.add_row(*map(cell, line))
    yield table
    if len(kept) < len(columns):
        yield Text(FEWER, style="dim")


def _width(column: tuple[str, str], values: Iterable[str]) -> int:
    heading, side = column
    widest = max(map(cell_len, (heading, *values)))
    return min(widest, FOLD_MIN) if side == "fold" else widest


def _shorten(value: str, column: tuple[str, str], width: int) -> str:
    """Return what a column `short` shows of `value`."""
    if column[1] != "short" or len(value) <= width:
        return value
    return f"{value[: width - 1]}\u2026"


def board(
    rows: Iterable[Mapping[str, Any]],
    yardsticks: Iterable[Mapping[str, Any]] = (),
    title: str | None = None,
) -> Iterator[RenderableType]:
    """Yield the leaderboard, and under a line what nobody had to be clever for."""
    below = (
        _line({**row, "agent": short_name(row["agent"]), "tier": "baseline"}) for row in yardsticks
    )
    yield from fitted(_BOARD, map(_line, rows), title, drop=_BOARD_DROP, below=below)


def short_name(agent: str) -> str:
    """Return what tables call an agent, and commands accept: a baseline without the prefix."""
    return agent.removeprefix("baseline-")


def _line(row: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        row.get("rank", ""),
        row["agent"],
        row["strategy"],
        row["tier"] or row["layer"],
        number(row["fitness"]),
        percent(row["return"]),
        usd(row["equity"]),
        number(row["sharpe"]),
        percent(row["max_drawdown"]),
        percent(row["win_rate"], 0),
    )


def breakdown(capital: Mapping[str, Any]) -> Table:
    """Return where the real capital is."""
    lines = [
        ("reserve", capital["stable_reserve"]),
        ("proving", capital["proving_capital"]),
        ("arena", capital["arena_capital"]),
        ("  of it with agents", capital["allocated"]),
        ("  of it idle", capital["available"]),
        ("total", capital["total"]),
    ]
    total = capital["total"] or 1
    rows = [(name, usd(amount), percent(amount / total)) for name, amount in lines]
    return grid((("capital", "left"), ("USD", "right"), ("share", "right")), rows)


def population(agents: Mapping[str, Any], trades: Mapping[str, int]) -> Table:
    """Return how many there were, and what they did."""
    layers = ", ".join(f"{count} in {layer}" for layer, count in agents["by_layer"].items())
    up = agents["graduated"]
    killed = ", ".join(f"{rule} {count}" for rule, count in agents["killed_by"].items())
    return facts(
        [
            ("agents", f"{agents['alive']} alive: {layers}"),
            ("", f"{agents['born']} born, {agents['mutated']} of them mutants"),
            ("", f"{agents['killed']} killed{f': {killed}' if killed else ''}"),
            ("", f"{up['proving']} graduated to proving, {up['arena']} to the arena"),
            (
                "trades",
                ", ".join(
                    f"{trades[key]} {key.replace('_', ' ')}"
                    for key in ("executed", "rejected", "forced_sales")
                ),
            ),
        ]
    )


def by_archetype(found: Mapping[str, Mapping[str, Any]]) -> Iterator[RenderableType]:
    """Yield what became of everyone who was ever born, by strategy."""
    columns = [("ever born", "left")]
    columns += [(each, "right") for each in ("agents", "killed", "trades", "median", "best")]
    columns += [("to proving", "right"), ("to arena", "right")]
    lines = [
        (
            name,
            each["born"],
            each["killed"],
            each["trades"],
            percent(each["median_return"]),
            percent(each["best_return"]),
            each["graduated"]["proving"],
            each["graduated"]["arena"],
        )
        for name, each in found.items()
    ]
    yield from fitted(columns, lines, None, drop=("killed", "trades"))


def by_regime(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the NAV return of each strategy in each regime, the yardsticks' under a line."""
    days = found["days"]

    def line(name: str, agents: object, group: Mapping[str, Any]) -> tuple[object, ...]:
        return (name, agents, *(percent(group[each]["return"]) for each in days))

    groups = found["strategies"].items()
    lines = [line(name, one["agents"], one) for name, one in groups if not one["baseline"]]
    below = [line(short_name(name), "", one) for name, one in groups if one["baseline"]]
    below += [line(found["reference"], "", found["market"]), ("days", "", *days.values())]
    columns = [("mean return", "left"), ("born", "right"), *((each, "right") for each in days)]
    title = f"in hindsight, by {found['reference']}"
    yield from fitted(columns, lines, title, drop=("born",), below=below)


def prices_met(touched: Mapping[str, Any]) -> str:
    """Return at which prices what share of the fills was made."""
    shares = ", ".join(
        f"{percent(share)} {name}" for name, share in touched["share"].items() if share
    )
    if not shares:
        return "fills: none"
    held = f"; {touched['held']} on bars carried over a gap" if touched["held"] else ""
    return f"fills: {touched['fills']}, at prices that are {shares}{held}"


def event_lines(
    events: Iterable[Mapping[str, Any]], title: str | None = None
) -> Iterator[RenderableType]:
    """Yield events as `actors.app.inspecting.entry_data` gives them, one a line."""
    columns = (("seq", "right"), ("day", "left"), ("event", "left"), ("agent", "left"))
    rows = (
        (each["seq"], each["timestamp"][:10], each["type"], each["agent"], gist(each["data"]))
        for each in events
    )
    yield from fitted([*columns, ("what", "fold")], rows, title, drop=("agent", "day"))


def gist(data: Mapping[str, Any]) -> str:
    """Return an event's data in short: its simple values, and how many its lists hold."""
    parts = []
    for name, value in data.items():
        if name in _MONEY and isinstance(value, int):
            parts.append(f"{name}={render_usd(value)}")
        elif isinstance(value, (list, dict)):
            rows = value.get("agents", value) if isinstance(value, dict) else value
            parts.append(f"{name}[{len(rows)}]")
        elif value is not None and name != "agent_id":
            parts.append(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}")
    text = " ".join(parts)
    return text if len(text) <= GIST_MAX else f"{text[:GIST_MAX].rstrip(' .')}\u2026"
