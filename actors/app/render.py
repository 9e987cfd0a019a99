"""Tables for people, made from the same plain data that `--json` prints.

What comes from outside (names, messages, event data) is escaped: nothing in a run can move a
reader's cursor or colour their screen.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from arena.money import render_usd

PIPE_WIDTH = 160
"""Columns where nobody's terminal says how many there are."""

GIST_MAX = 120
"""Characters of an event's data in a table; `--json` has all of them."""

_MONEY = frozenset({"amount", "arena", "proving", "reserve", "virtual_capital"})

_BOARD = (
    ("#", "right"),
    ("agent", "left"),
    ("strategy", "fold"),
    ("place", "left"),
    ("fitness", "right"),
    ("return", "right"),
    ("equity", "right"),
    ("Sharpe", "right"),
    ("fall", "right"),
    ("won", "right"),
)
_BOARD_NARROW = 7
"""Columns of the leaderboard where the screen has less than `_BOARD_WIDTH`."""

_BOARD_WIDTH = 96


def screen_width() -> int:
    """Return how many columns stdout has."""
    if "COLUMNS" in os.environ or not sys.stdout.isatty():
        return int(os.environ.get("COLUMNS") or PIPE_WIDTH)
    return shutil.get_terminal_size().columns


def write(parts: Iterable[RenderableType], *, color: bool) -> None:
    """Print `parts` on stdout; where that is no terminal, plainly and without trailing spaces."""
    screen = Console(file=sys.stdout, no_color=not color or None, emoji=False, highlight=False)
    if screen.is_terminal:
        for part in parts:
            screen.print(part, markup=False)
        return
    screen.width = screen_width()
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
    """Return a table; `columns` are (heading, `left`, `right` or `fold`).

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


def board(
    rows: Iterable[Mapping[str, Any]],
    yardsticks: Iterable[Mapping[str, Any]] = (),
    title: str | None = None,
) -> Table:
    """Return the leaderboard, and under a line what nobody had to be clever for."""
    columns = _BOARD[: None if screen_width() >= _BOARD_WIDTH else _BOARD_NARROW]
    table = grid(columns, (_line(row)[: len(columns)] for row in rows), title)
    table.add_section()
    for row in yardsticks:
        short = {"agent": row["agent"].removeprefix("baseline-"), "tier": "baseline"}
        table.add_row(*(cell(value) for value in _line({**row, **short})[: len(columns)]))
    return table


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


def event_lines(events: Iterable[Mapping[str, Any]], title: str | None = None) -> Table:
    """Return events as `actors.app.inspecting.entry_data` gives them, one a line."""
    columns = (("seq", "right"), ("day", "left"), ("event", "left"), ("agent", "left"))
    rows = (
        (each["seq"], each["timestamp"][:10], each["type"], each["agent"], gist(each["data"]))
        for each in events
    )
    return grid([*columns, ("what", "fold")], rows, title)


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
    return text if len(text) <= GIST_MAX else f"{text[:GIST_MAX]}..."
