"""What can be held, and what each kind of it earns: pure formulas, each with its source.

    instrument    `Instrument`: one thing that can be held, and the columns it is priced by
"""

from arena.instruments.instrument import Instrument, Kind, Right, accrue_linear

__all__ = ["Instrument", "Kind", "Right", "accrue_linear"]
