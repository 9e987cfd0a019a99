"""Notices: what of the journal somebody wants to be woken for, in one line each.

The rule: one commit makes at most one notice of a kind.  A cycle that kills forty agents of the
arena is one line about forty agents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from actors.journal.chain import Entry
from arena.events import (
    AgentKilled,
    AgentQuarantined,
    CapitalConservationCheck,
    Event,
    RunCompleted,
    TradingHalted,
)
from arena.words import ALL, Layer

URGENT = ("panic", "invariant", "halt", "run_end")
"""For these the last place of a minute is kept free."""

NAMES_MAX = 5
TEXT_MAX = 500
"""Names and characters in one line."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened.

    Attributes:
        event: One of the occasions of `[[notify]]`.
        seq: The entry of the journal that tells it; the last one of several.
        text: One line for people.
    """

    event: str
    seq: int
    text: str


def notices_of(entries: Sequence[Entry], events: Sequence[Event]) -> list[Notice]:
    """Return the notices of one commit, in the order of what they tell.

    Args:
        entries: What was committed.
        events: The same, decoded.
    """
    lines: dict[str, list[tuple[int, str]]] = {}
    for entry, event in zip(entries, events, strict=True):
        for kind, text in _words_of(event):
            lines.setdefault(kind, []).append((entry.seq, text))
    return [
        Notice(kind, told[-1][0], _in_one_line(kind, [text for _, text in told]))
        for kind, told in lines.items()
    ]


def _words_of(event: Event) -> Iterator[tuple[str, str]]:
    match event:
        case AgentKilled(layer=Layer.ARENA):
            yield "kill", f"{event.agent_id} ({event.rule})"
        case AgentQuarantined():
            yield "quarantine", f"{event.agent_id} ({event.failures} failures)"
        case TradingHalted(scope=scope):
            kind = "panic" if scope == ALL else "halt"
            whom = "everyone" if scope == ALL else "the arena's agents"
            yield kind, f"trading is halted for {whom}: {event.reason}"
        case CapitalConservationCheck() if not _holds(event):
            sums = f"real {event.real_sum}, virtual {event.virtual_sum} micro-USD"
            agree = "agree" if event.rows_agree else "do not agree"
            yield "invariant", f"the ledger does not balance: {sums}; the rows {agree}"
        case RunCompleted():
            yield "run_end", f"the run has ended after {event.ticks} ticks, {event.cycles} cycles"
        case _:
            pass


def _holds(check: CapitalConservationCheck) -> bool:
    return check.rows_agree and not check.real_sum and not check.virtual_sum


def _in_one_line(kind: str, texts: Sequence[str]) -> str:
    if kind in {"kill", "quarantine"}:
        verb = "killed in the arena" if kind == "kill" else "quarantined"
        return shortened(f"{len(texts)} {verb}: {_named(texts)}")
    return shortened("; ".join(texts))


def _named(texts: Sequence[str]) -> str:
    rest = len(texts) - NAMES_MAX
    return ", ".join(texts[:NAMES_MAX]) + (f" and {rest} more" if rest > 0 else "")


def shortened(text: str) -> str:
    """Return `text` as one line of at most `TEXT_MAX` characters."""
    line = " ".join(text.split())
    return line if len(line) <= TEXT_MAX else f"{line[: TEXT_MAX - 3]}..."


def wanted(notices: Iterable[Notice], occasions: Sequence[str]) -> list[Notice]:
    """Return those that somebody asked for."""
    return [notice for notice in notices if notice.event in occasions]
