"""What can be held, and what each kind of it earns: pure formulas, each with its source.

what can be held             Instrument, Kind, Right
marks from base series       derive
formulas of each kind        lending, staking, perpetual, pool, concentrated, ranges,
                             black_scholes, option, spread
"""

from arena.instruments.derive import derive
from arena.instruments.instrument import Instrument, Kind, Right
from arena.instruments.lending import accrue_linear

__all__ = ["Instrument", "Kind", "Right", "accrue_linear", "derive"]
