"""What can be held, and what each kind of it earns: pure formulas, each with its source."""

from arena.instruments.instrument import Instrument, Kind, Right, accrue_linear

__all__ = ["Instrument", "Kind", "Right", "accrue_linear"]
