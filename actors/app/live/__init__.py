"""Live paper simulation: the same arena, against bars that come at a pace, or as they are made.

`Pace` says when the next bar is due; `LiveSource` looks for bars that were added to the config's
files and series, and records each one before it is settled; `extend` tells a run of them.
"""

from actors.app.live.download import Downloader
from actors.app.live.following import extend, follow
from actors.app.live.pace import Pace
from actors.app.live.source import LiveSource

__all__ = ["Downloader", "LiveSource", "Pace", "extend", "follow"]
