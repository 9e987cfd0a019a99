"""Live paper simulation: the same arena, against bars that come at a pace, or as they are made."""

from actors.app.live.pace import Pace

__all__ = ["Pace"]
