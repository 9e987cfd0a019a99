"""The parts of the status page: each is a function of plain data that returns HTML.

The rule: `_text` is the only way in for a word that is not written here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from actors.app.http.replica import View
from actors.app.result import LAYERS, count_agents
from actors.app.result import capital as where_capital_is
from arena.money import render_usd
from arena.words import ALL, Book

_GIST_MAX = 160


def waiting(trouble: str | None) -> str:
    """Return the page of a run that has not been read yet."""
    said = "the run is being read" if trouble is None else f"it cannot be read: {trouble}"
    return f"<h1>treasury-arena</h1>\n<p class=bad>{_text(said)}</p>"


def standing(view: View, writer: Mapping[str, Any] | None, reasons: Sequence[str]) -> str:
    """Return where the run stands, and whether one can rely on it."""
    treasury = view.treasury
    market = treasury.experiment.market
    upto = "" if market.endless else f" of {market.ticks}"
    facts = [
        ("mode", _mode(view, writer)),
        ("trading", _badge(*_trading(view))),
        ("ledger", _badge(*_ledger(view))),
        ("health", _badge(", ".join(reasons) or "ready", good=not reasons)),
        ("tick", _text(f"{treasury.tick}{upto}")),
        ("settled", _instant(view.settled_at)),
        ("cycle", _text(treasury.cycle)),
        ("seq", f"{view.seq} <code>{_text(view.head.hash[:12])}</code>"),
    ]
    lines = (f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return (
        f"<h1>{_text(treasury.experiment.name)} "
        f"<small>{_text(market.badge)} market</small></h1>\n<dl>{''.join(lines)}</dl>"
    )


def capital(view: View) -> str:
    """Return where the real capital is."""
    found = where_capital_is(view.treasury)
    rows = [
        ("reserve", found["stable_reserve"]),
        ("proving", found["proving_capital"]),
        ("arena", found["arena_capital"]),
        ("of it, with agents", found["allocated"]),
        ("of it, idle in the pool", found["available"]),
        ("total", found["total"]),
    ]
    lines = [(_text(name), _usd(amount)) for name, amount in rows]
    return _table("Capital", ("place", "amount"), lines)


def population(view: View) -> str:
    """Return how many agents there are."""
    counts = count_agents(view.treasury)
    lines = [(str(layer), _text(counts["by_layer"][str(layer)])) for layer in LAYERS]
    ended = [("born", counts["born"]), ("killed", counts["killed"])]
    lines += [(name, _text(number)) for name, number in ended]
    return _table("Agents", ("layer", "living"), lines)


def leaders(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return those who do best."""
    heads = ("#", "agent", "strategy", "place", "fitness", "return", "equity")
    lines = [
        (
            _text(row["rank"]),
            _text(row["agent"]),
            _text(row["strategy"]),
            _text(row["tier"] or row["layer"]),
            "-" if row["fitness"] is None else f"{row['fitness']:.2f}",
            f"{row['return']:+.1%}",
            _usd(row["equity"]),
        )
        for row in rows
    ]
    return _table("Leaders", heads, lines, kind="wide leaders")


def events(entries: Iterable[Mapping[str, Any]]) -> str:
    """Return what happened last, the newest first."""
    lines = [
        (
            _text(entry["seq"]),
            _instant(entry["timestamp"]),
            _text(entry["type"]),
            _text(entry["agent"] or ""),
            f"<code>{_text(_gist(entry['data']))}</code>",
        )
        for entry in entries
    ]
    return _table("Last events", ("seq", "at", "type", "agent", "data"), lines, kind="wide")


def _mode(view: View, writer: Mapping[str, Any] | None) -> str:
    if writer is not None:
        state = str(writer.get("state", "unknown"))
        return _badge(state, good=state in {"running", "completed"})
    return _text("completed" if view.treasury.completed else "stored, no daemon")


def _trading(view: View) -> tuple[str, bool]:
    halted = view.treasury.halted
    if ALL in halted:
        return f"panic since day {halted[ALL]}", False
    if halted:
        return f"halted: {', '.join(sorted(halted))}", False
    return "open", True


def _ledger(view: View) -> tuple[str, bool]:
    sums = {book: sum(view.treasury.books[book].values()) for book in Book}
    if not any(sums.values()):
        return "balanced", True
    return ", ".join(f"{book} is off by {total}" for book, total in sums.items()), False


def _gist(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= _GIST_MAX else f"{text[:_GIST_MAX]}..."


def _usd(amount: int) -> str:
    return _text(render_usd(round(amount, -4)))


def _badge(text: str, good: bool) -> str:  # noqa: FBT001 - a pair as its functions return it
    return f'<span class="{"good" if good else "bad"}">{_text(text)}</span>'


def _table(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, kind: str = "narrow"
) -> str:
    """Return a table; its cells are HTML."""
    top = "".join(f'<th scope="col">{_text(head)}</th>' for head in heads)
    lines = "\n".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<section class="{kind}"><h2>{_text(title)}</h2>\n<div class="scroll"><table>'
        f"<thead><tr>{top}</tr></thead>\n<tbody>{lines}</tbody></table></div></section>"
    )


def _instant(text: str | None) -> str:
    """Return an instant of the run to the minute, as a page has room for it."""
    return "-" if text is None else _text(text[:16].replace("T", " "))


def _text(value: object) -> str:
    """Return a value as HTML that shows it; what cannot be printed is shown as its number."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(value))
    return escape(shown)
