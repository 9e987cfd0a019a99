"""What the gate found: one outcome for each check, in words that explain themselves.

The same strategy, under the same settings, has the same report: no path, time or address is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CHECKS: Mapping[str, str] = {
    "crash": "It can be made, and answers on every bar without raising anything.",
    "budget": "No step takes longer than it may.",
    "bounds": "Whatever its parameters are, inside their bounds, its answers are valid.",
    "purity": "It reads no clock, draws from no global generator, does no I/O, starts nothing.",
    "memory": "What it knows from bar to bar is in its memory, and that is plain JSON.",
    "determinism": "Twice, beside others, and in another process it decides the same.",
    "poisoned_future": "Whatever stands where the future would be, it decides the same.",
    "truncation": "Where the market ends now, it decides the same.",
    "turnover": "It does not trade more than its equity bears.",
}
"""Name of a check -> what it proves, in the order in which they are reported."""


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check.

    Attributes:
        name: One of `CHECKS`.
        passed: None where it could not be tried, because another one failed first.
        detail: What was tried; or where it failed first, and what differed.
    """

    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """What became of a strategy at the gate.

    Attributes:
        strategy: Its name.
        source_hash: SHA-256 of the files that define it; empty where there are none.
        checks: One for each of `CHECKS`, in their order.
    """

    strategy: str
    source_hash: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check was tried and passed."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that failed."""
        return tuple(check.name for check in self.checks if check.passed is False)

    def explain(self) -> str:
        """Return what failed, a line for each check; empty where nothing did."""
        return "\n".join(f"{one.name}: {one.detail}" for one in self.checks if one.passed is False)

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            "strategy": self.strategy,
            "source_hash": self.source_hash,
            "passed": self.passed,
            "checks": [
                {"name": one.name, "passed": one.passed, "detail": one.detail}
                for one in self.checks
            ],
        }

    @staticmethod
    def from_plain(data: Mapping[str, Any]) -> GateReport:
        """Return what `to_plain` made it from."""
        checks = tuple(Check(**one) for one in data["checks"])
        return GateReport(data["strategy"], data["source_hash"], checks)


class Docket:
    """Collects what the checks find: of each one its first failure, and how often it was tried."""

    def __init__(self) -> None:
        self._tried: dict[str, int] = {}
        self._failed: dict[str, str] = {}

    def note(self, name: str, fault: str | None, times: int = 1) -> None:
        """Count a trial of a check; its first fault is kept."""
        self._tried[name] = self._tried.get(name, 0) + times
        if fault is not None:
            self._failed.setdefault(name, fault)

    @property
    def hung(self) -> bool:
        """Whether a step took too long: to try more of them takes time and tells nothing."""
        return "budget" in self._failed

    def checks(self, notes: Mapping[str, str]) -> tuple[Check, ...]:
        """Return an outcome for each check.

        Args:
            notes: Check -> what should be said where it passed.
        """
        return tuple(self._outcome(name, notes.get(name, "")) for name in CHECKS)

    def _outcome(self, name: str, note: str) -> Check:
        if name in self._failed:
            return Check(name, passed=False, detail=self._failed[name])
        if name not in self._tried:
            return Check(name, passed=None, detail=f"not tried: {_listed([*self._failed])} failed")
        times = f"{self._tried[name]} times" if self._tried[name] > 1 else "once"
        return Check(name, passed=True, detail=f"tried {times}{note and f'; {note}'}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
