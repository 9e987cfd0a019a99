"""Where orders go: the port, who carries them there, and the one venue that is shipped."""

from actors.venues.courier import Courier
from actors.venues.port import OutcomeUnknownError, Venue
from actors.venues.session import Session, trading_state
from actors.venues.simulation import SimulationVenue, simulated

__all__ = [
    "Courier",
    "OutcomeUnknownError",
    "Session",
    "SimulationVenue",
    "Venue",
    "simulated",
    "trading_state",
]
