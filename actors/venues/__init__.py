"""Where orders go: the port, and the one venue that is shipped, a simulation."""

from actors.venues.port import Venue
from actors.venues.session import Session, trading_state
from actors.venues.simulation import SimulationVenue

__all__ = ["Session", "SimulationVenue", "Venue", "trading_state"]
