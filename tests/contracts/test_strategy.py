"""Every strategy that is built in keeps what a strategy promises."""

from __future__ import annotations

from actors.testing.conformance import StrategyConformance
from arena.strategies import BUILT_IN, Strategy


def suite_of(kind: type[Strategy]) -> type[StrategyConformance]:
    """Return the suite for one strategy.

    The whole gate is held to all of them in tests/gate: the quick one suffices here.
    """
    return type(f"Test{kind.__name__}", (StrategyConformance,), {"strategy": kind, "quick": True})


globals().update({suite.__name__: suite for suite in map(suite_of, BUILT_IN.values())})
