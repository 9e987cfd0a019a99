"""What a trial finds, and how each line of its judgement reads."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from actors.app.proof import Proof
from actors.journal.chain import Head
from actors.journal.port import TradeTotals

NOWHERE, NO_TRADES = Head(0, ""), TradeTotals()


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the judgement.

    Attributes:
        name: What is asked.
        needed: In words.
        found: In words.
        passed: Whether it holds.
    """

    name: str
    needed: str
    found: str
    passed: bool


@dataclass(slots=True)
class Trial:
    """What a trial found.

    Attributes:
        days: Days that were asked for.
        agents: Agents of the first generation that were asked for.
        seed: The root of all randomness.
        seconds: Step -> what it took.
        killed_at: Day and entry that were on record when the daemon was last seen before its end.
        resumed_at: Day at which the second daemon was first seen.
        exit_code: What SIGTERM ended the second daemon with.
        said: Place and hash of the head, as the second daemon said at the end.
        backtest: Result of the run without a daemon.
        proof: What a deep verification of the daemon's run found.
        counts: Type of event -> how many are on record.
        trades: What the trades add up to.
        audits: How many audits of the ledger are on record, and in how many it balanced.
        capital: Where the real capital is in the end, micro-USD.
        cycle_days: Days from one cycle to the next.
        checks: The judgement.
    """

    days: int
    agents: int
    seed: int
    seconds: dict[str, float] = field(default_factory=dict)
    killed_at: tuple[int, int] = (0, 0)
    resumed_at: int = 0
    exit_code: int | None = None
    said: Head = NOWHERE
    backtest: dict[str, Any] = field(default_factory=dict)
    proof: Proof | None = None
    counts: Counter[str] = field(default_factory=Counter)
    trades: TradeTotals = NO_TRADES
    audits: tuple[int, int] = (0, 0)
    capital: dict[str, int] = field(default_factory=dict)
    cycle_days: int = 7
    checks: tuple[Check, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check did."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Note what `step` takes."""
        began = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - began, 3)
