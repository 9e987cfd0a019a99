"""The core: arena decides, actors act.

Everything in this package is pure and synchronous: the same input gives the same output, for ever.
It knows no clock, no disk, no network and no task; it is told the time and given its randomness.
Start reading at `arena.treasury`.
"""

__version__ = "0.4.0"
