"""The public harness: whole arenas in memory, for those who test what they have written.

The rule: importing this package costs next to nothing, since pytest does so in every run of
everybody who has it installed.  A name is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.simulator import (
        NO_FAULTS,
        DeadlockError,
        DiskFaults,
        EndlessError,
        EscapedError,
        Evidence,
        Explore,
        Moment,
        SimDisk,
        SimJournal,
        SimLoop,
        Simulated,
        SimulationError,
        judge,
        simulate,
    )
    from actors.testing.assertions import (
        assert_conserved,
        assert_gapless,
        assert_no_lookahead,
        assert_replays,
        assert_same_journal,
        assert_schedule_free,
    )
    from actors.testing.faults import (
        Fault,
        InjectedError,
        floods,
        hangs,
        raises,
        returns_nan,
    )
    from actors.testing.harness import (
        ArenaHarness,
        DownError,
        NeverError,
    )
    from actors.testing.markets import (
        DailyMarket,
        crash,
        deposit,
        flat,
        from_csv,
        gap,
        synthetic,
        trend,
    )
    from actors.testing.tables import (
        from_table,
    )

_NAMES = {
    "actors.simulator": (
        "NO_FAULTS DeadlockError DiskFaults EndlessError EscapedError Evidence Explore"
        " Moment SimDisk SimJournal SimLoop Simulated SimulationError judge simulate"
    ),
    "actors.testing.assertions": (
        "assert_conserved assert_gapless assert_no_lookahead assert_replays assert_same_journal"
        " assert_schedule_free"
    ),
    "actors.testing.faults": ("Fault InjectedError floods hangs raises returns_nan"),
    "actors.testing.harness": ("ArenaHarness DownError NeverError"),
    "actors.testing.markets": ("DailyMarket crash deposit flat from_csv gap synthetic trend"),
    "actors.testing.tables": ("from_table"),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__all__ = [
    "NO_FAULTS",
    "ArenaHarness",
    "DailyMarket",
    "DeadlockError",
    "DiskFaults",
    "DownError",
    "EndlessError",
    "EscapedError",
    "Evidence",
    "Explore",
    "Fault",
    "InjectedError",
    "Moment",
    "NeverError",
    "SimDisk",
    "SimJournal",
    "SimLoop",
    "Simulated",
    "SimulationError",
    "assert_conserved",
    "assert_gapless",
    "assert_no_lookahead",
    "assert_replays",
    "assert_same_journal",
    "assert_schedule_free",
    "crash",
    "deposit",
    "flat",
    "floods",
    "from_csv",
    "from_table",
    "gap",
    "hangs",
    "judge",
    "raises",
    "returns_nan",
    "simulate",
    "synthetic",
    "trend",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for.

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
