"""Counts: what has happened in a run so far, by name.

The rule: nobody waits for them.  What came before the entry that a replica begins at is counted
afterwards, a slice at a time; until all of it is, nothing is said, which is not the same as 0.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from actors.journal.pages import checks_failed, tally
from actors.journal.reader import JournalReader
from arena.events import AgentFailed, AgentGraduated, AgentKilled, Event, StrategyChecked

SLICE = 50_000
"""Entries that are looked at in one go."""


@dataclass(slots=True)
class Counts:
    """What happened so far, by name.

    Attributes:
        events: By type.
        kills: By rule.
        graduations: By the layer that was risen to.
        failures: Of agents, by kind.
        gates: Checks of strategies that were not passed, by check.
    """

    events: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    graduations: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    gates: Counter[str] = field(default_factory=Counter)

    def copy(self) -> Counts:
        """Return counts that go their own way."""
        return Counts(
            self.events.copy(),
            self.kills.copy(),
            self.graduations.copy(),
            self.failures.copy(),
            self.gates.copy(),
        )

    def add(self, kind: str, event: Event) -> None:
        """Count one event."""
        self.events[kind] += 1
        match event:
            case AgentKilled():
                self.kills[event.rule] += 1
            case AgentGraduated():
                self.graduations[str(event.to_layer)] += 1
            case AgentFailed():
                self.failures[event.kind] += 1
            case StrategyChecked():
                self.gates.update(name for name, passed in event.checks.items() if not passed)
            case _:
                pass

    def add_all(self, run: JournalReader, low: int, high: int) -> None:
        """Count what stands after `low` and up to `high`.

        Raises:
            EventSourcingError: The journal is damaged.
        """
        by_detail = {
            "AgentKilled": self.kills,
            "AgentGraduated": self.graduations,
            "AgentFailed": self.failures,
        }
        for kind, detail, n in tally(run, low, high):
            self.events[kind] += n
            if kind in by_detail:
                by_detail[kind][str(detail)] += n
            elif kind == "StrategyChecked":
                for name in checks_failed(detail or "{}"):
                    self.gates[name] += n


class Counting:
    """Counts that grow at both ends: with what is added, and with what stood there before."""

    def __init__(self, before: int, known: Counts | None = None) -> None:
        """Begin.

        Args:
            before: The last entry that stood there before.
            known: What there is up to it; None where that has yet to be counted.
        """
        self._counts = Counts() if known is None else known.copy()
        self._done = 0 if known is None else before
        self._before = before

    @property
    def whole(self) -> Counts | None:
        """The counts, which go on being counted; None until all of them are."""
        return self._counts if self._done == self._before else None

    def add(self, kind: str, event: Event) -> None:
        """Count one event that is new."""
        self._counts.add(kind, event)

    def look_back(self, run: JournalReader) -> bool:
        """Count a slice of what stood there before; return whether there was any left.

        Raises:
            EventSourcingError: The journal is damaged.
        """
        if self._done == self._before:
            return False
        upto = min(self._done + SLICE, self._before)
        self._counts.add_all(run, self._done, upto)
        self._done = upto
        return True
