"""The gate that no cheater passes: what it checks, what it finds, and in which worlds.

check_strategy(kind)      a `GateReport`: one outcome for each of `CHECKS`
check_strategies(kinds)   one for each of several
find_strategy(word)       the class that a word of the command line names
World, the_worlds()       where it is checked
"""

from actors.app.gate.checking import check_strategies, check_strategy
from actors.app.gate.report import CHECKS, Check, GateReport
from actors.app.gate.sources import find_strategy, source_hash
from actors.app.gate.worlds import World, the_quick_world, the_worlds

__all__ = [
    "CHECKS",
    "Check",
    "GateReport",
    "World",
    "check_strategies",
    "check_strategy",
    "find_strategy",
    "source_hash",
    "the_quick_world",
    "the_worlds",
]
