"""Room on the disk: looked at before each tick, so that a full disk is met before it is full.

The rule: below the reserve time stands still, and what is on record can be read; above it time goes
on by itself.  What is left is for a stop that still wants to be written.
"""

from __future__ import annotations

import os
from pathlib import Path

MIB = 1 << 20
LOOK_AGAIN_S = 1.0
"""How often a full disk is looked at again, seconds."""


def has_room(folder: Path, reserve_mib: float) -> bool:
    """Return whether more than `reserve_mib` MiB of the disk of `folder` can be written."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize > reserve_mib * MIB
