"""How this process was called, for messages that say what to type next."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path


def how_to(command: str, *words: str) -> str:
    """Return what to type for a command of `arena`, as this process was called."""
    called = sys.argv[0]
    known = shutil.which("arena") is not None or Path(called).name != "arena"
    return shlex.join(("arena" if known else called, command, *words))
